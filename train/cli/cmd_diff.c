/* frozentl diff: what differs between two models, as text or JSON. Both are made from one JSON object. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/command.h"
#include "files/architecture_json.h"
#include "model/architecture.h"
#include "base/error.h"
#include "model/schema.h"

typedef struct {
  char *foundation;
  bool json;
} options;

#define FTL_VALUES options
#include "support/option_table.h"

static const ftl_option rows[] = {
    SWITCH(json, .key = "json", .flag = "json", .letter = 'j', .doc = "print a JSON object instead of text"),
    PATH(foundation, .key = "foundation", .flag = "foundation", .letter = 'F', .doc = CLI_FOUNDATION_HELP),
};

static const cli_command command_line = {
    .table = {.command = "diff", .option = rows, .n = sizeof rows / sizeof *rows},
    .files = "A B",
    .doc = "Compares two models, .model, .pth or .ftl, deltas with their foundations: the architecture, and the "
           "tensors, for "
           "each and for each group the largest difference, the RMS of the difference, and that RMS divided by the RMS "
           "of A. Where the files come from is not compared."
           "\vExit code: 0 the models are the same, 7 they differ.\n\nExample: frozentl diff mace.model run/model.ftl",
    .least = 2,
    .most = 2,
    .missing = "it takes two files: A and B",
    .extra = "A and B are all it takes"};

/* ---- architecture ---- */

/* Adds a line per member that differs; `at` is where in the architecture ("layers.0.correlation"). */
static void compare_json(json_t *list, const char *at, json_t *a, json_t *b) {
  char below[256];
  const char *key;
  json_t *item;
  size_t k;
  if (json_equal(a, b)) return;
  if (json_is_object(a) && json_is_object(b)) {
    json_object_foreach(a, key, item) {
      snprintf(below, sizeof below, "%.150s%s%.80s", at, *at ? "." : "", key);
      compare_json(list, below, item, json_object_get(b, key));
    }
    json_object_foreach(b, key, item) {
      snprintf(below, sizeof below, "%.150s%s%.80s", at, *at ? "." : "", key);
      if (!json_object_get(a, key)) compare_json(list, below, NULL, item);
    }
    return;
  }
  if (json_is_array(a) && json_array_size(a) == json_array_size(b) && json_is_object(json_array_get(a, 0))) {
    json_array_foreach(a, k, item) {
      snprintf(below, sizeof below, "%.150s.%zu", at, k);
      compare_json(list, below, item, json_array_get(b, k));
    }
    return;
  }
  json_array_append_new(list, json_pack("{s:s, s:O?, s:O?}", "key", at, "a", a, "b", b));
}

static json_t *compare_architectures(const ftl_source *a, const ftl_source *b) {
  json_t *list = json_array(), *x = ftl_architecture_to_json(&a->arch), *y = ftl_architecture_to_json(&b->arch);
  compare_json(list, "", x, y);
  json_decref(x);
  json_decref(y);
  return list;
}

/* ---- tensors ---- */

typedef struct {
  int64_t count;
  double max, squares, own; /* sums of squares of the difference and of A */
} distance;

static void measure(const ftl_tensor *a, const ftl_tensor *b, distance *d) {
  for (int64_t k = 0; k < a->count; k++) {
    const double x = ftl_tensor_at(a, k), difference = ftl_tensor_at(b, k) - x;
    d->max = fmax(d->max, fabs(difference));
    d->squares += difference * difference;
    d->own += x * x;
  }
  d->count += a->count;
}

/* Of two values that are zero everywhere in A, the ratio does not exist. */
static json_t *ratio(const distance *d) { return d->own > 0 ? json_real(sqrt(d->squares / d->own)) : json_null(); }

static json_t *distance_json(const char *what, const char *name, const distance *d) {
  return json_pack("{s:s, s:I, s:f, s:f, s:o}", what, name, "numbers", (json_int_t)d->count, "max", d->max, "rms",
                   sqrt(d->squares / (double)d->count), "relative_rms", ratio(d));
}

static json_t *shape_json(const ftl_tensor *t) {
  json_t *shape = json_array();
  for (int d = 0; d < t->ndim; d++) json_array_append_new(shape, json_integer(t->shape[d]));
  return shape;
}

static bool same_shape(const ftl_tensor *a, const ftl_tensor *b) {
  return a->ndim == b->ndim && memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof *a->shape) == 0;
}

typedef struct {
  json_t *tensors, *shapes, *only_a, *only_b;
  distance group[FTL_N_GROUPS + 1]; /* the last: constants */
  int same;
} comparison;

static void compare_tensor(comparison *c, const ftl_schema *schema, const ftl_tensor *a, const ftl_tensor *b) {
  int layer;
  const ftl_group group = ftl_schema_group(schema, a, &layer);
  distance d = {0};
  if (!same_shape(a, b)) {
    json_array_append_new(c->shapes,
                          json_pack("{s:s, s:o, s:o}", "tensor", a->name, "a", shape_json(a), "b", shape_json(b)));
    return;
  }
  measure(a, b, &d);
  distance *sum = &c->group[group == FTL_GROUP_NONE ? FTL_N_GROUPS : group];
  sum->max = fmax(sum->max, d.max);
  sum->squares += d.squares;
  sum->own += d.own;
  sum->count += d.count;
  if (d.max == 0 && a->dtype == b->dtype) {
    c->same++;
    return;
  }
  json_t *line = distance_json("tensor", a->name, &d);
  if (a->dtype != b->dtype)
    json_object_set_new(line, "dtype", json_pack("[s,s]", ftl_dtype_name(a->dtype), ftl_dtype_name(b->dtype)));
  json_array_append_new(c->tensors, line);
}

static json_t *compare(const ftl_source *a, const ftl_source *b, const ftl_schema *schema) {
  comparison c = {.tensors = json_array(), .shapes = json_array(), .only_a = json_array(), .only_b = json_array()};
  json_t *groups = json_array(), *architecture = compare_architectures(a, b);
  for (int k = 0; k < a->tensors.n; k++) {
    const ftl_tensor *x = &a->tensors.tensor[k], *y = ftl_tensors_find(&b->tensors, x->name);
    if (y) compare_tensor(&c, schema, x, y);
    else json_array_append_new(c.only_a, json_string(x->name));
  }
  for (int k = 0; k < b->tensors.n; k++)
    if (!ftl_tensors_find(&a->tensors, b->tensors.tensor[k].name))
      json_array_append_new(c.only_b, json_string(b->tensors.tensor[k].name));
  for (int g = 0; g <= FTL_N_GROUPS; g++)
    if (c.group[g].max > 0)
      json_array_append_new(
          groups, distance_json("group", g < FTL_N_GROUPS ? ftl_group_name((ftl_group)g) : "(constants)", &c.group[g]));
  const bool equal = !json_array_size(architecture) && !json_array_size(c.tensors) && !json_array_size(c.shapes) &&
                     !json_array_size(c.only_a) && !json_array_size(c.only_b);
  return json_pack("{s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:i}", "a", a->path, "b", b->path, "equal", equal,
                   "architecture", architecture, "only_a", c.only_a, "only_b", c.only_b, "shapes", c.shapes, "tensors",
                   c.tensors, "groups", groups, "same_tensors", c.same);
}

/* ---- text ---- */

static void print_distances(const json_t *list, const char *what) {
  size_t k;
  json_t *line;
  if (json_array_size(list) == 0) return;
  printf("%-62s %9s %10s %10s %9s\n", what, "numbers", "max", "RMS", "relative");
  json_array_foreach(list, k, line) {
    const json_t *relative = json_object_get(line, "relative_rms"), *dtype = json_object_get(line, "dtype");
    printf("%-62s %9lld %10.3e %10.3e", json_string_value(json_object_get(line, what)),
           (long long)json_integer_value(json_object_get(line, "numbers")),
           json_number_value(json_object_get(line, "max")), json_number_value(json_object_get(line, "rms")));
    if (json_is_real(relative)) printf(" %8.3g%%", 100 * json_real_value(relative));
    else printf(" %9s", "-");
    if (dtype)
      printf("  %s, %s", json_string_value(json_array_get(dtype, 0)), json_string_value(json_array_get(dtype, 1)));
    putchar('\n');
  }
}

static void print_pairs(const json_t *list, const char *what, const char *key) {
  size_t k;
  json_t *line;
  json_array_foreach(list, k, line) {
    printf("%s %s: ", what, json_string_value(json_object_get(line, key)));
    json_dumpf(json_object_get(line, "a"), stdout,
               JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_COMPACT | JSON_REAL_PRECISION(15));
    printf(" and ");
    json_dumpf(json_object_get(line, "b"), stdout,
               JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_COMPACT | JSON_REAL_PRECISION(15));
    putchar('\n');
  }
}

static void print_names(const json_t *list, const char *file) {
  size_t k;
  json_t *name;
  json_array_foreach(list, k, name) printf("only in %s: %s\n", file, json_string_value(name));
}

static void print_text(const json_t *object) {
  print_pairs(json_object_get(object, "architecture"), "architecture", "key");
  print_names(json_object_get(object, "only_a"), json_string_value(json_object_get(object, "a")));
  print_names(json_object_get(object, "only_b"), json_string_value(json_object_get(object, "b")));
  print_pairs(json_object_get(object, "shapes"), "shape of", "tensor");
  print_distances(json_object_get(object, "tensors"), "tensor");
  print_distances(json_object_get(object, "groups"), "group");
  printf("%lld tensors are the same\n", (long long)json_integer_value(json_object_get(object, "same_tensors")));
}

static int diff(const cli_given *given) {
  const options *o = given->options.values;
  char *const *file = given->file;
  ftl_error error = {0};
  ftl_source *source[2] = {NULL, NULL};
  int code = CLI_OK;
  for (int k = 0; k < 2 && code == CLI_OK; k++)
    if (ftl_source_read_with(file[k], o->foundation, &source[k], &error)) code = cli_report(&error, CLI_INPUT);
  if (code == CLI_OK && o->foundation && !source[0]->delta && !source[1]->delta) {
    ftl_source_no_delta(file[0], &error);
    code = cli_report(&error, CLI_INPUT);
  }
  ftl_schema schema = {0};
  if (code == CLI_OK && ftl_schema_of(source[0], &schema, &error)) code = cli_report(&error, CLI_MEMORY);
  json_t *object = code == CLI_OK ? compare(source[0], source[1], &schema) : NULL;
  ftl_schema_free(&schema);
  if (code == CLI_OK && !object) {
    ftl_fail(&error, FTL_ERR_MEMORY, file[0], "cannot compare it: no memory, or a name that is not UTF-8");
    code = cli_report(&error, CLI_MEMORY);
  }
  ftl_source_free(source[0]);
  ftl_source_free(source[1]);
  if (!object) return code;
  if (o->json) cli_print_json(object, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
  else print_text(object);
  code = json_is_true(json_object_get(object, "equal")) ? CLI_OK : CLI_DIFFERENT;
  json_decref(object);
  return code;
}

int cmd_diff(int argc, char **argv) {
  options o = {0};
  return cli_command_run(&command_line, argc, argv, &o, diff);
}
