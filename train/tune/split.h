/* Parts of a data set that are fair: drawn by a seed, each config_type in proportion, whatever the order of the files.
   Which structures are drawn depends on the structures (elements, positions, cell), the seed and nothing else; copies
   of a structure stay together. */
#ifndef FTL_SPLIT_H
#define FTL_SPLIT_H

#include "data/dataset.h"

/* order[n] of all structures, of which the first k are such a part for every k, so that parts of one seed are nested.
   FTL_ERR_MEMORY. */
ftl_status ftl_split_order(const ftl_dataset *dataset, uint64_t seed, int64_t *order, ftl_error *error);

/* Keeps the first n of that order, in the order of the files; isolated atoms do not count, and all stay. FTL_ERR_INPUT
   when there are fewer, naming the option `key` and the first file; FTL_ERR_MEMORY. */
ftl_status ftl_split_keep(ftl_dataset *dataset, int64_t n, uint64_t seed, const char *key, ftl_error *error);

/* Moves a fraction, but at least FTL_SPLIT_LEAST structures (a quarter of few), to `out`. A type of four or more
   structures is in it as long as there is room, and none leaves `dataset` altogether unless most types have one
   structure only. Nothing is moved when there are no two different structures. note: "" or a sentence to warn with.
   FTL_ERR_MEMORY. */
enum { FTL_SPLIT_LEAST = 4 };
ftl_status ftl_split_off(ftl_dataset *dataset, double fraction, uint64_t seed, ftl_dataset *out, char note[300],
                         ftl_error *error);

/* Names the types of `dataset` that `other` (called `name`) lacks: "" or a sentence. */
void ftl_split_lacking(const ftl_dataset *dataset, const ftl_dataset *other, const char *name, char text[500]);

#endif
