/* Freezing: what the levels, groups, layers and patterns name, how freeze, train and rates go together, the table, and
   every refusal. Trainable counts against mace-torch's of ../shared/reference/train. */
#include "twins.h"

#include "close.h"
#include "parameters/freeze.h"

#define TWIN "tests/parity/twins/t-density-zbl"

typedef struct {
  ftl_source *source;
  ftl_parameters parameters;
} model;

static model open_model(const char *twin) {
  model m = {.source = read_twin(twin)};
  assert_int_equal(ftl_parameters_list(m.source, &m.parameters, NULL), FTL_OK);
  return m;
}

static void close_model(model *m) {
  ftl_parameters_free(&m->parameters);
  ftl_source_free(m->source);
}

#define MAX_WORDS 4

/* Words separated by blanks, as lists of a recipe. */
typedef struct {
  char text[256];
  char *item[MAX_WORDS];
  int n;
} list;

static void split(const char *text, list *l) {
  *l = (list){.n = 0};
  snprintf(l->text, sizeof l->text, "%s", text);
  for (char *word = strtok(l->text, " "); word; word = strtok(NULL, " ")) {
    assert_true(l->n < MAX_WORDS);
    l->item[l->n++] = word;
  }
}

/* rates: "radial=0.1 layer0.radial=2" */
static ftl_status apply(ftl_parameters *p, const char *freeze, const char *train, const char *rates, ftl_error *error) {
  list f, t, r;
  double value[MAX_WORDS] = {0};
  split(freeze, &f);
  split(train, &t);
  split(rates, &r);
  for (int k = 0; k < r.n; k++) {
    char *equals = strchr(r.item[k], '=');
    *equals = 0;
    value[k] = atof(equals + 1);
  }
  return ftl_freeze_apply(p, &(ftl_words){f.n, f.item}, &(ftl_words){t.n, t.item}, &(ftl_rates){r.n, r.item, value},
                          error);
}

static void must_apply(ftl_parameters *p, const char *freeze, const char *train, const char *rates) {
  ftl_error error = {0};
  if (apply(p, freeze, train, rates, &error)) fail_msg("freeze %s, train %s: %s", freeze, train, error.message);
}

/* Numbers trained, found from the names alone. */
static int64_t count(const ftl_parameters *p, const char *const *patterns) {
  int64_t sum = 0;
  for (int k = 0; k < p->n; k++)
    for (int q = 0; patterns[q]; q++)
      if (strstr(p->parameter[k].name, patterns[q])) {
        sum += p->parameter[k].count;
        break;
      }
  return sum;
}

#define COUNT(p, ...) count(p, (const char *const[]){__VA_ARGS__, NULL})

/* Of a NequIP model: the embeddings, then layer by layer. */
static void levels_of_nequip(ftl_parameters *p) {
  int64_t left = COUNT(p, "node_embedding.", "bessel_weights", "interactions.", "readouts.");
  for (int level = 0; level < 7; level++) {
    char layer[32];
    if (level == 1) left -= COUNT(p, "node_embedding.", "bessel_weights");
    snprintf(layer, sizeof layer, "interactions.%d.", level - 2);
    if (level > 1) left -= COUNT(p, layer);
    must_apply(p, (char[3]){'f', (char)('0' + level), 0}, "", "");
    assert_int_equal(ftl_parameters_trained(p), left);
  }
  assert_int_equal(left, COUNT(p, "readouts."));
}

static void levels_of_one(const char *twin) {
  model m = open_model(twin);
  ftl_parameters *p = &m.parameters;
  if (m.source->arch.family == FTL_FAMILY_NEQUIP) {
    levels_of_nequip(p);
    close_model(&m);
    return;
  }
  const int64_t embedding = COUNT(p, "node_embedding."), interactions = COUNT(p, "interactions."),
                products = COUNT(p, "products."), readouts = COUNT(p, "readouts.");
  const int64_t trained[7] = {embedding + interactions + products + readouts,
                              interactions + products + readouts,
                              interactions + products + readouts,
                              interactions + products + readouts,
                              interactions + products + readouts,
                              products + readouts,
                              readouts};
  for (int level = 0; level < 7; level++) {
    must_apply(p, (char[3]){'f', (char)('0' + level), 0}, "", "");
    assert_int_equal(ftl_parameters_trained(p), trained[level]);
  }
  close_model(&m);
}

/* Guards the meaning of f0 .. f6 in every architecture, from names that mace-torch gives. */
static void levels(void **unused) {
  (void)unused;
  for_each_twin(levels_of_one);
}

/* f0, f5 and f6 against the numbers of trainable parameters that mace-torch counted. */
static void levels_of_mace_torch(void **unused) {
  (void)unused;
  static const struct {
    const char *run, *model;
  } references[] = {{"corr2-small", "mace/corr2-small"},
                    {"h2cu", "h2cu/h2cu-mace"},
                    {"mh1", "mace/mh1"},
                    {"mp0a-small", "mace/mp0a-small"},
                    {"mp0b3-medium", "mace/mp0b3-medium"},
                    {"three-layers", "mace/three-layers"},
                    {"two-heads", "mace/two-heads"}};
  need_shared();
  for (size_t k = 0; k < sizeof references / sizeof *references; k++) {
    char path[1200];
    struct stat file;
    json_error_t trouble;
    if (stat(with_extension(shared_twin(references[k].model), "model"), &file) || file.st_size > LARGEST_MODEL)
      continue;
    snprintf(path, sizeof path, "%s/reference/train/%s.json", shared_dir(), references[k].run);
    json_t *root = json_load_file(path, 0, &trouble), *run;
    if (!root) fail_msg("%s: %s", path, trouble.text);
    model m = open_model(shared_twin(references[k].model));
    const char *level;
    int levels_seen = 0;
    json_object_foreach(json_object_get(root, "amsgrad_lr1e-3"), level, run) {
      must_apply(&m.parameters, level, "", "");
      assert_int_equal(ftl_parameters_trained(&m.parameters), json_integer_value(json_object_get(run, "trainable")));
      levels_seen++;
    }
    assert_int_equal(levels_seen, 3);
    close_model(&m);
    json_decref(root);
  }
}

static double rate_of(const ftl_parameters *p, const char *name) {
  const ftl_parameter *found = ftl_parameters_find(p, name);
  assert_non_null(found);
  return found->trained ? found->rate : 0;
}

#define UP0     "interactions.0.linear_up.weight"
#define UP1     "interactions.1.linear_up.weight"
#define RADIAL0 "interactions.0.conv_tp_weights.layer0.weight"
#define RADIAL1 "interactions.1.conv_tp_weights.layer0.weight"

/* Groups, layers and patterns; train alone and with freeze; rates that multiply. */
static void words(void **unused) {
  (void)unused;
  model m = open_model(TWIN);
  ftl_parameters *p = &m.parameters;
  const int64_t all = COUNT(p, "node_embedding.", "interactions.", "products.", "readouts.");
  must_apply(p, "", "", "");
  assert_int_equal(ftl_parameters_trained(p), all);
  must_apply(p, "radial", "", "");
  assert_int_equal(ftl_parameters_trained(p), all - COUNT(p, "conv_tp_weights"));
  must_apply(p, "layer0.radial product.weights", "", "");
  assert_int_equal(ftl_parameters_trained(p), all - COUNT(p, "interactions.0.conv_tp", "symmetric_contractions"));
  must_apply(p, "products.*.linear.weight readouts.?.linear.weight", "", "");
  assert_int_equal(ftl_parameters_trained(p), all - COUNT(p, "products.0.linear", "products.1.linear", "readouts.0."));
  must_apply(p, UP0, "", ""); /* the whole name of a tensor */
  assert_int_equal(ftl_parameters_trained(p), all - COUNT(p, UP0));
  must_apply(p, "layer1", "", ""); /* all of it but its readout */
  assert_int_equal(ftl_parameters_trained(p), all - COUNT(p, "interactions.1.", "products.1."));
  must_apply(p, "linear", "", ""); /* the group, not all names with linear */
  assert_int_equal(ftl_parameters_trained(p), all - COUNT(p, "interactions.0.linear.", "interactions.1.linear."));

  must_apply(p, "", "readout", "");
  assert_int_equal(ftl_parameters_trained(p), COUNT(p, "readouts."));
  must_apply(p, "", "f6 layer1.readout", ""); /* what f6 would freeze, and one readout */
  assert_int_equal(ftl_parameters_trained(p), all - COUNT(p, "readouts.0."));
  must_apply(p, "f6", "layer1.linear", "");
  assert_int_equal(ftl_parameters_trained(p), COUNT(p, "readouts.", "interactions.1.linear."));
  must_apply(p, "E0 scale_shift", "", ""); /* said, though they are never trained */
  assert_int_equal(ftl_parameters_trained(p), all);
  must_apply(p, "f7", "products.*", "");
  assert_int_equal(ftl_parameters_trained(p), COUNT(p, "products."));
  must_apply(p, "", "*", ""); /* all that can be trained */
  assert_int_equal(ftl_parameters_trained(p), all);

  must_apply(p, UP1, "", "radial=0.5 layer0.radial=0.25 interactions.*=2");
  assert_close(rate_of(p, RADIAL0), 0.25, 0);
  assert_close(rate_of(p, RADIAL1), 1, 0);
  assert_close(rate_of(p, UP0), 2, 0);
  assert_close(rate_of(p, UP1), 0, 0);
  assert_close(rate_of(p, "node_embedding.linear.weight"), 1, 0);
  must_apply(p, "", "", ""); /* nothing is left of what was set before */
  assert_close(rate_of(p, RADIAL0), 1, 0);
  assert_int_equal(ftl_parameters_trained(p), all);
  close_model(&m);
}

static void refuse(ftl_parameters *p, const char *freeze, const char *train, const char *rates, const char *part) {
  ftl_error error = {0};
  if (apply(p, freeze, train, rates, &error) != FTL_ERR_INPUT || !strstr(error.message, part))
    fail_msg("expected '%s', got '%s'", part, error.message);
}

static void refusals(void **unused) {
  (void)unused;
  model m = open_model(TWIN);
  ftl_parameters *p = &m.parameters;
  refuse(p, "radail", "", "", "'radail' names nothing in this model; the nearest name is 'radial'");
  refuse(p, "f8", "", "", "'f8' is no level of freezing: they go from f0 to f7");
  refuse(p, "layer2", "", "", "names nothing");
  refuse(p, "layer2.radial", "", "", "the nearest name is 'layer0.radial'");
  refuse(p, "layer0.embedding", "", "", "names nothing");
  refuse(p, "product.*", "", "", "the nearest name is 'products.*'");
  refuse(p, "interactions.0.linear_pu.weight", "", "", "the nearest name is '" UP0 "'");
  refuse(p, "", "readuot", "", "the nearest name is 'readout'");
  refuse(p, "zbl", "", "", "names nothing"); /* its ZBL has constants only */
  refuse(p, "", "", "skpi=2", "the nearest name is 'skip'");
  refuse(p, "", "f0", "", "'f0' names no parameter");
  refuse(p, "f7", "", "", "nothing is left to train");
  refuse(p, "f5 products.* readout", "", "", "nothing is left to train");
  refuse(p, "", "E0", "", "'E0' cannot be trained: energies of single atoms are fitted (e0.kind)");
  refuse(p, "", "radial scale_shift", "", "'scale_shift' cannot be trained: scale and shift are fitted");
  refuse(p, "radial", "", "radial=0.1", "nothing that it names is trained");
  refuse(p, "", "", "E0=0.1", "nothing that it names is trained");
  refuse(p, "", "", "radial=0", "to keep it as it is, name it in freeze");
  close_model(&m);
}

/* Models whose basis and repulsion are parameters: they stay, and say so. */
static void constants_that_are_parameters(void **unused) {
  (void)unused;
  ftl_parameter parameters[] = {
      {.name = "pair_repulsion_fn.a_exp",
       .group = FTL_GROUP_ZBL,
       .layer = -1,
       .offset = 0,
       .count = 1,
       .trained = true,
       .rate = 1},
      {.name = "radial_embedding.bessel_fn.gaussian_weights",
       .group = FTL_GROUP_RADIAL,
       .layer = -1,
       .offset = 1,
       .count = 8,
       .trained = true,
       .rate = 1},
      {.name = "readouts.0.linear.weight",
       .group = FTL_GROUP_READOUT,
       .layer = 0,
       .offset = 9,
       .count = 4,
       .trained = true,
       .rate = 1},
  };
  ftl_parameters p = {.n = 3, .parameter = parameters, .count = 13};
  must_apply(&p, "", "", "");
  assert_int_equal(ftl_parameters_trained(&p), 4);
  must_apply(&p, "zbl", "", "");
  refuse(&p, "", "zbl", "", "'zbl' cannot be trained: the ZBL repulsion stays");
  refuse(&p, "", "radial", "", "'radial' cannot be trained: the radial basis stays");
  refuse(&p, "", "readout", "radial_embedding.*=2", "nothing that it names is trained");
}

static void expect_line(const char *table, const char *line) {
  if (!strstr(table, line)) fail_msg("'%s' is not in\n%s", line, table);
}

static void table(void **unused) {
  (void)unused;
  model m = open_model(TWIN);
  must_apply(&m.parameters, "f1 layer0.radial " UP0, "",
             "layer1.radial=0.5 interactions.1.conv_tp_weights.layer0.*=2 "
             "skip=0.1");
  char *text = ftl_freeze_table(&m.parameters);
  assert_non_null(text);
  expect_line(text, "group                     tensors   parameters\n");
  expect_line(text, "\nembedding                       1           10  frozen\n");
  expect_line(text, "\nE0                              1            2  frozen\n");
  expect_line(text, "\nlayer0.radial                   3          140  frozen\n");
  expect_line(text, "\nlayer1.radial                   3          200  trained, rates 0.5 to 1\n");
  expect_line(text, "\nlayer1.skip                     1           50  trained, rate 0.1\n");
  expect_line(text, "\nlayer1.readout                  2           24  trained\n");
  expect_line(text, "\ntrained 752 of 931 parameters in 21 of 29 tensors\n");
  free(text);
  must_apply(&m.parameters, "products.*_max", "", "");
  text = ftl_freeze_table(&m.parameters);
  assert_non_null(text);
  expect_line(text, "\nlayer1.product.weights          2           30  partly, ");
  free(text);
  close_model(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(levels),   cmocka_unit_test(levels_of_mace_torch),          cmocka_unit_test(words),
      cmocka_unit_test(refusals), cmocka_unit_test(constants_that_are_parameters), cmocka_unit_test(table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
