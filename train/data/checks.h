/* What is wrong or doubtful about the data of a run, found before it starts. Nothing is printed here. */
#ifndef FTL_CHECKS_H
#define FTL_CHECKS_H

#include "data/dataset.h"

typedef enum {
  FTL_FINDING_EMPTY,      /* a set without structures */
  FTL_FINDING_ELEMENT,    /* atoms of elements that the model lacks; count: structures */
  FTL_FINDING_UNLABELLED, /* no structure of a set has a label that the loss weighs; count: structures */
  FTL_FINDING_PARTIAL,    /* some structures have it and others do not; count: those that do not */
  FTL_FINDING_NO_VOLUME,  /* stress labels that were left out; count: structures */
  FTL_FINDING_DROPPED,    /* structures left out for absurd forces; count: structures */
  FTL_FINDING_DUPLICATE,  /* the same structure in two sets, or twice in one; count: structures of the second set */
  FTL_FINDING_CONFIG,     /* a config_type with a weight that no structure has; count 0 */
  FTL_FINDING_WEIGHT      /* structures with weight 0; count: structures */
} ftl_finding_kind;

typedef struct {
  ftl_finding_kind kind;
  bool fatal; /* training makes no sense */
  int64_t count;
  char text[512]; /* a sentence; places as FILE and frame */
} ftl_finding;

/* In the order: by set, then between sets. Owned; zero-initialise. */
typedef struct {
  int n;
  size_t room;
  ftl_finding *finding;
} ftl_findings;

typedef struct {
  const char *name; /* "train", "valid", "test" */
  const ftl_dataset *dataset;
  bool trained_on; /* unlabelled is fatal */
} ftl_checked_set;

typedef struct {
  int n_sets;
  const ftl_checked_set *set;
  int n_elements; /* of the model; 0: not checked */
  const int *elements;
  bool energy, forces, stress; /* which labels the loss weighs */
  int n_configs;
  char *const *config; /* config_types that have a weight */
} ftl_checks;

/* Two structures are the same when elements (in order), pbc, cell and positions agree to 1e-6 Angstrom. FTL_ERR_MEMORY.
 */
ftl_status ftl_checks_run(const ftl_checks *checks, ftl_findings *findings, ftl_error *error);
/* The first fatal finding, or NULL. */
const ftl_finding *ftl_findings_fatal(const ftl_findings *findings);
void ftl_findings_free(ftl_findings *findings);

#endif
