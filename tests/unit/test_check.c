/* ftl_source_check: what is wrong with a model is said by name. Each case spoils a good model in one place. */
#include "model_files.h"

#include <math.h>

#include "model/tensors.h"

static ftl_tensor *find(ftl_source *s, const char *name) {
  ftl_tensor *t = (ftl_tensor *)ftl_tensors_find(&s->tensors, name);
  if (!t) fail_msg("there is no tensor %s", name);
  return t;
}

static void expect(const char *seed, void (*spoil)(ftl_source *s), ftl_status code, const char *part) {
  ftl_source *s = read_file(seed);
  ftl_error error = {0};
  assert_int_equal(ftl_source_check(s, &error), FTL_OK);
  spoil(s);
  ftl_status status = ftl_source_check(s, &error);
  if (status != code || !strstr(error.message, part))
    fail_msg("expected '%s' (%d), got '%s' (%d)", part, code, error.message, status);
  assert_string_equal(error.where, seed);
  ftl_source_free(s);
}

/* ---- tensors ---- */

static void rename_tensor(ftl_source *s, const char *from, const char *to) {
  ftl_tensor *t = find(s, from);
  free(t->name);
  t->name = strdup(to);
  ftl_tensors_sort(&s->tensors);
}

static void missing(ftl_source *s) { rename_tensor(s, "products.1.linear.weight", "products.1.linear.waight"); }
static void extra(ftl_source *s) {
  const float bias[2] = {0};
  const int64_t n = 2;
  assert_int_equal(ftl_tensors_add(&s->tensors, "node_embedding.linear.bias", FTL_F32, 1, &n, bias, true, NULL),
                   FTL_OK);
  ftl_tensors_sort(&s->tensors);
}
static void flat(ftl_source *s) {
  ftl_tensor *t = find(s, "products.0.symmetric_contractions.contractions.1.weights_max");
  t->ndim = 1;
  t->shape[0] = t->count;
}
static void short_one(ftl_source *s) {
  ftl_tensor *t = find(s, "interactions.1.skip_tp.weight");
  t->shape[0] = --t->count;
}
static void integer(ftl_source *s) { find(s, "interactions.0.linear.weight")->dtype = FTL_I32; }
static void transposed(ftl_source *s) {
  ftl_tensor *t = find(s, "interactions.0.conv_tp_weights.layer1.weight");
  int64_t n = t->shape[0];
  t->shape[0] = t->shape[1];
  t->shape[1] = n;
}
static void no_w3j(ftl_source *s) {
  rename_tensor(s, "interactions.1.conv_tp._compiled_main_left_right._w3j_1_2_1",
                "interactions.1.conv_tp._compiled_main_left_right._w3j_9_9_9");
}
static void nan_weight(ftl_source *s) { ((float *)find(s, "readouts.0.linear.weight")->data)[1] = NAN; }
static void inf_e0(ftl_source *s) { ((float *)find(s, "atomic_energies_fn.atomic_energies")->data)[0] = INFINITY; }
static void exponent(ftl_source *s) { *(int32_t *)find(s, "radial_embedding.cutoff_fn.p")->data = 0; }
static void no_radii(ftl_source *s) {
  ftl_tensor *t = find(s, "pair_repulsion_fn.covalent_radii");
  t->shape[0] = t->count = 29; /* copper is 29: one too few */
}
static void other_cutoff(ftl_source *s) { *(float *)find(s, "radial_embedding.cutoff_fn.r_max")->data = 5; }
static void other_number(ftl_source *s) { ((int64_t *)find(s, "atomic_numbers")->data)[1] = 47; }
static void layers_number(ftl_source *s) { *(int64_t *)find(s, "num_interactions")->data = 3; }

static void tensors(void **unused) {
  (void)unused;
  expect(SEED_MODEL, missing, FTL_ERR_FORMAT, "tensor products.1.linear.weight is missing");
  expect(SEED_MODEL, extra, FTL_ERR_UNSUPPORTED, "node_embedding.linear.bias belongs to no block");
  expect(SEED_MODEL, flat, FTL_ERR_FORMAT, "contractions.1.weights_max has shape [");
  expect(SEED_MODEL, short_one, FTL_ERR_FORMAT, "interactions.1.skip_tp.weight has shape [7]");
  expect(SEED_MODEL, integer, FTL_ERR_FORMAT, "interactions.0.linear.weight");
  expect(SEED_MODEL, transposed, FTL_ERR_FORMAT, "interactions.0.conv_tp_weights.layer1.weight has shape [6, 4]");
  expect(SEED_MODEL, no_w3j, FTL_ERR_FORMAT, "_w3j_1_2_1 is missing");
  expect(SEED_MODEL, nan_weight, FTL_ERR_FORMAT, "readouts.0.linear.weight has a value that is not finite (number 1)");
  expect(SEED_MODEL, inf_e0, FTL_ERR_FORMAT, "atomic_energies has a value that is not finite");
  expect(SEED_MODEL, exponent, FTL_ERR_UNSUPPORTED, "radial_embedding.cutoff_fn.p is 0");
  expect(SEED_ZBL, no_radii, FTL_ERR_FORMAT, "pair_repulsion_fn.covalent_radii ends before atomic number 29");
  expect(SEED_MODEL, other_cutoff, FTL_ERR_UNSUPPORTED, "radial_embedding.cutoff_fn.r_max is 5");
  expect(SEED_MODEL, other_number, FTL_ERR_FORMAT, "atomic number 1 of the model");
  expect(SEED_MODEL, layers_number, FTL_ERR_FORMAT, "the model has 2 layers");
}

/* A NequIP model's readout that is a network, of features with l = 1 too. */
static void network_of_vectors(void **unused) {
  (void)unused;
  const char *file = "../shared/reference/sevennet/one-layer-fcn.pth";
  ftl_error error = {0};
  ftl_source *s = NULL;
  if (access(file, R_OK) != 0) {
    print_message("skipped: there is no %s\n", file);
    skip();
  }
  assert_int_equal(ftl_source_read(file, &s, &error), FTL_OK);
  ftl_layer *last = &s->arch.layer[s->arch.n_layers - 1];
  last->hidden.block[last->hidden.n++] = (ftl_irrep){4, 1, 1};
  last->product = s->arch.readout[0].in = last->hidden;
  assert_int_equal(ftl_source_check(s, &error), FTL_ERR_UNSUPPORTED);
  assert_non_null(strstr(error.message, "a network of features that are not scalars"));
  ftl_source_free(s);
}

/* ---- architecture ---- */

static void correlation(ftl_source *s) { s->arch.layer[1].correlation = 5; }
static void less_correlation(ftl_source *s) { s->arch.layer[1].correlation = 1; }
static void ell(ftl_source *s) {
  for (s->arch.sh.n = 0; s->arch.sh.n < 5; s->arch.sh.n++)
    s->arch.sh.block[s->arch.sh.n] = (ftl_irrep){1, s->arch.sh.n, s->arch.sh.n % 2 ? -1 : 1};
}
static void sh_gap(ftl_source *s) { s->arch.sh.block[1].l = 2; }
static void hidden_l(ftl_source *s) { s->arch.layer[0].product.block[1].l = 3; }
static void no_scalars(ftl_source *s) { s->arch.layer[0].product.block[0].p = -1; }
static void unequal(ftl_source *s) { s->arch.layer[1].target.block[1].mul = 3; }
static void chain(ftl_source *s) { s->arch.layer[1].node_feats.n = 1; }
static void neighbours(ftl_source *s) { s->arch.layer[0].avg_num_neighbors = 0; }
static void constant(ftl_source *s) { s->arch.layer[0].radial_act_cst = NAN; }
static void bessels(ftl_source *s) { s->arch.num_bessel = 3; }
static void cutoff(ftl_source *s) { s->arch.r_max = -1; }
static void elements(ftl_source *s) { s->arch.n_elements = 0; }
static void element_twice(ftl_source *s) {
  s->arch.atomic_numbers[1] = 1;
  ((int64_t *)find(s, "atomic_numbers")->data)[1] = 1;
}
static void head_twice(ftl_source *s) { s->arch.heads[1][0] = 'a'; }
static void head_nameless(ftl_source *s) { s->arch.heads[1][0] = 0; }
static void readout_layer(ftl_source *s) { s->arch.readout[0].layer = 1; }
static void mask(ftl_source *s) { s->arch.readout[0].masks_heads = false; }
static void gate(ftl_source *s) { s->arch.readout[1].gate_cst = NAN; }
static void kind(ftl_source *s) { s->arch.layer[1].kind = FTL_INTERACTION_DENSITY_RESIDUAL; }
static void agnostic(ftl_source *s) { s->arch.layer[1].agnostic_product = true; }

static void architectures(void **unused) {
  (void)unused;
  expect(SEED_MODEL, correlation, FTL_ERR_UNSUPPORTED, "the correlation of layer 1 is 5");
  expect(SEED_MODEL, less_correlation, FTL_ERR_FORMAT, "weights_max has shape [2, 3, 2]");
  expect(SEED_MODEL, ell, FTL_ERR_UNSUPPORTED, "max_ell is 4");
  expect(SEED_MODEL, sh_gap, FTL_ERR_UNSUPPORTED, "the spherical harmonics of the edges are 1x0e+1x2o");
  expect(SEED_MODEL, hidden_l, FTL_ERR_UNSUPPORTED, "the products of layer 0 have the irreps 2x0e+2x3o");
  expect(SEED_MODEL, no_scalars, FTL_ERR_UNSUPPORTED, "the products of layer 0");
  expect(SEED_MODEL, unequal, FTL_ERR_UNSUPPORTED, "the messages of layer 1");
  expect(SEED_MODEL, chain, FTL_ERR_UNSUPPORTED, "the incoming node features of layer 1");
  expect(SEED_MODEL, neighbours, FTL_ERR_FORMAT, "avg_num_neighbors of layer 0");
  expect(SEED_MODEL, constant, FTL_ERR_FORMAT, "normalisation constant of layer 0");
  expect(SEED_MODEL, bessels, FTL_ERR_FORMAT, "bessel_weights has shape [2]");
  expect(SEED_MODEL, cutoff, FTL_ERR_FORMAT, "r_max is -1");
  expect(SEED_MODEL, elements, FTL_ERR_FORMAT, "0 elements");
  expect(SEED_MODEL, element_twice, FTL_ERR_FORMAT, "element H is there twice");
  expect(SEED_HEADS, head_twice, FTL_ERR_FORMAT, "head a is there twice");
  expect(SEED_HEADS, head_nameless, FTL_ERR_FORMAT, "head 1 has no name");
  expect(SEED_MODEL, readout_layer, FTL_ERR_FORMAT, "readout 0 does not fit");
  expect("tests/parity/twins/t-nonlinear-heads.model", mask, FTL_ERR_UNSUPPORTED, "readout 0 are not split by head");
  expect(SEED_MODEL, gate, FTL_ERR_FORMAT, "the gate of readout 1");
  expect(SEED_MODEL, kind, FTL_ERR_FORMAT, "interactions.1.density_fn.layer0.weight is missing");
  expect(SEED_MODEL, agnostic, FTL_ERR_FORMAT, "but the architecture needs [1, ");
}

int main(void) {
  const struct CMUnitTest cases[] = {cmocka_unit_test(tensors), cmocka_unit_test(architectures),
                                     cmocka_unit_test(network_of_vectors)};
  return cmocka_run_group_tests(cases, NULL, NULL);
}
