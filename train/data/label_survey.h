/* What the frames of a set have for labels and what of it is read: counted while they are read, said once. */
#ifndef FTL_LABEL_SURVEY_H
#define FTL_LABEL_SURVEY_H

#include "data/labels.h"
#include "data/selection.h"

enum { FTL_UNREAD_MOST = 16, FTL_SURVEY_PLACE = 256 };

/* A key or column that is not read, though it looks like a label or begins with the prefix of labels. */
typedef struct {
  char name[FTL_TALLY_WORD];
  int kind;                     /* ftl_label_kind that it looks like, or -1 */
  bool column;                  /* of atoms, not a key of the comment line */
  bool prefixed;                /* begins with the prefix, or is another spelling of what is read */
  int64_t frames;               /* that have it */
  int64_t missed;               /* of these, where no label of its kind is read */
  char first[FTL_SURVEY_PLACE]; /* "FILE, line L, frame F" */
} ftl_unread;

/* Zero-initialise. */
typedef struct {
  int64_t frames, atoms;
  int64_t energy, forces, stress;     /* frames of which the label is read */
  int64_t stress_without_volume;      /* frames whose stress cannot be used */
  ftl_tally read[FTL_LABELS];         /* names under which labels were found, blank ones included */
  int64_t blank[3];                   /* energies, forces, stresses without a number */
  char first_blank[FTL_SURVEY_PLACE]; /* the first of all of them */
  int64_t repeated;                   /* frames with a key that stands twice */
  char repeated_key[FTL_TALLY_WORD], first_repeated[FTL_SURVEY_PLACE];
  int n_unread;
  ftl_unread unread[FTL_UNREAD_MOST];
  int64_t more_unread;  /* times that there was no room for another name */
  ftl_tally heads;      /* values of the key `head`, FTL_SELECT_NONE without; not of isolated atoms */
  ftl_tally first_keys; /* names of the first frame */
} ftl_label_survey;

/* Counts a frame whose labels were read. */
ftl_status ftl_label_survey_add(ftl_label_survey *survey, const ftl_xyz_frame *frame, const ftl_label_names *names,
                                const ftl_labels *labels, ftl_error *error);
void ftl_label_survey_add_head(ftl_label_survey *survey, const char *head);

/* "23 energies (REF_energy), 23 forces (REF_force), 0 stresses". */
void ftl_label_survey_count(const ftl_label_survey *survey, char text[400]);
/* "the file has energy, forces, stress; --labels '' reads them", of labels that are not read; "" if there is nothing.
 */
void ftl_label_survey_advise(const ftl_label_survey *survey, char text[400]);

/* FTL_ERR_INPUT: a name that the user gave (labels.energy, ...) is in no frame; says what the frames have. `set` is the
   set's name in messages. */
ftl_status ftl_label_survey_require_names(const ftl_label_survey *survey, const ftl_label_names *names, const char *set,
                                          const char *path, ftl_error *error);
/* FTL_ERR_INPUT: no label at all was read; says what the frames have. */
ftl_status ftl_label_survey_require_any(const ftl_label_survey *survey, const ftl_label_names *names, const char *set,
                                        const char *path, ftl_error *error);
/* Everything that was seen and is not used, one sentence each: names that were given and that no frame has, no label at
   all (if `wanted`), labels that are not read, other keys with the prefix, blank labels, a key given twice. Stresses
   without a volume only if asked for (data/checks.h says them too). */
void ftl_label_survey_report(const ftl_label_survey *survey, const ftl_label_names *names, const char *set, bool wanted,
                             bool with_volume, void (*say)(void *context, const char *text), void *context);

/* Heads are levels of theory: their energies do not mix. FTL_ERR_INPUT: frames of several, and the selection does not
   name the key; `option` begins the flag to choose by ("--select "). */
ftl_status ftl_heads_require_one(const ftl_tally *heads, const ftl_selection *select, const char *option,
                                 const char *path, ftl_error *error);
/* Says that frames with a head and frames without one are taken together, and with `mixed` frames of several too. */
void ftl_heads_report(const ftl_tally *heads, const ftl_selection *select, const char *set, bool mixed,
                      void (*say)(void *context, const char *text), void *context);

#endif
