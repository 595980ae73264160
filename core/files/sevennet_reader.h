/* Checkpoints of SevenNet (sevenn 0.9 to 0.13): torch archives of a dict with a model's config and its state_dict.
   What the dict means was found by comparing with sevenn's answers; docs/theory.md has the equations. */
#ifndef FTL_SEVENNET_READER_H
#define FTL_SEVENNET_READER_H

#include "files/mace_object.h"

/* The root of an archive looks like one. */
bool ftl_sevennet_is(const ftl_py *root);
/* Fills reader->source (arch, tensors sorted). Options and tensors that are not covered are refused by name. Optimiser
   and scheduler states are not looked at. */
ftl_status ftl_sevennet_read(ftl_mace_reader *reader, const ftl_py *root);

/* ---- the parts of it ---- */

typedef struct {
  ftl_mace_reader *reader;
  const ftl_py *config;
  ftl_tensors raw; /* of the state_dict, by the names that sevenn 0.13 gives */
  bool *used;      /* [raw.n] */
  int version;     /* 100 * major + minor, without pre-releases: 0.11.0.dev0 counts as 0.10 */
  bool train_denominator, train_shift_scale;
} ftl_sevennet;

/* config -> reader->source->arch (sevennet_config.c). */
ftl_status ftl_sevennet_architecture(ftl_sevennet *s);
/* Irreps of the layers from those of the features, or by the rules (sevennet_irreps.c). */
ftl_status ftl_sevennet_layers(ftl_sevennet *s, int lmax_node, int channel, const ftl_py *manual);
/* raw -> reader->source->tensors (sevennet_tensors.c). */
ftl_status ftl_sevennet_tensors(ftl_sevennet *s);

ftl_status ftl_sevennet_bad(const ftl_sevennet *s, ftl_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
