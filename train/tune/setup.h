/* Everything that a run needs before its first step, and that stays the same to its last. */
#ifndef FTL_SETUP_H
#define FTL_SETUP_H

#include "data/findings/compare.h"
#include "parameters/last_weights.h"
#include "tune/baseline.h"
#include "tune/batches.h"
#include "tune/evaluate.h"
#include "tune/train_recipe.h"
#include "tune/train_sets.h"
#include "tune/state.h"
#include "tune/train.h"

/* Owned, but recipe and host; zero-initialise. */
typedef struct {
  const ftl_recipe *recipe;
  const ftl_host *host;
  ftl_sets sets;
  ftl_findings findings;      /* about the sets: what the host was told (tune/train_check.h) */
  ftl_comparison compared[3]; /* some of train, valid and test with the foundation's answers */
  int64_t own;                /* structures of sets.train that are the user's: the first ones; the rest is replay */
  ftl_source *source, *base;  /* base: the foundation as it was, for deltas; else NULL */
  ftl_baseline baseline;
  ftl_parameters parameters;
  ftl_last_weights last; /* with method linear: what is solved for */
  double *values;        /* [parameters.count] at the start */
  ftl_network *network;
  ftl_team team;
  ftl_graph_memory memory;
  ftl_graphs train, valid, test;
  int *train_head, *own_head; /* of structures of train, and of the other sets; NULL: there is one head */
  ftl_batches batches;
  ftl_loss loss, second; /* second: of stage two */
  char foundation_sha256[FTL_SHA256_HEX];
  json_t *described; /* ftl_sets_describe */
} ftl_setup;

/* `restored` is the state of an earlier part of the run, whose E0, scale and shift are taken, or NULL. Findings that
   are no errors go to host->warn. FTL_ERR_INPUT: fatal findings, what the parts refuse, data or a foundation that
   changed since. */
ftl_status ftl_setup_make(ftl_recipe *recipe, const ftl_host *host, const ftl_state *restored, ftl_setup *setup,
                          ftl_error *error);
void ftl_setup_free(ftl_setup *setup);

/* To the host, on rank 0. */
void ftl_setup_say(const ftl_setup *setup, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ftl_setup_warn(const ftl_setup *setup, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
