/* Turns the object graph of a saved mace-torch model into an architecture and tensors named as in its state_dict. */
#ifndef FTL_MACE_READER_H
#define FTL_MACE_READER_H

#include "files/mace_object.h"

/* Reads what torch.save wrote, which lies in memory, into source->arch and source->tensors (sorted): a `.model` of
   mace-torch or a checkpoint of sevenn (sevennet_reader.h). source->path is for messages. What is not covered is
   refused with the name of the class or option. */
ftl_status ftl_torch_read(const void *data, size_t size, ftl_source *source, ftl_error *error);

/* The parts of it. Each fills its part of reader->source. */
ftl_status ftl_mace_read_tensors(ftl_mace_reader *reader, const ftl_py *model);
ftl_status ftl_mace_read_radial(ftl_mace_reader *reader, const ftl_py *model);
ftl_status ftl_mace_read_layers(ftl_mace_reader *reader, const ftl_py *model);
ftl_status ftl_mace_read_readouts(ftl_mace_reader *reader, const ftl_py *model);

/* An e3nn normalize2mom around an activation: `function` is its torch name ("silu"), `cst` the factor (1 where e3nn
   says that the function is normalised already). */
ftl_status ftl_mace_read_activation(ftl_mace_reader *reader, const ftl_py *normalize, const char *path, char *function,
                                    size_t size, double *cst);
/* The name of an activation function or module: "silu", "tanh", ...; what was found if it is none. */
void ftl_mace_function_name(const ftl_py *function, char *name, size_t size);
/* A child that must be an e3nn Linear; its irreps. Either of in, out may be NULL. */
ftl_status ftl_mace_read_linear(ftl_mace_reader *reader, const ftl_py *module, const char *path, const char *name,
                                ftl_irreps *in, ftl_irreps *out);

#endif
