/* The steps of a nonlinear fit in its folder: a fit that was interrupted goes on from the last one. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "support/ranks.h"
#include "support/record.h"
#include "surrogate/fit_run_internal.h"
#include "tune/state.h"

/* What the steps depend on; threads may differ. */
static json_t *describe(const ftl_surrogate_state *run) {
  json_t *recipe = ftl_options_record(&run->recipe->options);
  json_object_del(recipe, "threads");
  json_object_del(recipe, "output");
  return json_pack("{s:o, s:s, s:s, s:I, s:i}", "recipe", recipe, "data", run->data_sha256, "version", ftl_version(),
                   "equations", (json_int_t)ftl_fit_equations(&run->train), "functions",
                   run->surrogate.first[run->n_elements]);
}

ftl_status ftl_second_keep(void *context, const ftl_gauss_newton_state *x, ftl_error *error) {
  ftl_surrogate_state *run = context;
  if (ftl_ranks_mine() > 0) return FTL_OK;
  double numbers[] = {x->damping, x->linear, x->squares};
  const ftl_state_vector vectors[] = {
      {"best", x->n, x->best}, {"tried", x->n, x->tried}, {"penalty", x->n, x->penalty}, {"numbers", 3, numbers}};
  char *path = ftl_surrogate_path(run, "steps.ftl");
  json_t *object =
      json_pack("{s:o, s:I, s:I}", "of", describe(run), "step", (json_int_t)x->step, "small", (json_int_t)x->small);
  ftl_status status = path && object ? ftl_state_write(path, vectors, 4, object, error)
                                     : ftl_no_memory(error, NULL, "the steps of a fit");
  run->unwritten |= status == FTL_ERR_IO;
  json_decref(object);
  free(path);
  return status;
}

static ftl_status copy(const ftl_state *state, const char *name, int64_t n, double **to, ftl_error *error) {
  const double *from;
  FTL_TRY(ftl_state_find(state, name, n, &from, error));
  *to = malloc((size_t)(n + 1) * sizeof **to);
  if (!*to) return ftl_no_memory(error, NULL, "the steps of a fit");
  memcpy(*to, from, (size_t)n * sizeof *from);
  return FTL_OK;
}

static ftl_status take(const ftl_state *state, ftl_gauss_newton_state *x, ftl_error *error) {
  const int64_t n = state->vector[0].count;
  const double *numbers;
  FTL_TRY(copy(state, "best", n, &x->best, error));
  FTL_TRY(copy(state, "tried", n, &x->tried, error));
  FTL_TRY(copy(state, "penalty", n, &x->penalty, error));
  FTL_TRY(ftl_state_find(state, "numbers", 3, &numbers, error));
  x->n = n;
  x->damping = numbers[0];
  x->linear = numbers[1];
  x->squares = numbers[2];
  x->step = json_integer_value(json_object_get(state->object, "step"));
  x->small = json_integer_value(json_object_get(state->object, "small"));
  return FTL_OK;
}

ftl_status ftl_second_find(ftl_surrogate_state *run, ftl_gauss_newton_state *x, ftl_error *error) {
  ftl_state state = {0};
  ftl_status status = FTL_OK;
  char *path = ftl_surrogate_path(run, "steps.ftl");
  if (!path) return ftl_no_memory(error, NULL, "a path");
  /* several ranks would have to agree: they begin again */
  const bool there = ftl_ranks_n() == 1 && access(path, R_OK) == 0 && ftl_state_read(path, &state, NULL) == FTL_OK;
  free(path);
  if (!there) return FTL_OK;
  json_t *now = describe(run);
  if (state.n > 0 && json_equal(json_object_get(state.object, "of"), now)) status = take(&state, x, error);
  if (x->n > 0) ftl_surrogate_say(run, "going on behind step %lld", (long long)x->step - 1);
  json_decref(now);
  ftl_state_free(&state);
  return status;
}
