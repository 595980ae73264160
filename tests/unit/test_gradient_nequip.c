/* The gradient of a loss by every parameter of NequIP models: sevenn's gradients and optimiser steps on the batches of
   ../shared/reference/sevennet/train, finite differences, and what freezing may not change, on its twins. */
#include "twins.h"

#include "close.h"
#include "gradient_problem.h"
#include "tune/optimiser.h"

/* ---- sevenn's loss: as mace-torch's weighted one, but the mean over stresses is over those that there are ---- */

static double stress_term(const ftl_structure *atoms, const ftl_prediction *prediction, double weight,
                          double d_virial[3][3]) {
  static const int row[6] = {0, 1, 2, 1, 0, 0}, column[6] = {0, 1, 2, 2, 2, 1};
  double sum = 0;
  for (int k = 0; k < 6; k++) {
    const int i = row[k], j = column[k];
    const double stress = -0.5 * (prediction->virial[i][j] + prediction->virial[j][i]) / atoms->volume;
    const double error = stress - atoms->labels.stress[i][j];
    sum += weight * error * error;
    d_virial[i][j] -= weight * error / atoms->volume;
    d_virial[j][i] -= weight * error / atoms->volume;
  }
  return sum;
}

static double sevenn_loss(problem *p, const json_t *json, bool gradient) {
  ftl_error error = {0};
  int n_stress = 0;
  double value = 0;
  const ftl_loss no_stress = {.kind = FTL_LOSS_WEIGHTED,
                              .energy = json_number_value(json_object_get(json, "energy_weight")),
                              .forces = json_number_value(json_object_get(json, "forces_weight"))};
  const ftl_batch batch = {p->dataset.n, ftl_dataset_atoms(&p->dataset)};
  memset(p->gradient, 0, (size_t)p->parameters.count * sizeof *p->gradient);
  for (int64_t s = 0; s < p->dataset.n; s++) n_stress += p->dataset.structure[s].labels.has_stress;
  const double weight = json_number_value(json_object_get(json, "stress_weight")) / (6 * n_stress);
  for (int64_t s = 0; s < p->dataset.n; s++) {
    const ftl_structure *atoms = &p->dataset.structure[s];
    ftl_prediction prediction;
    ftl_loss_gradient d = {.forces = p->d_forces};
    check(ftl_sweep_predict(p->sweep, &p->graph[s].graph, NULL, head_of(p, atoms), true, &prediction, &error), &error);
    value += ftl_loss_structure(&no_stress, &batch, atoms, &prediction, &d);
    double virial[3][3] = {{0}};
    if (atoms->labels.has_stress) value += stress_term(atoms, &prediction, weight, virial);
    if (gradient)
      check(ftl_sweep_gradient(p->sweep, d.energy, (const double(*)[3])d.forces, (const double(*)[3])virial,
                               p->gradient, &error),
            &error);
  }
  return value;
}

/* ---- where a number of ours is in the checkpoint ---- */

typedef struct {
  const char *name;
  bool by_enumeration; /* columns of the radial networks, as before 0.11 */
  bool e3nn_0_4;       /* signs of the 3j symbols */
} checkpoint;

static const checkpoint checkpoints[] = {
    {"sev0-like", false, false}, {"modal-all", false, false}, {"SevenNet_0__11Jul2024", true, true}};
enum { N_CHECKPOINTS = sizeof checkpoints / sizeof *checkpoints };

/* e3nn changed the sign of these between 0.4 and 0.5. Ours are those of 0.4, as in the files of MACE
   (unit.test_scratch). */
static bool changed_sign(int a, int b, int c) {
  const int code = 100 * a + 10 * b + c;
  return code == 122 || code == 212 || code == 221 || code == 133 || code == 313 || code == 331;
}

/* Column and sign in the file of each column of ours. */
static void columns_of(const ftl_architecture *arch, int t, const checkpoint *file, int *column, int *sign) {
  const ftl_layer *layer = &arch->layer[t];
  ftl_conv_paths paths;
  assert_int_equal(ftl_conv_paths_make(&layer->edge, &arch->sh, &layer->target, &paths, NULL), FTL_OK);
  for (int k = 0, at = 0; k < paths.n; k++) {
    const int l1 = layer->edge.block[paths.path[k].in1].l, l2 = arch->sh.block[paths.path[k].in2].l;
    const int l3 = paths.mid.block[k].l;
    int first = 0, s = l2 % 2 ? -1 : 1;
    for (int j = 0; j < paths.n; j++) {
      const ftl_path *a = &paths.path[j], *b = &paths.path[k];
      const int order = a->in1 != b->in1   ? a->in1 - b->in1
                        : a->in2 != b->in2 ? a->in2 - b->in2
                                           : paths.mid.block[j].l - l3;
      if (file->by_enumeration ? order < 0 : j < k) first += paths.mid.block[j].mul;
    }
    if (changed_sign(l1, l2, l3) && !file->e3nn_0_4) s = -s;
    for (int c = 0; c < paths.mid.block[k].mul; c++, at++) column[at] = first + c, sign[at] = s;
  }
}

/* The tensor of the checkpoint that has this one of ours, and at which number it begins there. */
static void place_of(const problem *p, const char *name, char key[200], int64_t *first) {
  static const struct {
    const char *ours, *theirs;
  } names[] = {{"skip_tp", "self_connection_intro"},
               {"linear_up", "self_interaction_1"},
               {"linear", "self_interaction_2"},
               {"conv_tp_weights", "convolution.weight_nn"},
               {"denominator", "convolution.denominator"}};
  char part[64], rest[100] = "", weight[200];
  int t;
  *first = 0;
  const char *dot = strrchr(name, '.');
  if (strcmp(dot, ".heads") == 0) { /* behind the weights of the same map */
    snprintf(weight, sizeof weight, "%.*s.weight", (int)(dot - name), name);
    place_of(p, weight, key, first);
    *first = ftl_parameters_find(&p->parameters, weight)->count;
    return;
  }
  if (strcmp(name, "radial_embedding.bessel_fn.bessel_weights") == 0)
    snprintf(key, 200, "edge_embedding.basis_function.coeffs");
  else if (strncmp(name, "node_embedding.", 15) == 0) snprintf(key, 200, "onehot_to_feature_x.linear%s", dot);
  else if (strcmp(name, "atomic_energies_fn.atomic_energies") == 0) snprintf(key, 200, "rescale_atomic_energy.shift");
  else if (strcmp(name, "scale_shift.scale") == 0) snprintf(key, 200, "rescale_atomic_energy.scale");
  else if (strncmp(name, "readouts.0.linear_1", 19) == 0) snprintf(key, 200, "reduce_input_to_hidden.linear%s", dot);
  else if (strncmp(name, "readouts.0.linear_2", 19) == 0) snprintf(key, 200, "reduce_hidden_to_energy.linear%s", dot);
  else {
    assert_true(sscanf(name, "interactions.%d.%63[^.].%99s", &t, part, rest) >= 2);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
      if (strcmp(part, names[k].ours) != 0) continue;
      const char *between = strncmp(part, "skip_tp", 7) == 0 && p->source->arch.layer[t].skip_by_element
                                ? ".fc_tensor_product."
                            : rest[0] && strcmp(part, "conv_tp_weights") != 0 ? ".linear."
                            : rest[0]                                         ? "."
                                                                              : "";
      snprintf(key, 200, "%d_%s%s%s", t, names[k].theirs, between, rest);
      return;
    }
    fail_msg("where is %s?", name);
  }
}

/* Our gradient as the checkpoint has its numbers: one array for each of its tensors. Where it has one number for
   several of ours, the sum. */
static void add_gradient(const problem *p, const checkpoint *file, const ftl_parameter *parameter, double *to,
                         int64_t count, int64_t first) {
  static int column[4096], sign[4096];
  int t, layer;
  int64_t columns = 0;
  if (sscanf(parameter->name, "interactions.%d.conv_tp_weights.layer%d", &t, &layer) == 2) {
    char next[100];
    snprintf(next, sizeof next, "interactions.%d.conv_tp_weights.layer%d.weight", t, layer + 1);
    if (!ftl_parameters_find(&p->parameters, next)) {
      columns = ftl_tensors_find(&p->source->tensors, parameter->name)->shape[1];
      assert_in_range(columns, 1, 4096);
      columns_of(&p->source->arch, t, file, column, sign);
    }
  }
  for (int64_t i = 0; i < parameter->count; i++) {
    const double g = p->gradient[parameter->offset + i];
    if (columns) to[i / columns * columns + column[i % columns]] += sign[i % columns] * g;
    else to[(first + i) % count] += g;
  }
}

/* The largest error, relative to the largest component of its tensor. Each tensor of the file has a counterpart. */
static double compare(const problem *p, const checkpoint *file, const gradient_file *gradients, char worst[200]) {
  const char *key;
  json_t *entry;
  double largest = 0;
  json_object_foreach(gradients->header, key, entry) {
    if (strcmp(key, "__metadata__") == 0) continue;
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const int64_t begin = json_integer_value(json_array_get(offsets, 0));
    const int64_t count = (json_integer_value(json_array_get(offsets, 1)) - begin) / 8;
    const double *expected = (const double *)(gradients->data + begin);
    double *found = calloc((size_t)count + 1, sizeof *found), scale = 0, error = 0;
    int parts = 0;
    for (int k = 0; k < p->parameters.n; k++) {
      char place[200];
      int64_t first;
      place_of(p, p->parameters.parameter[k].name, place, &first);
      if (strcmp(place, key) != 0) continue;
      add_gradient(p, file, &p->parameters.parameter[k], found, count, first);
      parts++;
    }
    if (parts == 0 && count > 0) fail_msg("nothing of ours is %s", key);
    for (int64_t i = 0; i < count; i++) {
      scale = fmax(scale, fabs(expected[i]));
      error = fmax(error, fabs(expected[i] - found[i]));
    }
    if (getenv("FTL_VERBOSE")) print_message("  %-60s %.1e of %.1e\n", key, error, scale);
    if (scale > 0) error /= scale;
    if (!(error <= largest)) {
      largest = error;
      snprintf(worst, 200, "%s", key);
    }
    free(found);
  }
  return largest;
}

/* ---- sevenn's gradients and steps ---- */

typedef struct {
  json_t *json;
  char model[1200], xyz[1200], gradients[1200];
} reference;

static bool reference_open(const char *name, reference *r) {
  char twin[100];
  snprintf(twin, sizeof twin, "sevennet/train/%s", name);
  snprintf(r->xyz, sizeof r->xyz, "%s.xyz", shared_twin(twin));
  snprintf(r->gradients, sizeof r->gradients, "%s.grads.safetensors", shared_twin(twin));
  r->json = json_load_file(with_extension(shared_twin(twin), "json"), 0, NULL);
  assert_non_null(r->json);
  snprintf(twin, sizeof twin, "sevennet/%s", name);
  snprintf(r->model, sizeof r->model, "%s.pth", shared_twin(twin));
  struct stat info;
  return stat(r->model, &info) == 0 && info.st_size <= LARGEST_MODEL;
}

/* A model with gradients by all numbers, also those that sevenn's config keeps, or by those that it trains. */
static void open_all(problem *p, const char *model, const char *xyz, bool everything, ftl_precision precision) {
  ftl_error error = {0};
  *p = (problem){0};
  check(ftl_source_read(model, &p->source, &error), &error);
  for (int k = 0; k < p->source->tensors.n && everything; k++) {
    ftl_tensor *tensor = &p->source->tensors.tensor[k];
    if (strstr(tensor->name, ".denominator") || strstr(tensor->name, ".bessel_weights") ||
        strstr(tensor->name, "atomic_energies") || strstr(tensor->name, "scale_shift"))
      tensor->is_parameter = true;
  }
  check(ftl_parameters_list(p->source, &p->parameters, &error), &error);
  problem_prepare(p, xyz, precision);
}

/* tests/accuracy-gradients-nequip.csv, as tests/accuracy-gradients.csv: FTL_UPDATE=1 writes it anew. */
static FILE *figures;
static void keep_figure(const char *model, const char *what, const char *quantity, double error) {
  if (figures) fprintf(figures, "%s,%s,%s,1e%.0f\n", model, what, quantity, ceil(log10(fmax(error, 1e-16))));
}
static int open_figures(void **unused) {
  (void)unused;
  if (!getenv("FTL_UPDATE")) return 0;
  figures = fopen("tests/accuracy-gradients-nequip.csv", "w");
  if (figures) fprintf(figures, "model,loss,quantity,relative error below\n");
  return figures ? 0 : -1;
}
static int close_figures(void **unused) {
  (void)unused;
  return figures ? fclose(figures) : 0;
}

/* Guards every stage's second sweep: sevenn's double backward gives the same, by weights of maps, networks and basis,
   rows of heads, denominators, shift and scale. */
static void gradients_of_sevenn(void **unused) {
  (void)unused;
  need_shared();
  for (int k = 0; k < N_CHECKPOINTS; k++) {
    reference r;
    if (reference_open(checkpoints[k].name, &r)) {
      problem p;
      char worst[200] = "";
      open_all(&p, r.model, r.xyz, true, FTL_DOUBLE);
      gradient_file file = gradient_file_open(r.gradients);
      const double expected = json_number_value(json_object_get(r.json, "loss")), value = sevenn_loss(&p, r.json, true);
      const double error = compare(&p, &checkpoints[k], &file, worst);
      print_message("%-22s loss off by %.1e, gradient by %.1e (%s)\n", checkpoints[k].name, fabs(value / expected - 1),
                    error, worst);
      keep_figure(checkpoints[k].name, "sevenn", "loss", fabs(value / expected - 1));
      keep_figure(checkpoints[k].name, "sevenn", "gradient", error);
      assert_true(fabs(value / expected - 1) < 1e-9);
      assert_true(error < 1e-8);
      json_decref(file.header);
      free(file.data);
      problem_close(&p);
    }
    json_decref(r.json);
  }
}

/* Guards what is trained without any word, and that the basis follows its weights: the losses of AMSGrad steps. */
static void steps_of_sevenn(void **unused) {
  (void)unused;
  if (SANITIZED) skip(); /* the gradients of the test before, eight times */
  need_shared();
  for (int k = 0; k < N_CHECKPOINTS; k++) {
    reference r;
    const bool there = reference_open(checkpoints[k].name, &r);
    const json_t *steps = json_object_get(r.json, "amsgrad_lr1e-3"), *losses = json_object_get(steps, "losses");
    if (there && steps) {
      problem p;
      ftl_error error = {0};
      ftl_optimiser optimiser;
      const ftl_optimiser_options options = {
          .kind = FTL_OPTIMISER_AMSGRAD, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
      double worst = 0;
      problem_open(&p, r.model, r.xyz, NULL, FTL_DOUBLE);
      assert_int_equal(ftl_parameters_trained(&p.parameters), json_integer_value(json_object_get(steps, "trainable")));
      check(ftl_optimiser_new(&p.parameters, &options, &optimiser, &error), &error);
      for (size_t s = 0; s < json_array_size(losses); s++) {
        const double expected = json_number_value(json_array_get(losses, s));
        worst = fmax(worst, fabs(sevenn_loss(&p, r.json, true) / expected - 1));
        ftl_optimiser_step(&optimiser, 1e-3, p.gradient, p.values);
        check(ftl_network_set(p.network, p.values, &error), &error);
      }
      print_message("%-22s losses of %zu steps off by %.1e\n", checkpoints[k].name, json_array_size(losses), worst);
      keep_figure(checkpoints[k].name, "sevenn", "losses of 8 AMSGrad steps", worst);
      assert_true(json_array_size(losses) == 8 && worst < 1e-7);
      ftl_optimiser_free(&optimiser);
      problem_close(&p);
    }
    json_decref(r.json);
  }
}

/* ---- all twins ---- */

static bool is_small_nequip(const char *twin) {
  struct stat info;
  return strstr(twin, "/sevennet") && stat(twin_model(twin), &info) == 0 && info.st_size < (1 << 20);
}

/* Guards every option, with all numbers trained: biases, odd scalars, raw harmonics, network readouts, ... */
static void difference(const char *twin) {
  problem p;
  char xyz[1200];
  if (!is_small_nequip(twin)) return;
  snprintf(xyz, sizeof xyz, "%s.xyz", twin);
  open_all(&p, twin_model(twin), xyz, true, FTL_DOUBLE);
  for (int k = 0; k < p.parameters.n; k++) p.parameters.parameter[k].trained = true;
  check_direction(strrchr(twin, '/') + 1, &p);
  problem_close(&p);
}
static void gradients_by_differences(void **unused) {
  (void)unused;
  for_each_twin(difference);
}

/* Guards what freezing skips and what is kept between epochs; with a basis that is trained nothing radial is. */
static void freezing_changes_no_gradient(void **unused) {
  (void)unused;
  static const char *const freezes[] = {"f2",     "f4",   "f5",        "radial", "layer0.linear_up",
                                        "linear", "skip", "embedding", "layer1"};
  static const char *const twins[] = {"modal-all", "parity-l1-bias-nequip", "edge3-node2-rawsph"};
  need_shared();
  const size_t n_twins = SANITIZED ? 1 : sizeof twins / sizeof *twins; /* other options, the same freezing */
  for (size_t t = 0; t < n_twins; t++) {
    char name[100], model[1200], xyz[1200];
    snprintf(name, sizeof name, "sevennet/%s", twins[t]);
    snprintf(model, sizeof model, "%s.pth", shared_twin(name));
    snprintf(xyz, sizeof xyz, "%s.xyz", shared_twin(name));
    check_freezing(model, xyz, freezes, sizeof freezes / sizeof *freezes);
  }
}

/* Guards the float32 build: close to the float64 one. */
static void mixed_is_close(void **unused) {
  (void)unused;
  static const char *const twins[] = {"modal-all", "parity-l2-ssp-abs-mixed", "one-layer-fcn", "so3-l3-i5"};
  need_shared();
  for (size_t t = 0; t < sizeof twins / sizeof *twins; t++) {
    problem exact, mixed;
    char name[100], model[1200], xyz[1200];
    snprintf(name, sizeof name, "sevennet/%s", twins[t]);
    snprintf(model, sizeof model, "%s.pth", shared_twin(name));
    snprintf(xyz, sizeof xyz, "%s.xyz", shared_twin(name));
    open_all(&exact, model, xyz, true, FTL_DOUBLE);
    open_all(&mixed, model, xyz, true, FTL_MIXED);
    make_labels(&exact);
    make_labels(&mixed);
    const double a = loss_of(&exact, &all_terms, true), b = loss_of(&mixed, &all_terms, true);
    double square = 0, error = 0;
    for (int64_t i = 0; i < exact.parameters.count; i++) {
      square += exact.gradient[i] * exact.gradient[i];
      error += pow(exact.gradient[i] - mixed.gradient[i], 2);
    }
    print_message("%s, mixed: loss off by %.1e, gradient by %.1e\n", twins[t], fabs(b / a - 1), sqrt(error / square));
    assert_true(fabs(b / a - 1) < 1e-5 && sqrt(error / square) < 1e-4);
    problem_close(&exact);
    problem_close(&mixed);
  }
}

/* Guards the builds for other processors. */
static void builds_agree(void **unused) {
  (void)unused;
  char model[1200], xyz[1200];
  need_shared();
  snprintf(model, sizeof model, "%s.pth", shared_twin("sevennet/modal-all"));
  snprintf(xyz, sizeof xyz, "%s.xyz", shared_twin("sevennet/modal-all"));
  check_builds(model, xyz);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradients_of_sevenn),      cmocka_unit_test(steps_of_sevenn),
      cmocka_unit_test(gradients_by_differences), cmocka_unit_test(freezing_changes_no_gradient),
      cmocka_unit_test(mixed_is_close),           cmocka_unit_test(builds_agree)};
  return cmocka_run_group_tests(tests, open_figures, close_figures);
}
