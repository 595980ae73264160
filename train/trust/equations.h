/* What labelled structures say of the weights of the last layer: rows of features and of their derivatives by
   positions, against what the model misses of the labels (docs/uncertainty.md, eqs. U2 to U4). */
#ifndef FTL_EQUATIONS_H
#define FTL_EQUATIONS_H

#include <signal.h>

#include "data/dataset.h"
#include "parameters/last_weights.h"
#include "surrogate/triangle.h"
#include "tune/loss.h"

enum { FTL_ALL_ROWS = -1 };

typedef struct {
  /* Of a structure's forces: sums of all of them with random signs; all components where these are fewer. 0: 1 to 8, so
     that there are 10 for each weight, and of more structures than that takes, some, evenly; with a loss so many that
     there are 50 for each weight. FTL_ALL_ROWS: all components. */
  int rows;
  int threads; /* 0: all */
  uint64_t seed;
  /* NULL: equations are of noise 1, and stresses are left out. Else squares of what is missed of them are the parts of
     this loss (FTL_LOSS_WEIGHTED), with all data as one batch: energies, forces and stresses. */
  const ftl_loss *loss;
  bool e0;    /* E0 are unknowns too, behind the last layer's weights */
  bool share; /* among ranks, which all call; each gets all equations. false: of this rank alone */
  const volatile sig_atomic_t *stop;                          /* NULL, or set to end: FTL_ERR_ARGUMENT "interrupted" */
  void (*progress)(void *context, double done, double total); /* structures; one thread at a time; NULL: none */
  void *context;
} ftl_equations_options;

typedef struct {
  ftl_triangle triangle;    /* of the last layer's weights, less the model's */
  int64_t energies, forces; /* labels */
  double energy_noise;      /* root mean square of what the model misses: eV per root of an atom, eV/Angstrom */
  double force_noise;
  double weight_square; /* mean square of the model's last weights */
} ftl_equations;

/* What the options ask for, with these data and so many weights: rows of each structure, and each how many-th of these.
 */
void ftl_equations_plan(const ftl_equations_options *options, const ftl_dataset *data, int weights, int *rows,
                        int64_t *every);
/* For a source of one head. The same on any number of threads. FTL_ERR_INPUT: no structure has a label; as
   ftl_structure_graph_build. FTL_ERR_MEMORY. */
ftl_status ftl_equations_make(const ftl_source *source, const ftl_dataset *data, const ftl_equations_options *options,
                              ftl_equations *equations, ftl_error *error);
void ftl_equations_free(ftl_equations *equations);

#endif
