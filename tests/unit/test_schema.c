/* The schema against the published architectures: it asks for exactly the tensors of every twin, counts their weights,
   and tells groups, layers and what mace-torch decays as its names do (mace.tools.scripts_utils.get_params_options). */
#include "twins.h"

#include "model/schema.h"

/* mace-torch tells the weights of interactions that decay by these parts of their names. */
static bool decays_by_name(const char *name) {
  if (strncmp(name, "products.", strlen("products.")) == 0) return true;
  if (strncmp(name, "interactions.", strlen("interactions.")) != 0) return false;
  return strstr(name, "linear.weight") || strstr(name, "skip_tp_full.weight");
}

static int layer_by_name(const char *name) {
  const char *dot = strchr(name, '.');
  const bool of_layer =
      !strncmp(name, "interactions.", 13) || !strncmp(name, "products.", 9) || !strncmp(name, "readouts.", 9);
  return of_layer ? atoi(dot + 1) : -1;
}

static void check_twin(const char *name) {
  ftl_source *source;
  ftl_schema schema;
  ftl_error error = {0};
  if (ftl_source_read(twin_model(name), &source, &error)) fail_msg("%s: %s", error.where, error.message);
  int64_t weights = 0, listed = 0;
  assert_int_equal(ftl_schema_of(source, &schema, &error), FTL_OK);
  for (int k = 0; k < source->tensors.n; k++) {
    const ftl_tensor *t = &source->tensors.tensor[k];
    const ftl_tensor_spec *spec = ftl_schema_find(&schema, t->name);
    int layer;
    if (!spec) fail_msg("%s: no entry for %s", name, t->name);
    if (!t->is_parameter) continue;
    weights += t->count;
    /* sevenn may train the radial basis and what sums are divided by; new models have them from their options */
    const bool either = !strncmp(t->name, "radial_embedding.", 17) || strstr(t->name, ".denominator");
    if (spec->initial == FTL_INITIAL_CONSTANT && !either) fail_msg("%s: %s is a weight", name, t->name);
    if (spec->decays != decays_by_name(t->name)) fail_msg("%s: decay of %s", name, t->name);
    if (ftl_schema_group(&schema, t, &layer) == FTL_GROUP_NONE) fail_msg("%s: no group for %s", name, t->name);
    if (layer != layer_by_name(t->name)) fail_msg("%s: layer %d for %s", name, layer, t->name);
  }
  for (int k = 0; k < schema.n; k++) {
    const ftl_tensor *t = ftl_tensors_find(&source->tensors, schema.spec[k].name);
    if (!t && !schema.spec[k].optional) fail_msg("%s: %s is not there", name, schema.spec[k].name);
    if (t && t->is_parameter)
      listed += schema.spec[k].holds == FTL_HOLDS_REALS ? ftl_tensor_spec_count(&schema.spec[k]) : t->count;
  }
  assert_int_equal(weights, listed);
  ftl_schema_free(&schema);
  ftl_source_free(source);
}

static void every_twin(void **unused) {
  (void)unused;
  for_each_twin(check_twin);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_twin)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
