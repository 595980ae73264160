/* What the two kinds of models with a committee share (uncertainty.c): surrogates, whose functions are computed for the
   purpose (uncertainty_ace.c), and models with features of a last layer (uncertainty_last.c). */
#ifndef FTL_UNCERTAINTY_INTERNAL_H
#define FTL_UNCERTAINTY_INTERNAL_H

#include "ace/descriptors.h"
#include "base/error.h"
#include "engine/uncertainty.h"

enum { FTL_GRADE_ATOMS = 16 }; /* of one element whose features go through an inverse together */

/* A thread's. */
typedef struct {
  double *values;                  /* [most features of an atom][FTL_GRADE_ATOMS] */
  double *row;                     /* [most features of an atom, or members] */
  double *total;                   /* [likewise] over atoms: of features, or of members' energies */
  ftl_descriptor_scratch *scratch; /* of a surrogate, like what follows */
  int *sender_mu;
  double (*vector)[3]; /* of an atom's edges */
  size_t edge_room;
  size_t bytes;
} ftl_uncertainty_part;

struct ftl_uncertainty {
  ftl_grade *grade;
  int n_parts;
  double *inverse[FTL_MAX_ELEMENTS]; /* of a species: ftl_grade_panels */
  ftl_uncertainty_part *part;        /* of each thread */
  double *forces;                    /* ftl_uncertainty_committee_forces */
  size_t force_room, bytes;
  /* of a surrogate */
  ftl_descriptors *plan;
  int n_pad;
  int mu_of[FTL_MAX_ELEMENTS];      /* of a species, in the surrogate */
  double *weight[FTL_MAX_ELEMENTS]; /* of a species: [n_functions][n_pad] members less the coefficients */
};

/* A thread at work. */
typedef struct {
  ftl_workspace *ws;
  ftl_thread *thread;
  ftl_uncertainty *u;
  ftl_uncertainty_part *p;
  const ftl_output *output;
} ftl_uncertainty_worker;

/* n atoms, at most FTL_GRADE_ATOMS of one element. */
typedef ftl_status ftl_uncertainty_batch(const ftl_uncertainty_worker *worker, const int *atom, int n,
                                         ftl_error *error);

static inline ftl_status ftl_uncertainty_no_memory(ftl_error *error) {
  return ftl_no_memory(error, NULL, "the uncertainty of a potential");
}

/* Of a surrogate: its plan and the threads' scratch; weights of the committee, when they are needed first; a thread's
   memory for its edges; a batch. */
ftl_status ftl_uncertainty_ace_start(ftl_workspace *ws, ftl_uncertainty *u, ftl_error *error);
ftl_status ftl_uncertainty_ace_weights(ftl_workspace *ws, ftl_error *error);
ftl_status ftl_uncertainty_ace_reserve(const ftl_uncertainty_worker *worker, ftl_error *error);
ftl_uncertainty_batch ftl_uncertainty_ace_batch, ftl_uncertainty_last_batch;

/* Standard deviation, not scaled: of an energy with these features (row[n] is scratch); of members' energies. */
double ftl_uncertainty_last_deviation(const ftl_trust *trust, const double *feature, double *row);
double ftl_uncertainty_ace_deviation(int n_members, const double *energy);

#endif
