/* Looking at torch modules in a pickle: attributes, children, irreps, numbers. */
#ifndef FTL_MACE_OBJECT_H
#define FTL_MACE_OBJECT_H

#include "files/torch_archive.h"

/* What the functions below share while one model is read. */
typedef struct {
  ftl_torch_archive *archive;
  const char *where;
  ftl_source *source;
  int n_modules; /* visited so far */
  ftl_error *error;
} ftl_mace_reader;

/* The attribute dict of a module: the state of an instance, or the argument of fx's reduce_graph_module; else NULL. */
const ftl_py *ftl_module_state(const ftl_py *module);
/* state[name], NULL if absent. */
const ftl_py *ftl_module_attribute(const ftl_py *module, const char *name);
/* A submodule, NULL if absent. ftl_module_item counts from 0 in a ModuleList. */
const ftl_py *ftl_module_child(const ftl_py *module, const char *name);
const ftl_py *ftl_module_item(const ftl_py *list, int k);
int ftl_module_count(const ftl_py *list);
/* A module of this class of this package ("mace", "e3nn", "torch"). */
bool ftl_module_is(const ftl_py *module, const char *package, const char *name);

/* An attribute that is a Python or numpy number, or a tensor with one element. `path` names the module in messages. */
ftl_status ftl_module_number(ftl_mace_reader *reader, const ftl_py *module, const char *path, const char *name,
                             double *number);
/* The same from a value. */
ftl_status ftl_value_number(ftl_mace_reader *reader, const ftl_py *value, const char *path, double *number);
/* An attribute that is an e3nn Irreps, or its text. */
ftl_status ftl_module_irreps(ftl_mace_reader *reader, const ftl_py *module, const char *path, const char *name,
                             ftl_irreps *irreps);
/* None, False, 0 and absent are false; True is true. Anything else counts as true. */
bool ftl_value_truth(const ftl_py *value);

#endif
