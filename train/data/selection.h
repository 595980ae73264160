/* Which frames of a file are taken: by values of keys of the comment line. */
#ifndef FTL_SELECTION_H
#define FTL_SELECTION_H

#include "data/tally.h"
#include "data/xyz.h"

/* What stands for "has no such key", in a selection as in tables. */
#define FTL_SELECT_NONE "(none)"

/* Conditions "KEY=VALUE": of one key one value of several, of different keys each. */
typedef struct {
  int n;
  char *const *condition; /* [n] */
} ftl_selection;

/* FTL_ERR_INPUT: a condition that is not KEY=VALUE. */
ftl_status ftl_selection_check(const ftl_selection *selection, ftl_error *error);
/* Whether the conditions name this key. */
bool ftl_selection_has(const ftl_selection *selection, const char *key);
/* Whether a frame is taken. FTL_ERR_FORMAT: a key that decides about it is given twice. */
ftl_status ftl_selection_takes(const ftl_selection *selection, const ftl_xyz_frame *frame, bool *takes,
                               ftl_error *error);

/* What the frames had where none was taken. Zero-initialise; add every frame. */
typedef struct {
  int64_t frames, taken;
  ftl_tally values; /* "KEY=VALUE" for the keys of the conditions */
} ftl_selection_count;

void ftl_selection_add(ftl_selection_count *count, const ftl_selection *selection, const ftl_xyz_frame *frame,
                       bool taken);
/* FTL_ERR_INPUT: there were frames, and none was taken; names what they have. */
ftl_status ftl_selection_require(const ftl_selection_count *count, const ftl_selection *selection, const char *path,
                                 ftl_error *error);

#endif
