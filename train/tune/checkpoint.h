/* Checkpoints of a run as model files: full ones, or deltas that hold only what differs from the foundation
   (docs/ftl-format.md, section 6), with what they were trained on (section 5). */
#ifndef FTL_CHECKPOINT_H
#define FTL_CHECKPOINT_H

#include <jansson.h>

#include "tune/lora_pairs.h"
#include "model/architecture.h"
#include "parameters/parameters.h"

/* Borrowed; NULL members are left out of the file. */
typedef struct {
  const char
      *foundation;    /* path or name of the foundation's file, of which the file name is kept; NULL: from scratch */
  const char *sha256; /* of that file (ftl_sha256_file), 64 hexadecimal digits */
  const ftl_source *base;      /* of ftl_checkpoint_base: write a delta; NULL: write a full file */
  const ftl_lora_pairs *pairs; /* of a delta: what stands for tensors that have factors; NULL: nothing */
  const json_t *freeze;        /* {"freeze": [words], "train": [words], "rates": {word: factor}} */
  const json_t *dataset;       /* {"files": [{"name", "frames", "sha256", "set"}], "sha256": digest of all} */
  const json_t *training;      /* {"epochs", "steps", "best_epoch", "valid_loss", "energy_rmse", "forces_rmse", "seed",
                                  "precision", "version", ...}: shown by `frozentl info` in this order */
} ftl_checkpoint_info;

/* For deltas, once before training: reads the foundation again and brings it to the elements and the head that `source`
   has, so that tensors can be compared. The caller frees *base with ftl_source_free. FTL_ERR_INPUT for a source that
   cannot be a delta of this foundation: elements were added to it, or the foundation is a delta itself. */
ftl_status ftl_checkpoint_base(const char *foundation, const ftl_source *source, ftl_source **base, ftl_error *error);

/* Writes PATH atomically. `source` holds the values (ftl_parameters_put); a delta gets every trained tensor and every
   other one that differs from the base (E0, scale and shift that were fitted). The names of the trained tensors are
   taken from `parameters`. FTL_ERR_IO, FTL_ERR_MEMORY, FTL_ERR_FORMAT when a value is not finite. */
ftl_status ftl_checkpoint_write(const ftl_source *source, const ftl_parameters *parameters,
                                const ftl_checkpoint_info *info, const char *path, ftl_error *error);

#endif
