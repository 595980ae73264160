/* The tensors of a new model: a loop over the schema. Weights are drawn as the schema says, constants are those that
   mace-torch 0.3.16 and e3nn 0.4.4 compute. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/radii.h"
#include "model/schema.h"
#include "model/traits.h"
#include "model/u_matrix.h"
#include "new_model/new_model_internal.h"
#include "math/wigner.h"

typedef struct {
  const ftl_scratch_options *options;
  const ftl_architecture *arch;
  ftl_u_matrices matrices;
  ftl_random *random;
  ftl_source *source;
  ftl_error *error;
} builder;

/* ---- extents that the options settle ---- */

static ftl_net_size net_size(const int *hidden, int n_hidden) {
  ftl_net_size size = {.n = n_hidden + 1};
  for (int k = 0; k < n_hidden; k++) size.width[k] = hidden[k];
  return size;
}

static ftl_status settle_extents(builder *b, ftl_open_extents *extents) {
  static const int density[1] = {64};
  const ftl_scratch_options *o = b->options;
  *extents = (ftl_open_extents){0};
  for (int t = 0; t < b->arch->n_layers; t++) {
    const ftl_layer *layer = &b->arch->layer[t];
    extents->weights[t] = net_size(o->radial_mlp, o->n_radial_mlp);
    extents->density[t] = net_size(density, ftl_layer_traits_of(layer).nonlinear ? 1 : 0);
    for (int block = 0; block < layer->product.n; block++)
      for (int nu = 1; nu <= layer->correlation; nu++) {
        const int l = layer->product.block[block].l;
        FTL_TRY(ftl_u_matrices_need(&b->matrices, l, nu, b->error));
        extents->u_paths[t][block][nu - 1] = b->matrices.n_paths[l][nu];
      }
  }
  return FTL_OK;
}

/* ---- constants, by the name of their tensor; values[count] ---- */

static void atomic_numbers(const builder *b, double *values) {
  for (int k = 0; k < b->arch->n_elements; k++) values[k] = b->arch->atomic_numbers[k];
}
static void num_interactions(const builder *b, double *values) { values[0] = b->arch->n_layers; }
static void r_max(const builder *b, double *values) { values[0] = b->arch->r_max; }
static void bessel_weights(const builder *b, double *values) {
  for (int k = 0; k < b->arch->num_bessel; k++) values[k] = M_PI / b->arch->r_max * (k + 1);
}
static void bessel_prefactor(const builder *b, double *values) { values[0] = sqrt(2 / b->arch->r_max); }
static void gaussian_weights(const builder *b, double *values) {
  for (int k = 0; k < b->arch->num_bessel; k++) values[k] = b->arch->r_max * k / (b->arch->num_bessel - 1);
}
static void chebyshev_n(const builder *b, double *values) {
  for (int k = 0; k < b->arch->num_bessel; k++) values[k] = k + 1;
}
static void exponent(const builder *b, double *values) { values[0] = b->options->cutoff_p; }
static void radii(const builder *b, double *values) {
  (void)b;
  memcpy(values, ftl_covalent_radii, sizeof ftl_covalent_radii);
}
/* Defaults of mace.modules.radial. */
static void zbl_c(const builder *b, double *values) {
  (void)b;
  memcpy(values, (const double[]){0.1818, 0.5099, 0.2802, 0.02817}, 4 * sizeof *values);
}

/* E0, scale and shift as options, whose elements are in any order. */
static void energies(const builder *b, double *values) {
  const ftl_scratch_options *o = b->options;
  const int n = b->arch->n_elements;
  for (int h = 0; h < b->arch->n_heads; h++)
    for (int k = 0; o->e0 && k < n; k++)
      for (int j = 0; j < n; j++)
        if (o->elements[j] == b->arch->atomic_numbers[k]) values[h * n + k] = o->e0[h * n + j];
}
static void scales(const builder *b, double *values) {
  for (int h = 0; h < b->arch->n_heads; h++) values[h] = b->options->scale ? b->options->scale[h] : 1;
}
static void shifts(const builder *b, double *values) {
  for (int h = 0; h < b->arch->n_heads; h++) values[h] = b->options->shift ? b->options->shift[h] : 0;
}

typedef struct {
  const char *name;
  ftl_dtype dtype;                                /* FTL_F64: the model's own */
  void (*fill)(const builder *b, double *values); /* NULL: the number `value` */
  double value;
} constant;

static const constant constants[] = {
    {"atomic_numbers", FTL_I64, atomic_numbers, 0},
    {"num_interactions", FTL_I64, num_interactions, 0},
    {"r_max", FTL_F64, r_max, 0},
    {"radial_embedding.bessel_fn.bessel_weights", FTL_F64, bessel_weights, 0},
    {"radial_embedding.bessel_fn.r_max", FTL_F64, r_max, 0},
    {"radial_embedding.bessel_fn.prefactor", FTL_F64, bessel_prefactor, 0},
    {"radial_embedding.bessel_fn.gaussian_weights", FTL_F64, gaussian_weights, 0},
    {"radial_embedding.bessel_fn.n", FTL_F64, chebyshev_n, 0},
    {"radial_embedding.distance_transform.q", FTL_F64, NULL, 0.9183},
    {"radial_embedding.distance_transform.p", FTL_F64, NULL, 4.5791},
    {"radial_embedding.distance_transform.a", FTL_F64, NULL, 1.0805},
    {"radial_embedding.distance_transform.alpha", FTL_F64, NULL, 4},
    {"radial_embedding.distance_transform.covalent_radii", FTL_F64, radii, 0},
    {"radial_embedding.cutoff_fn.p", FTL_I32, exponent, 0},
    {"radial_embedding.cutoff_fn.r_max", FTL_F64, r_max, 0},
    {"pair_repulsion_fn.c", FTL_F64, zbl_c, 0},
    {"pair_repulsion_fn.p", FTL_I32, exponent, 0},
    {"pair_repulsion_fn.covalent_radii", FTL_F64, radii, 0},
    {"pair_repulsion_fn.a_exp", FTL_F64, NULL, 0.3},
    {"pair_repulsion_fn.a_prefactor", FTL_F64, NULL, 0.4543},
    {"atomic_energies_fn.atomic_energies", FTL_F64, energies, 0},
    {"scale_shift.scale", FTL_F64, scales, 0},
    {"scale_shift.shift", FTL_F64, shifts, 0},
};

static const constant *constant_named(const char *name) {
  for (size_t k = 0; k < sizeof constants / sizeof *constants; k++)
    if (strcmp(constants[k].name, name) == 0) return &constants[k];
  return NULL;
}

/* ---- one tensor ---- */

static void fill(builder *b, const ftl_tensor_spec *spec, const constant *c, double *values, int64_t count) {
  if (spec->initial != FTL_INITIAL_CONSTANT) {
    for (int64_t k = 0; k < count; k++)
      values[k] = spec->initial == FTL_INITIAL_NORMAL    ? spec->width * ftl_random_normal(b->random)
                  : spec->initial == FTL_INITIAL_UNIFORM ? spec->width * (2 * ftl_random_uniform(b->random) - 1)
                                                         : spec->width;
  } else if (spec->coupling && spec->nu) {
    memcpy(values, b->matrices.u[spec->l[0]][spec->nu], (size_t)count * sizeof *values);
  } else if (spec->coupling) {
    ftl_wigner_3j(spec->l[0], spec->l[1], spec->l[2], values);
  } else if (c->fill) {
    c->fill(b, values);
  } else {
    values[0] = c->value;
  }
}

/* Numbers of this type from doubles, in place. */
static void convert(double *values, int64_t count, ftl_dtype dtype) {
  for (int64_t k = 0; k < count; k++) {
    char *to = (char *)values + (size_t)k * ftl_dtype_bytes(dtype);
    const double value = values[k];
    if (dtype == FTL_F32) memcpy(to, &(float){(float)value}, sizeof(float));
    else if (dtype == FTL_I32) memcpy(to, &(int32_t){(int32_t)value}, sizeof(int32_t));
    else if (dtype == FTL_I64) memcpy(to, &(int64_t){(int64_t)value}, sizeof(int64_t));
  }
}

static ftl_status add_tensor(builder *b, const ftl_tensor_spec *spec) {
  const bool named = spec->initial == FTL_INITIAL_CONSTANT && !spec->coupling;
  const constant *c = named ? constant_named(spec->name) : NULL;
  ftl_tensor_spec shape = *spec;
  if (shape.holds == FTL_HOLDS_BY_ATOMIC_NUMBER) shape.shape[0] = FTL_N_RADII;
  const int64_t count = ftl_tensor_spec_count(&shape);
  const ftl_dtype dtype = c && c->dtype != FTL_F64 ? c->dtype : b->options->dtype;
  double *values = calloc((size_t)count + 1, sizeof *values);
  if (!values) return ftl_no_memory(b->error, b->source->path, "tensor %s", spec->name);
  ftl_status status = FTL_OK;
  if (named && !c)
    status =
        ftl_fail(b->error, FTL_ERR_UNSUPPORTED, b->source->path, "tensor %s of a new model has no value", spec->name);
  if (!status) {
    fill(b, spec, c, values, count);
    convert(values, count, dtype);
    status = ftl_tensors_add(&b->source->tensors, spec->name, dtype, shape.ndim, shape.shape, values,
                             spec->initial != FTL_INITIAL_CONSTANT, b->error);
  }
  free(values);
  return status;
}

ftl_status ftl_scratch_tensors(const ftl_scratch_options *options, ftl_random *random, ftl_source *source,
                               ftl_error *error) {
  builder b = {.options = options,
               .arch = &source->arch,
               .matrices.max_ell = source->arch.sh.n - 1,
               .random = random,
               .source = source,
               .error = error};
  ftl_open_extents extents;
  ftl_schema schema = {0};
  ftl_status status = settle_extents(&b, &extents);
  if (!status) status = ftl_schema_make(b.arch, &extents, &schema, error);
  for (int k = 0; !status && k < schema.n; k++)
    if (!schema.spec[k].optional) status = add_tensor(&b, &schema.spec[k]);
  ftl_schema_free(&schema);
  ftl_u_matrices_free(&b.matrices);
  ftl_tensors_sort(&source->tensors);
  return status;
}
