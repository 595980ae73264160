/* frozentl info: what a model file holds, as text or JSON. Both are made from one JSON object. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/command.h"
#include "cli/info_nequip.h"
#include "cli/info_pace.h"
#include "cli/origin.h"
#include "files/model_file.h"
#include "model/architecture.h"
#include "model/trust.h"
#include "base/error.h"
#include "base/text.h"
#include "model/schema.h"

typedef struct {
  char *foundation;
  bool json, verbose;
} options;

#define FTL_VALUES options
#include "support/option_table.h"

static const ftl_option rows[] = {
    SWITCH(json, .key = "json", .flag = "json", .letter = 'j', .doc = "print a JSON object instead of text"),
    SWITCH(verbose, .key = "verbose", .flag = "verbose", .letter = 'v', .when = "!json",
           .doc = "name each tensor, with its group and shape, and those that were trained"),
    PATH(foundation, .key = "foundation", .flag = "foundation", .letter = 'F', .doc = CLI_FOUNDATION_HELP),
};

static const cli_command command_line = {
    .table = {.command = "info", .option = rows, .n = sizeof rows / sizeof *rows},
    .files = "FILE",
    .doc = "Prints what a MACE .model, a SevenNet .pth, a FrozenTL .ftl or a PACE .yace file holds: architecture, "
           "elements, heads with "
           "their E0, scale and shift, parameters per group, where the file comes from, and for a fine-tuned model its "
           "foundation, what was frozen, the data and a summary of the training. Nothing in the file is executed."
           "\vExample: frozentl info potential.ftl --json | python3 -m json.tool",
    .least = 1,
    .most = 1,
    .missing = "which FILE?",
    .extra = "one FILE at a time"};

/* ---- names ---- */

static const char *interaction_name(ftl_interaction_kind kind) {
  switch (kind) {
  case FTL_INTERACTION:
    return "RealAgnosticInteractionBlock";
  case FTL_INTERACTION_RESIDUAL:
    return "RealAgnosticResidualInteractionBlock";
  case FTL_INTERACTION_DENSITY:
    return "RealAgnosticDensityInteractionBlock";
  case FTL_INTERACTION_DENSITY_RESIDUAL:
    return "RealAgnosticDensityResidualInteractionBlock";
  case FTL_INTERACTION_NONLINEAR:
    return "RealAgnosticResidualNonLinearInteractionBlock";
  case FTL_INTERACTION_GATED:
    return "convolution with a gate (NequIP)";
  }
  return "unknown";
}

static const char *radial_name(ftl_radial_kind kind) {
  switch (kind) {
  case FTL_RADIAL_BESSEL:
    return "Bessel";
  case FTL_RADIAL_GAUSSIAN:
    return "Gaussian";
  case FTL_RADIAL_CHEBYSHEV:
    return "Chebyshev";
  }
  return "unknown";
}

static const char *transform_name(ftl_transform_kind kind) {
  switch (kind) {
  case FTL_TRANSFORM_NONE:
    return "none";
  case FTL_TRANSFORM_AGNESI:
    return "Agnesi";
  case FTL_TRANSFORM_SOFT:
    return "Soft";
  }
  return "unknown";
}

static const char *readout_name(ftl_readout_kind kind) {
  switch (kind) {
  case FTL_READOUT_LINEAR:
    return "linear";
  case FTL_READOUT_NONLINEAR:
    return "nonlinear";
  case FTL_READOUT_NONLINEAR_BIAS:
    return "nonlinear with bias";
  case FTL_READOUT_TWO_LINEAR:
    return "two linear maps";
  case FTL_READOUT_NET:
    return "net";
  case FTL_READOUT_RANDOM:
    return "random features";
  }
  return "unknown";
}

static json_t *irreps_text(const ftl_irreps *irreps) {
  char text[1024];
  return json_string(ftl_irreps_format(irreps, text, sizeof text) ? text : "(too long)");
}

/* ---- the JSON object ---- */

static json_t *layers(const ftl_architecture *arch) {
  json_t *list = json_array();
  for (int t = 0; t < arch->n_layers; t++) {
    const ftl_layer *layer = &arch->layer[t];
    json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:i, s:b, s:b, s:f}", "interaction",
                                          interaction_name(layer->kind), "node_features",
                                          irreps_text(&layer->node_feats), "edge_features", irreps_text(&layer->edge),
                                          "target", irreps_text(&layer->target), "hidden", irreps_text(&layer->hidden),
                                          "product", irreps_text(&layer->product), "correlation", layer->correlation,
                                          "skip_connection", layer->use_sc, "agnostic_product", layer->agnostic_product,
                                          "avg_num_neighbors", layer->avg_num_neighbors));
  }
  return list;
}

static json_t *readouts(const ftl_architecture *arch) {
  json_t *list = json_array();
  for (int k = 0; k < arch->n_readouts; k++) {
    const ftl_readout *readout = &arch->readout[k];
    json_t *item = json_pack("{s:s, s:i, s:o}", "kind", readout_name(readout->kind), "layer", readout->layer, "input",
                             irreps_text(&readout->in));
    if (readout->kind != FTL_READOUT_LINEAR) json_object_set_new(item, "hidden", irreps_text(&readout->mlp));
    json_array_append_new(list, item);
  }
  return list;
}

/* Number `k` of a tensor that is one number or one per head (or, with several columns, per head and element). */
static double number_of(const ftl_tensors *tensors, const char *name, int64_t k, double otherwise) {
  const ftl_tensor *tensor = ftl_tensors_find(tensors, name);
  if (!tensor || tensor->count == 0) return otherwise;
  return ftl_tensor_at(tensor, tensor->count == 1 ? 0 : k < tensor->count ? k : tensor->count - 1);
}

static json_t *heads(const ftl_source *source) {
  const ftl_architecture *arch = &source->arch;
  json_t *list = json_array();
  const ftl_tensor *e0 = ftl_tensors_find(&source->tensors, "atomic_energies_fn.atomic_energies");
  for (int h = 0; h < arch->n_heads; h++) {
    json_t *energies = json_object();
    for (int z = 0; z < arch->n_elements; z++) {
      int64_t at = (int64_t)h * arch->n_elements + z;
      if (e0 && at < e0->count)
        json_object_set_new(energies, ftl_element_symbol(arch->atomic_numbers[z]), json_real(ftl_tensor_at(e0, at)));
    }
    json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:o}", "name", arch->heads[h], "scale",
                                          number_of(&source->tensors, "scale_shift.scale", h, 1), "shift",
                                          number_of(&source->tensors, "scale_shift.shift", h, 0), "E0", energies));
  }
  return list;
}

/* "layer0.radial"; layer -1: no layer's. */
static void group_text(int layer, ftl_group group, char name[64]) {
  *name = '\0';
  if (layer >= 0) ftl_text_add(name, 64, "layer%d.", layer);
  ftl_text_add(name, 64, "%s", ftl_group_name(group));
}

static json_t *groups(const ftl_source *source) {
  ftl_schema schema;
  if (ftl_schema_of(source, &schema, NULL)) return NULL;
  json_t *list = json_array();
  for (int layer = -1; layer < FTL_MAX_LAYERS; layer++)
    for (int group = 0; group < FTL_N_GROUPS; group++) {
      int64_t count = 0;
      int tensors = 0;
      bool weights = false;
      for (int k = 0; k < source->tensors.n; k++) {
        const ftl_tensor *tensor = &source->tensors.tensor[k];
        int at;
        if ((int)ftl_schema_group(&schema, tensor, &at) != group || at != layer) continue;
        count += tensor->count;
        tensors++;
        weights |= tensor->is_parameter;
      }
      if (tensors == 0) continue;
      char name[64];
      group_text(layer, (ftl_group)group, name);
      json_array_append_new(list, json_pack("{s:s, s:i, s:I, s:b}", "group", name, "tensors", tensors, "numbers",
                                            (json_int_t)count, "weights", weights));
    }
  ftl_schema_free(&schema);
  return list;
}

/* Every tensor, in the order of the file: name, shape, group. */
static json_t *tensors(const ftl_source *source) {
  ftl_schema schema;
  if (ftl_schema_of(source, &schema, NULL)) return NULL;
  json_t *list = json_array();
  for (int k = 0; k < source->tensors.n; k++) {
    const ftl_tensor *tensor = &source->tensors.tensor[k];
    int layer;
    char name[64];
    const ftl_group group = ftl_schema_group(&schema, tensor, &layer);
    group_text(layer, group, name);
    json_t *shape = json_array();
    for (int d = 0; d < tensor->ndim; d++) json_array_append_new(shape, json_integer(tensor->shape[d]));
    json_array_append_new(list, json_pack("{s:s, s:o, s:s}", "name", tensor->name, "shape", shape, "group", name));
  }
  ftl_schema_free(&schema);
  return list;
}

/* What it knows of its errors. */
static json_t *trust(const ftl_trust *t) {
  json_t *elements = json_array();
  for (int z = 0; z < t->n_active; z++)
    json_array_append_new(elements, json_string(ftl_element_symbol(t->atomic_number[z])));
  return json_pack("{s:i, s:i, s:f, s:f, s:o}", "weights", t->n, "committee", t->n_committee, "energy_scale",
                   t->energy_scale, "force_scale", t->force_scale, "elements", elements);
}

static json_t *describe(const ftl_source *source) {
  const ftl_architecture *arch = &source->arch;
  json_t *elements = json_array();
  for (int z = 0; z < arch->n_elements; z++)
    json_array_append_new(elements, json_string(ftl_element_symbol(arch->atomic_numbers[z])));
  int64_t parameters = 0;
  const char *dtype = "F64";
  for (int k = 0; k < source->tensors.n; k++)
    if (source->tensors.tensor[k].is_parameter) {
      parameters += source->tensors.tensor[k].count;
      dtype = ftl_dtype_name(source->tensors.tensor[k].dtype);
    }
  json_t *radial =
      json_pack("{s:s, s:i, s:f, s:s, s:b}", "basis", radial_name(arch->radial), "functions", arch->num_bessel,
                "cutoff_p", number_of(&source->tensors, "radial_embedding.cutoff_fn.p", 0, 0), "distance_transform",
                transform_name(arch->transform), "cutoff_in_mlp", arch->apply_cutoff);
  json_t *object =
      json_pack("{s:s, s:b, s:i, s:s, s:s, s:o, s:f, s:o, s:b, s:o, s:o, s:o, s:o, s:I, s:o, s:o}", "file",
                source->path ? source->path : "", "delta", source->delta, "low_rank", source->products, "class",
                arch->scale_shift ? "ScaleShiftMACE" : "MACE", "dtype", dtype, "elements", elements, "cutoff",
                arch->r_max, "radial", radial, "zbl", arch->pair_repulsion, "spherical_harmonics",
                irreps_text(&arch->sh), "layers", layers(arch), "readouts", readouts(arch), "heads", heads(source),
                "parameters", (json_int_t)parameters, "groups", groups(source), "tensors", tensors(source));
  cli_nequip_describe(source, object);
  if (object && source->trust) json_object_set_new(object, "trust", trust(source->trust));
  json_t *origin = source->metadata ? json_loads(source->metadata, 0, NULL) : NULL;
  if (object && origin) json_object_set_new(object, "origin", origin);
  else json_decref(origin);
  return object;
}

/* ---- text ---- */

static const char *text_of(const json_t *object, const char *key) {
  return json_string_value(json_object_get(object, key));
}
static double real_of(const json_t *object, const char *key) { return json_number_value(json_object_get(object, key)); }

static void print_trust(json_t *trust) {
  size_t k;
  json_t *symbol;
  if (!trust) return;
  printf("errors        it tells its own: a last layer of %g weights, a committee of %g, active sets of",
         real_of(trust, "weights"), real_of(trust, "committee"));
  json_array_foreach(json_object_get(trust, "elements"), k, symbol) printf(" %s", json_string_value(symbol));
  putchar('\n');
}

static void print_heads(const json_t *list) {
  size_t k;
  json_t *head;
  json_array_foreach(list, k, head) {
    if (json_is_object(json_object_get(head, "scale"))) {
      printf("head %s: E0, the shift of each element, in eV; ", text_of(head, "name"));
      cli_nequip_print_scale(head);
    } else {
      printf("head %s: scale %.8g, shift %.8g eV, E0 in eV\n", text_of(head, "name"), real_of(head, "scale"),
             real_of(head, "shift"));
    }
    const char *symbol;
    json_t *energy;
    int column = 0;
    json_object_foreach(json_object_get(head, "E0"), symbol, energy) {
      printf("%s%-2s %13.6f", column % 5 ? "   " : "  ", symbol, json_number_value(energy));
      if (++column % 5 == 0) putchar('\n');
    }
    if (column % 5) putchar('\n');
  }
}

static void print_text(const json_t *object, bool verbose) {
  const json_t *radial = json_object_get(object, "radial");
  size_t k;
  json_t *item;
  char low_rank[80] = "";
  if (real_of(object, "low_rank") > 0)
    snprintf(low_rank, sizeof low_rank, "; %g tensors change by low-rank products", real_of(object, "low_rank"));
  printf("file          %s", text_of(object, "file"));
  if (json_is_true(json_object_get(object, "delta"))) printf(" (a delta, with its foundation%s)", low_rank);
  printf("\nclass         %s, weights in %s\nelements      %zu:", text_of(object, "class"), text_of(object, "dtype"),
         json_array_size(json_object_get(object, "elements")));
  json_array_foreach(json_object_get(object, "elements"), k, item) printf(" %s", json_string_value(item));
  const bool xplor = json_object_get(radial, "cutoff_on") != NULL;
  printf("\ncutoff        %.8g Angstrom\nradial        %g %s functions, %s %g%s, transform %s\n",
         real_of(object, "cutoff"), real_of(radial, "functions"), text_of(radial, "basis"),
         xplor ? "XPLOR cutoff from" : "polynomial cutoff p =", real_of(radial, xplor ? "cutoff_on" : "cutoff_p"),
         json_is_true(json_object_get(radial, "cutoff_in_mlp")) ? "" : " on the network's output",
         text_of(radial, "distance_transform"));
  printf("harmonics     %s\nZBL           %s\n", text_of(object, "spherical_harmonics"),
         json_is_true(json_object_get(object, "zbl")) ? "yes" : "no");
  cli_nequip_print(object);
  json_array_foreach(json_object_get(object, "layers"), k, item) {
    printf("layer %zu       %s, ", k, text_of(item, "interaction"));
    if (json_object_get(object, "nequip")) cli_nequip_print_layer(item);
    else
      printf("correlation %g, %.6g neighbours on average%s%s\n", real_of(item, "correlation"),
             real_of(item, "avg_num_neighbors"),
             json_is_true(json_object_get(item, "skip_connection")) ? "" : ", no skip connection",
             json_is_true(json_object_get(item, "agnostic_product")) ? ", agnostic product" : "");
    printf("              %s, edges %s, messages %s, out %s\n", text_of(item, "node_features"),
           text_of(item, "edge_features"), text_of(item, "target"), text_of(item, "product"));
  }
  json_array_foreach(json_object_get(object, "readouts"), k, item) {
    const char *hidden = text_of(item, "hidden");
    printf("readout %zu     %s, of layer %g%s%s\n", k, text_of(item, "kind"), real_of(item, "layer"),
           hidden ? ", hidden " : "", hidden ? hidden : "");
  }
  print_heads(json_object_get(object, "heads"));
  print_trust(json_object_get(object, "trust"));
  printf("%-24s %8s %12s\n", "group", "tensors", "numbers");
  json_array_foreach(json_object_get(object, "groups"), k, item)
      printf("%-24s %8g %12.0f%s\n", text_of(item, "group"), real_of(item, "tensors"), real_of(item, "numbers"),
             json_is_true(json_object_get(item, "weights")) ? "" : "   (not weights)");
  printf("%-24s %8s %12.0f\n", "weights in all", "", real_of(object, "parameters"));
  json_array_foreach(json_object_get(object, "tensors"), k, item) {
    if (!verbose) break;
    char *shape = json_dumps(json_object_get(item, "shape"), JSON_COMPACT);
    printf("  %-70s %-22s %s\n", text_of(item, "name"), text_of(item, "group"), shape ? shape : "");
    free(shape);
  }
  cli_print_origin(json_object_get(object, "origin"), verbose);
}

static int info(const cli_given *given) {
  const options *o = given->options.values;
  const char *file = given->file[0];
  ftl_error error = {0};
  ftl_source *source = NULL;
  ftl_pace_kind pace;
  if (ftl_pace_kind_of_file(file, &pace, &error) != FTL_OK) return cli_report(&error, CLI_INPUT);
  if (pace != FTL_PACE_NONE && !o->foundation) return cli_info_pace(file, pace, o->json, &error);
  ftl_status status = pace != FTL_PACE_NONE ? FTL_OK : ftl_source_read_with(file, o->foundation, &source, &error);
  if (status == FTL_OK && o->foundation && (!source || !source->delta)) status = ftl_source_no_delta(file, &error);
  if (status != FTL_OK) {
    ftl_source_free(source);
    return cli_report(&error, CLI_INPUT);
  }
  json_t *object = describe(source);
  ftl_source_free(source);
  if (!object) {
    ftl_fail(&error, FTL_ERR_MEMORY, file, "cannot describe it: no memory, or text in it that is not UTF-8");
    return cli_report(&error, CLI_INPUT);
  }
  if (o->json) cli_print_json(object, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
  else print_text(object, o->verbose);
  json_decref(object);
  return CLI_OK;
}

int cmd_info(int argc, char **argv) {
  options o = {0};
  return cli_command_run(&command_line, argc, argv, &o, info);
}
