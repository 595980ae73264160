/* Centroid virials of one structure without ghosts, for tests. Include after twins.h. */
#ifndef FTL_TESTS_HEAT_H
#define FTL_TESTS_HEAT_H

static inline void must_succeed(ftl_status status, const ftl_error *error) {
  if (status != FTL_OK) fail_msg("%s (%s)", error->message, error->where);
}

/* All calls of one evaluation. */
static inline void evaluate(ftl_workspace *ws, int n_layers, const ftl_graph *graph, ftl_output *output) {
  ftl_error error = {0};
  must_succeed(ftl_begin(ws, graph, output, &error), &error);
  for (int t = 0; t < n_layers - 1; t++) must_succeed(ftl_layer_forward(ws, t, FTL_ALL, &error), &error);
  must_succeed(ftl_last_layer(ws, FTL_ALL, &error), &error);
  for (int t = n_layers - 2; t >= 0; t--) must_succeed(ftl_layer_reverse(ws, t, FTL_ALL, &error), &error);
  must_succeed(ftl_end(ws, &error), &error);
}

/* W[n][9], eV, order of frozentl.h; virial[9] is the structure's. */
static inline void centroid_virials(const ftl_model *model, const ftl_graph *graph, int n_threads, double (*W)[9],
                                    double virial[9]) {
  ftl_error error = {0};
  ftl_model_info info;
  ftl_workspace *ws = NULL;
  ftl_output output = {.centroid_virial = W};
  ftl_model_get_info(model, &info);
  memset(W, 0, (size_t)graph->n_local * sizeof *W);
  must_succeed(ftl_workspace_new(model, n_threads, &ws, &error), &error);
  evaluate(ws, info.n_layers, graph, &output);
  memcpy(virial, output.virial, sizeof output.virial);
  ftl_workspace_free(ws);
}

#endif
