/* What is wrong or doubtful about the data of a run, found before it starts. Nothing is printed here. */
#ifndef FTL_CHECKS_H
#define FTL_CHECKS_H

#include "data/dataset.h"
#include "data/findings/findings.h"

typedef struct {
  const char *name; /* "train", "valid", "test" */
  const ftl_dataset *dataset;
  bool trained_on; /* unlabelled is fatal */
  bool apart;      /* of another calculation than the first set, on purpose */
} ftl_checked_set;

typedef struct {
  int n_sets;
  const ftl_checked_set *set;
  const char *weights; /* section of the options that weigh labels: "loss" */
  int n_elements;      /* of the model; 0: not checked */
  const int *elements;
  bool energy, forces, stress; /* which labels the loss weighs */
  int n_configs;
  char *const *config;         /* config_types that have a weight */
  const ftl_dataset *isolated; /* atoms that were set aside from the first set; NULL: they are in it */
  double cutoff;               /* of the model, for isolated atoms; 0: these are not looked at */
  int n_e0;                    /* E0 that are given: */
  const int *e0_element;       /* [n_e0] atomic numbers */
  const double *e0;            /* [n_e0] eV */
  bool adds_elements;          /* add_elements is an option of the command */
} ftl_checks;

/* Everything that data/findings/find.h and data/duplicates.h look for. FTL_ERR_MEMORY; FTL_ERR_INPUT: structures
   without a neighbour list (atoms in one place, a flat cell). */
ftl_status ftl_checks_run(const ftl_checks *checks, ftl_findings *findings, ftl_error *error);

#endif
