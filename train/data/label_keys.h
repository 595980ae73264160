/* Under which names of a frame its labels are.

   By a prefix (REF_ unless another is given): PREFIXenergy (one number), PREFIXforces or PREFIXforce (a column of
   three), PREFIXstress or PREFIXstresses, PREFIXvirial or PREFIXvirials (nine numbers, or Voigt's six), the word after
   the prefix in any case. Or each by a name of its own. */
#ifndef FTL_LABEL_KEYS_H
#define FTL_LABEL_KEYS_H

#include "data/xyz.h"

typedef enum { FTL_LABEL_ENERGY, FTL_LABEL_FORCES, FTL_LABEL_STRESS, FTL_LABEL_VIRIAL, FTL_LABELS } ftl_label_kind;

/* What the user calls them. A name for stress or virial puts out both of the prefix. */
typedef struct {
  const char *prefix;           /* NULL: "REF_" */
  const char *name[FTL_LABELS]; /* NULL: by the prefix */
} ftl_label_names;

/* Keys and columns of one frame, owned by it; NULL: it has none. */
typedef struct {
  const char *key[FTL_LABELS];
} ftl_label_keys;

const char *ftl_label_prefix(const ftl_label_names *names);
/* Whether a kind goes by the prefix. */
bool ftl_label_by_prefix(const ftl_label_names *names, ftl_label_kind kind);
/* Whether a name is one of those under which this kind is looked for. */
bool ftl_label_is_read(const ftl_label_names *names, ftl_label_kind kind, const char *name);
/* Of several spellings of one kind the usual one counts (REF_forces, not REF_force); of two others (REF_force and
   REF_Force) none: FTL_ERR_FORMAT, as for a key that is given twice. */
ftl_status ftl_label_keys_find(const ftl_xyz_frame *frame, const ftl_label_names *names, ftl_label_keys *keys,
                               ftl_error *error);

/* Of what kind of label a key of the comment line or a column of the frame looks like one, by its name and shape,
   whatever its prefix (dft_energy, forces, Virials, y_force, stress-pbe); -1: none. */
int ftl_label_looks_like_key(const ftl_xyz_entry *entry);
int ftl_label_looks_like_column(const ftl_xyz_property *property);

/* Whether a name is the spelling of a kind behind some prefix; the prefix's length goes to *length. */
bool ftl_label_is_prefixed(const char *name, ftl_label_kind kind, size_t *length);
/* "energy", "forces", "stress", "virial": also the ends of the options labels.energy and --labels-energy. */
const char *ftl_label_word(ftl_label_kind kind);

#endif
