#include "cli/info_nequip.h"

#include <stdio.h>

#include "files/nequip_json.h"

static double number(const ftl_source *source, const char *name, int64_t k) {
  const ftl_tensor *tensor = ftl_tensors_find(&source->tensors, name);
  return tensor && k < tensor->count ? ftl_tensor_at(tensor, k) : 0;
}

static void describe_layers(const ftl_source *source, json_t *layers) {
  for (int t = 0; t < source->arch.n_layers; t++) {
    json_t *layer = json_array_get(layers, (size_t)t);
    char name[64];
    snprintf(name, sizeof name, "interactions.%d.denominator", t);
    json_object_set_new(layer, "denominator", json_real(number(source, name, 0)));
    json_object_set_new(layer, "self_connection",
                        json_string(source->arch.layer[t].skip_by_element ? "by element" : "linear"));
  }
}

/* A scale for each element; E0 are the shifts. */
static void describe_heads(const ftl_source *source, json_t *heads) {
  const ftl_architecture *arch = &source->arch;
  for (int h = 0; h < arch->n_heads; h++) {
    json_t *scale = json_object();
    for (int z = 0; z < arch->n_elements; z++)
      json_object_set_new(scale, ftl_element_symbol(arch->atomic_numbers[z]),
                          json_real(number(source, "scale_shift.scale", (int64_t)h * arch->n_elements + z)));
    json_object_set_new(json_array_get(heads, (size_t)h), "scale", scale);
  }
}

void cli_nequip_describe(const ftl_source *source, json_t *object) {
  const ftl_architecture *arch = &source->arch;
  if (arch->family != FTL_FAMILY_NEQUIP) return;
  json_object_set_new(object, "class", json_string("NequIP"));
  json_object_set_new(object, "nequip", ftl_nequip_to_json(arch));
  json_t *radial = json_object_get(object, "radial");
  if (arch->cutoff == FTL_CUTOFF_XPLOR) {
    json_object_del(radial, "cutoff_p");
    json_object_set_new(radial, "cutoff_on", json_real(number(source, "radial_embedding.cutoff_fn.r_on", 0)));
  }
  describe_layers(source, json_object_get(object, "layers"));
  describe_heads(source, json_object_get(object, "heads"));
}

static const char *word(const json_t *object, const char *key, size_t k) {
  const json_t *value = json_object_get(object, key);
  return json_string_value(json_is_array(value) ? json_array_get(value, k) : value);
}

void cli_nequip_print(const json_t *object) {
  static const struct {
    const char *key, *name;
  } maps[] = {{"head_embedding", "embedding"},
              {"head_up", "linear_up"},
              {"head_linear", "linear"},
              {"head_readout", "readout"}};
  const json_t *nequip = json_object_get(object, "nequip");
  int n = 0;
  if (!nequip) return;
  printf("gates         scalars %s, odd ones %s; gates %s, odd ones %s; radial networks %s\n",
         word(nequip, "act_scalar", 0), word(nequip, "act_scalar", 1), word(nequip, "act_gate", 0),
         word(nequip, "act_gate", 1), word(nequip, "radial_act", 0));
  printf("linear maps   %s biases", json_is_true(json_object_get(nequip, "biased")) ? "with" : "without");
  for (size_t k = 0; k < sizeof maps / sizeof *maps; k++)
    if (json_is_true(json_object_get(nequip, maps[k].key)))
      printf("%s %s", n++ ? "," : "; the head is seen by", maps[k].name);
  printf("%s\n", json_is_true(json_object_get(nequip, "raw_harmonics")) ? "; harmonics grow as r^l" : "");
}

void cli_nequip_print_layer(const json_t *layer) {
  printf("self-connection %s, sum divided by %.8g\n", word(layer, "self_connection", 0),
         json_number_value(json_object_get(layer, "denominator")));
}

void cli_nequip_print_scale(const json_t *head) {
  json_t *scale = json_object_get(head, "scale"), *value;
  const char *symbol;
  double first = 0;
  bool same = true, begun = false;
  json_object_foreach(scale, symbol, value) {
    const double x = json_number_value(value);
    same &= !begun || x == first;
    first = begun ? first : x;
    begun = true;
  }
  if (same) printf("scale %.8g of all elements\n", first);
  else {
    printf("scales");
    json_object_foreach(scale, symbol, value) printf(" %s %.6g", symbol, json_number_value(value));
    putchar('\n');
  }
}
