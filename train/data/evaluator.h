/* A model answering frames of an XYZ file: one prepared model per head, opened when first asked. */
#ifndef FTL_EVALUATOR_H
#define FTL_EVALUATOR_H

#include <stdbool.h>
#include <stdio.h>

#include "data/xyz.h"

typedef struct ftl_evaluator ftl_evaluator;

/* Reads what the file says of heads and elements. n_threads 0: all. The evaluator belongs to the caller. */
ftl_status ftl_evaluator_open(const char *path, ftl_precision precision, int n_threads, ftl_evaluator **evaluator,
                              ftl_error *error);
/* The same for a delta whose foundation is this file (NULL: ftl_open_options.foundation). */
ftl_status ftl_evaluator_open_with(const char *path, const char *foundation, ftl_precision precision, int n_threads,
                                   ftl_evaluator **evaluator, ftl_error *error);
void ftl_evaluator_free(ftl_evaluator *evaluator);

int ftl_evaluator_n_heads(const ftl_evaluator *evaluator);
const char *ftl_evaluator_head(const ftl_evaluator *evaluator, int head);
/* Index of a head; FTL_ERR_INPUT, with the list of those there are. */
ftl_status ftl_evaluator_find_head(const ftl_evaluator *evaluator, const char *name, int *head, ftl_error *error);

/* FTL_ERR_INPUT, naming file, line, frame, atom and element, when the frame has an element that the model lacks.
   Remembers the elements seen. */
ftl_status ftl_evaluator_check(ftl_evaluator *evaluator, const ftl_xyz_frame *frame, ftl_error *error);
/* From now on models are prepared only for the elements seen by ftl_evaluator_check. */
void ftl_evaluator_only_seen(ftl_evaluator *evaluator);

/* From now on answers have what the model knows of their errors. A model that knows nothing of them is refused by
   ftl_evaluator_run: FTL_ERR_UNSUPPORTED. */
void ftl_evaluator_ask_trust(ftl_evaluator *evaluator);

/* Answer for one frame; zero-initialise, reuse, and free. */
typedef struct {
  const char *head; /* belongs to the evaluator */
  double energy;
  double (*forces)[3]; /* [n] */
  double *node_energy; /* [n], of a MACE or PACE without E0, as ASE has it; energy is with E0 */
  bool has_stress;     /* the frame has a volume */
  double stress[3][3]; /* -virial/volume */
  /* with ftl_evaluator_ask_trust, of frozentl.h, section 5; NULL: the model does not know them, or was not asked */
  double *extrapolation, *energy_deviation, *force_deviation; /* [n] */
  double total_deviation;
  double seconds; /* of one evaluation: the median of those after the first, when there are several */
  double bytes;   /* held by the workspace */
  int *species;   /* private */
  double *trust;  /* [3][room] */
  size_t room;
} ftl_answer;

#define FTL_DEFAULT_HEAD (-1) /* the one that ftl_model_open chooses */

/* Evaluates a frame `repeat` + 1 times (neighbour list included) and times the last `repeat`; once if repeat is 0.
   Errors name the frame; FTL_ERR_INPUT also for an answer that is not finite. */
ftl_status ftl_evaluator_run(ftl_evaluator *evaluator, int head, const ftl_xyz_frame *frame, int repeat,
                             ftl_answer *answer, ftl_error *error);
void ftl_answer_free(ftl_answer *answer);

/* Writes the time per stage of each model that was used; nothing unless built with FTL_TIMERS. atom_steps: atoms
   evaluated, each as often as it was. */
void ftl_evaluator_write_stage_times(const ftl_evaluator *evaluator, double atom_steps, FILE *stream);

#endif
