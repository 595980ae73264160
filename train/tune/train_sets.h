/* The structures of a run: read, divided into train, valid and test, and checked. */
#ifndef FTL_SETS_H
#define FTL_SETS_H

#include <jansson.h>

#include "data/checks.h"
#include "tune/train_recipe.h"
#include "model/architecture.h"

/* Owned; zero-initialise. */
typedef struct {
  ftl_dataset train, valid, test;
  ftl_dataset isolated; /* single atoms of data: their energies are E0, they are not trained on */
  ftl_dataset replay;   /* structures of the foundation's kind, trained on beside the others */
  char note[2][300];    /* "" or sentences to warn with: about labels, and about how data was divided */
} ftl_sets;

/* `cutoff` of the model: single atoms in a longer box are isolated. What the recipe leaves open gets the defaults that
   suit the data (tune/suit.h). FTL_ERR_INPUT, FTL_ERR_FORMAT, FTL_ERR_IO as ftl_dataset_read; FTL_ERR_INPUT when data
   cannot be divided, and for a label that no calculation gives. */
ftl_status ftl_sets_read(ftl_recipe *recipe, double cutoff, ftl_sets *sets, ftl_error *error);
void ftl_sets_free(ftl_sets *sets);

/* How the files of data, valid and test are read. */
void ftl_sets_options(const ftl_recipe *recipe, ftl_dataset_options *options);
/* FTL_ERR_INPUT: a label that the recipe names and data lacks, a set to learn from without any label, structures of
   several heads among which nothing chooses. For sets as they were read. */
ftl_status ftl_sets_require_labels(const ftl_recipe *recipe, const ftl_sets *sets, ftl_error *error);
/* What the files have and the run does not use, a sentence each. */
void ftl_sets_report_labels(const ftl_recipe *recipe, const ftl_sets *sets,
                            void (*say)(void *context, const char *text), void *context);

/* What is wrong or doubtful; elements[n_elements] and cutoff are the model's. FTL_ERR_MEMORY. */
ftl_status ftl_sets_check(const ftl_recipe *recipe, const ftl_sets *sets, const int *elements, int n_elements,
                          double cutoff, ftl_findings *findings, ftl_error *error);
/* A loss of nothing is 0 in every epoch. FTL_ERR_INPUT: the loss, or that of stage two, weighs no label. */
ftl_status ftl_sets_weigh(const ftl_recipe *recipe, const ftl_sets *sets, ftl_error *error);
/* Atomic numbers of all sets, ascending; returns how many. */
int ftl_sets_elements(const ftl_sets *sets, int elements[118]);
/* {"files": [{"name", "frames", "sha256", "set"}], "sha256": digest of all of it}, frames being those that are used;
   NULL without memory. */
json_t *ftl_sets_describe(const ftl_recipe *recipe, const ftl_sets *sets);

#endif
