/* Radial tables of a layer: the MLP's last hidden layer as piecewise polynomials per pair class, and what the stages
   need made from them: element-folded first-layer tables, or per-path weight tables and the message's linear. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compute/piecewise.h"
#include "compute/radial_functions.h"
#include "compute/rows.h"
#include "model/error.h"

/* Degree 8 in double reaches 1e-13 with cells of about 0.1 Angstrom; higher degrees lose digits in monomials and time;
   the number of cells is doubled until the error, measured between the nodes, is below the tolerance. Below R_LOW it
   may be larger: the Agnesi transform is not smooth at 0, and no atoms are that close. */
#define R_LOW     0.5
#define R_SPLIT   1.5
#define FINE      32 /* cells to begin with */
#define COARSE    16
#define MAX_CELLS 128                 /* of either kind, to polish: rounding may keep the tolerance out of reach */
#define MOST      (FTL_MAX_CELLS / 2) /* while the error is more than is accepted; then the model is refused */
#define ACCEPTED  1e3                 /* times the tolerance */

static int n_coefficients(const ftl_model *model) { return FTL_RADIAL_COEFFICIENTS(model->real_bytes); }

/* Later layers have tables of weights for each class of pairs. When they are more than the machine's memory, say so
   before hours of making them, or the system, end the program. */
static ftl_status check_room(const ftl_model *model, const char *path, ftl_error *error) {
  double weights = 0;
  for (int t = 1; t < model->arch.n_layers; t++) {
    const ftl_layer *layer = &model->arch.layer[t];
    ftl_conv_paths paths;
    ftl_status status = ftl_conv_paths_make(&layer->edge, &model->arch.sh, &layer->target, &paths, error);
    if (status) return status;
    for (int p = 0; p < paths.mid.n; p++) weights += paths.mid.block[p].mul;
  }
  const double per_class = weights * (FINE + COARSE) * n_coefficients(model);
  const double needed = per_class * model->n_classes * (sizeof(double) + (size_t)model->real_bytes);
  const double there = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
  if (!(there > 0) || needed < there) return FTL_OK;
  return ftl_fail(error, FTL_ERR_MEMORY, path,
                  "the radial tables of %d elements, %d pairs, take at least %.0f GB, and this machine has %.0f: open "
                  "the model for the elements in use only",
                  model->n_species, model->n_classes, needed / 1e9, there / 1e9);
}

typedef struct {
  const ftl_radial *radial;
  int i, j;
} sample_context;

static void sample_features(void *context, double r, double *values) {
  const sample_context *c = context;
  ftl_radial_features(c->radial, c->i, c->j, r, values);
}
static void sample_density(void *context, double r, double *values) {
  const sample_context *c = context;
  values[0] = ftl_radial_density(c->radial, c->i, c->j, r);
}

/* A pair (receiver, sender) that belongs to the class. */
static sample_context class_sample(const ftl_model *model, const ftl_radial *radial, int class_) {
  for (int ij = 0; ij < model->n_species * model->n_species; ij++)
    if (model->pair_class[ij] == class_) return (sample_context){radial, ij / model->n_species, ij % model->n_species};
  return (sample_context){radial, 0, 0};
}

typedef struct {
  double *coefficients; /* [class][cell][k][feature] */
  size_t class_stride;
} feature_tables;

static ftl_status fit_features(const ftl_model *model, const ftl_radial *radial, ftl_grid *grid, double **density,
                               feature_tables *tables, ftl_error *error) {
  /* in mixed too the fit is better than the arithmetic: its slopes, which make forces, err some hundred times more */
  double tolerance = model->precision == FTL_DOUBLE ? 1e-13 : 1e-9, cutoff = model->arch.r_max;
  int n = radial->n_features, n_coarse = COARSE;
  grid->n_coefficients = n_coefficients(model);
  grid->split = fmin(R_SPLIT, 0.5 * cutoff);
  grid->n_fine = FINE;
  for (;;) {
    grid->n_cells = grid->n_fine + n_coarse;
    grid->inverse_fine = grid->n_fine / grid->split;
    grid->inverse_coarse = n_coarse / (cutoff - grid->split);
    size_t cells = (size_t)grid->n_cells * (size_t)grid->n_coefficients;
    tables->class_stride = cells * (size_t)n;
    free(tables->coefficients);
    free(*density);
    *density = NULL;
    tables->coefficients = malloc(tables->class_stride * (size_t)model->n_classes * sizeof(double));
    if (radial->has_density) *density = malloc(cells * (size_t)model->n_classes * sizeof(double));
    if (!tables->coefficients || (radial->has_density && !*density))
      return ftl_fail(error, FTL_ERR_MEMORY, "",
                      "out of memory for the radial tables of %d element pairs; open the model for fewer elements",
                      model->n_classes);
    bool refine_fine = false, refine_coarse = false;
    for (int c = 0; c < model->n_classes && !refine_fine && !refine_coarse; c++) {
      sample_context context = class_sample(model, radial, c);
      double *coefficients = tables->coefficients + (size_t)c * tables->class_stride, fine[2] = {0, 0},
             coarse[2] = {0, 0};
      ftl_status status = ftl_piecewise_fit(grid, n, sample_features, &context, coefficients, error);
      if (status) return status;
      ftl_piecewise_error(grid, n, sample_features, &context, coefficients, R_LOW, &fine[0], &coarse[0]);
      if (radial->has_density) {
        coefficients = *density + (size_t)c * cells;
        status = ftl_piecewise_fit(grid, 1, sample_density, &context, coefficients, error);
        if (status) return status;
        ftl_piecewise_error(grid, 1, sample_density, &context, coefficients, R_LOW, &fine[1], &coarse[1]);
      }
      double short_range = fmax(fine[0], fine[1]), long_range = fmax(coarse[0], coarse[1]);
      double accepted = ACCEPTED * tolerance;
      refine_fine = short_range > tolerance && grid->n_fine < (short_range > accepted ? MOST : MAX_CELLS);
      refine_coarse = long_range > tolerance && n_coarse < (long_range > accepted ? MOST : MAX_CELLS);
      if (!refine_fine && !refine_coarse && !(fmax(short_range, long_range) < accepted))
        return ftl_fail(error, FTL_ERR_UNSUPPORTED, "",
                        "the radial functions turn too quickly to be tabulated: %d cells leave an error of %.1e",
                        grid->n_cells, fmax(short_range, long_range));
    }
    if (!refine_fine && !refine_coarse) return FTL_OK;
    if (refine_fine) grid->n_fine *= 2;
    if (refine_coarse) n_coarse *= 2;
  }
}

/* Column-pivoted Gram-Schmidt on samples[point][feature]: picks the features that span all to the tolerance and writes
   every feature as their combination: feature q = sum_k chosen[k] * combination[k][q]. Returns their number. */
static int choose_features(double *samples, int n_points, int n, double tolerance, int *chosen, double *combination) {
  double *r = calloc((size_t)n * (size_t)n, sizeof *r); /* r[k][q]: coefficient of orthonormal vector k in feature q */
  double *norm = malloc((size_t)n * sizeof *norm), largest = 0;
  int rank = 0;
  if (!r || !norm) {
    free(r);
    free(norm);
    return -1;
  }
  for (; rank < n; rank++) {
    int best = -1;
    double best_norm = 0;
    memset(norm, 0, (size_t)n * sizeof *norm);
    for (int s = 0; s < n_points; s++)
      for (int q = 0; q < n; q++)
        norm[q] += samples[(size_t)s * (size_t)n + (size_t)q] * samples[(size_t)s * (size_t)n + (size_t)q];
    for (int q = 0; q < n; q++)
      if (norm[q] > best_norm) {
        best_norm = norm[q];
        best = q;
      }
    best_norm = sqrt(best_norm);
    if (rank == 0) largest = best_norm;
    if (best < 0 || best_norm <= tolerance * largest) break;
    chosen[rank] = best;
    double *rk = r + (size_t)rank * (size_t)n;
    for (int s = 0; s < n_points; s++) {
      double v = samples[(size_t)s * (size_t)n + (size_t)best] / best_norm;
      for (int q = 0; q < n; q++) rk[q] += v * samples[(size_t)s * (size_t)n + (size_t)q];
    }
    for (int s = 0; s < n_points; s++) {
      double v = samples[(size_t)s * (size_t)n + (size_t)best] / best_norm;
      for (int q = 0; q < n; q++)
        if (q != best) samples[(size_t)s * (size_t)n + (size_t)q] -= v * rk[q];
    }
    for (int s = 0; s < n_points; s++) samples[(size_t)s * (size_t)n + (size_t)best] = 0;
    for (int k = 0; k < rank; k++) rk[chosen[k]] = 0;
  }
  /* solve R11 C = R(all): back substitution */
  for (int q = 0; q < n; q++)
    for (int k = rank - 1; k >= 0; k--) {
      double v = r[(size_t)k * (size_t)n + (size_t)q];
      for (int m = k + 1; m < rank; m++)
        v -= r[(size_t)k * (size_t)n + (size_t)chosen[m]] * combination[(size_t)m * (size_t)n + (size_t)q];
      combination[(size_t)k * (size_t)n + (size_t)q] = v / r[(size_t)k * (size_t)n + (size_t)chosen[k]];
    }
  free(r);
  free(norm);
  return rank;
}

/* phi of one class, and combination . matrix: T[k][weight]. */
static ftl_status first_class(const ftl_model *model, const ftl_radial *radial, const ftl_grid *grid,
                              const double *coefficients, ftl_first_class *class_, double **phi, double *t,
                              ftl_error *error) {
  int n = radial->n_features, n_points = 6 * grid->n_cells, n_w = radial->n_weights;
  double *samples = malloc((size_t)n_points * (size_t)n * sizeof *samples), *row = malloc((size_t)n * sizeof *row);
  double *combination = calloc((size_t)n * (size_t)n, sizeof *combination), *size = calloc((size_t)n, sizeof *size);
  int *chosen = malloc((size_t)n * sizeof *chosen);
  ftl_status status = FTL_ERR_MEMORY;
  if (samples && row && combination && size && chosen) {
    for (int q = 0; q < n; q++)
      for (int w = 0; w < n_w; w++) size[q] = fmax(size[q], fabs(radial->matrix[(size_t)q * (size_t)n_w + (size_t)w]));
    for (int s = 0; s < n_points; s++) {
      ftl_piecewise_eval(grid, n, coefficients, (s + 0.5) / n_points * model->arch.r_max, row);
      for (int q = 0; q < n; q++) samples[(size_t)s * (size_t)n + (size_t)q] = row[q] * size[q];
    }
    int rank =
        choose_features(samples, n_points, n, model->precision == FTL_DOUBLE ? 1e-14 : 1e-8, chosen, combination);
    class_->n_radial = rank;
    class_->pad = (rank + model->lanes - 1) / model->lanes * model->lanes;
    if (class_->pad == 0) class_->pad = model->lanes;
    size_t rows = (size_t)grid->n_cells * (size_t)grid->n_coefficients;
    *phi = rank >= 0 ? calloc(rows * (size_t)class_->pad, sizeof **phi) : NULL;
    if (*phi) {
      for (size_t c = 0; c < rows; c++)
        for (int k = 0; k < rank; k++)
          (*phi)[c * (size_t)class_->pad + (size_t)k] =
              coefficients[c * (size_t)n + (size_t)chosen[k]] * size[chosen[k]];
      memset(t, 0, (size_t)n * (size_t)n_w * sizeof *t);
      for (int k = 0; k < rank; k++)
        for (int q = 0; q < n; q++) {
          double f = size[q] > 0 ? combination[(size_t)k * (size_t)n + (size_t)q] / size[q] : 0;
          for (int w = 0; w < n_w; w++)
            t[(size_t)k * (size_t)n_w + (size_t)w] += f * radial->matrix[(size_t)q * (size_t)n_w + (size_t)w];
        }
      status = FTL_OK;
    }
  }
  free(samples);
  free(row);
  free(combination);
  free(size);
  free(chosen);
  return status ? ftl_fail(error, status, "", "out of memory for the first layer's radial functions") : FTL_OK;
}

/* The message's linear (mid -> message) as dense matrices [species or 1][path][mul_in][mul_out], with a non-residual
   block's skip_tp and the average number of neighbours folded in. *n_species is 0 when one set serves all. */
static ftl_status message_linear(const ftl_model *model, const ftl_source *source, int t, const ftl_irreps *mid,
                                 const ftl_irreps *message, ftl_linear *linear, double **dense, int *n_species,
                                 ftl_error *error) {
  const ftl_layer *layer = &model->arch.layer[t];
  const ftl_layer_traits traits = ftl_layer_traits_of(layer);
  const ftl_tensor *w = ftl_require(
      source, error, traits.nonlinear ? "interactions.%d.linear_1.weight" : "interactions.%d.linear.weight", t);
  if (!w) return FTL_ERR_FORMAT;
  ftl_linear_paths(model, mid, message, linear);
  size_t size = ftl_linear_dense_size(linear);
  const bool folds_skip = traits.skip_on_message;
  *n_species = folds_skip ? model->n_species : 0;
  double *plain = malloc((size + 1) * sizeof *plain);
  *dense = malloc((size * (size_t)(folds_skip ? model->n_species : 1) + 1) * sizeof **dense);
  if (!plain || !*dense) {
    free(plain);
    return ftl_fail(error, FTL_ERR_MEMORY, w->name, "out of memory");
  }
  ftl_linear_dense(linear, w, plain);
  if (traits.norm == FTL_NORM_AVERAGE)
    for (size_t k = 0; k < size; k++) plain[k] /= layer->avg_num_neighbors;
  if (!folds_skip) {
    memcpy(*dense, plain, size * sizeof *plain);
    free(plain);
    return FTL_OK;
  }
  ftl_linear skip;
  ftl_linear_paths(model, message, message, &skip);
  size_t skip_size = ftl_linear_dense_size(&skip);
  double *skip_dense = malloc((skip_size + 1) * sizeof *skip_dense);
  const ftl_tensor *s = ftl_require(source, error, "interactions.%d.skip_tp.weight", t);
  if (!s || !skip_dense) {
    free(plain);
    free(skip_dense);
    return s ? ftl_fail(error, FTL_ERR_MEMORY, s->name, "out of memory") : FTL_ERR_FORMAT;
  }
  for (int z = 0; z < model->n_species; z++) {
    ftl_skip_dense(model, &skip, s, z, skip_dense);
    double *out = *dense + (size_t)z * size;
    const double *in = plain;
    for (int p = 0; p < linear->n; p++) {
      int rows = linear->in.b[linear->path[p].in].mul, columns = linear->out.b[linear->path[p].out].mul;
      const double *matrix = skip_dense; /* the skip's path of this block: an irrep occurs once in a message */
      for (int q = 0; q < skip.n && skip.path[q].in != linear->path[p].out; q++)
        matrix += skip.in.b[skip.path[q].in].mul * skip.out.b[skip.path[q].out].mul;
      memset(out, 0, (size_t)rows * (size_t)columns * sizeof *out);
      for (int u = 0; u < rows; u++)
        for (int v = 0; v < columns; v++)
          for (int c = 0; c < columns; c++)
            out[(size_t)u * (size_t)columns + (size_t)c] +=
                in[(size_t)u * (size_t)columns + (size_t)v] * matrix[(size_t)v * (size_t)columns + (size_t)c];
      in += rows * columns;
      out += rows * columns;
    }
  }
  free(plain);
  free(skip_dense);
  return FTL_OK;
}

/* Features of every element after the first layer's linear_up: u[species][block-major irreps of `edge`], scalars only.
 */
static double *first_sender_features(const ftl_model *model, const ftl_source *source, ftl_error *error) {
  const ftl_layer *layer = &model->arch.layer[0];
  const ftl_tensor *embedding = ftl_require(source, error, "node_embedding.linear.weight");
  const ftl_tensor *up = ftl_require(source, error, "interactions.0.linear_up.weight");
  if (!embedding || !up) return NULL;
  int n_in = ftl_irreps_count(&layer->node_feats, 0, 1), n_out = ftl_irreps_count(&layer->edge, 0, 1);
  double *u = calloc((size_t)model->n_species * (size_t)n_out + 1, sizeof *u);
  if (!u) {
    ftl_fail(error, FTL_ERR_MEMORY, up->name, "out of memory");
    return NULL;
  }
  double norm = 1 / sqrt((double)model->arch.norm_elements) / sqrt((double)n_in);
  for (int z = 0; z < model->n_species; z++)
    for (int c = 0; c < n_in; c++)
      for (int o = 0; o < n_out; o++)
        u[z * n_out + o] +=
            ftl_tensor_at(embedding, (int64_t)z * n_in + c) * ftl_tensor_at(up, (int64_t)c * n_out + o) * norm;
  return u;
}

/* The first pair with the same V: it depends on the receiver's element only by the class, and in a block that is not
   residual by the skip_tp in the message's linear. */
static int same_first_table(const ftl_model *model, bool by_receiver, int ij) {
  int n = model->n_species, j = ij % n;
  for (int i = 0; !by_receiver && i < ij / n; i++)
    if (model->pair_class[i * n + j] == model->pair_class[ij]) return i * n + j;
  return ij;
}

static ftl_status prepare_first(ftl_model *model, const ftl_source *source, const ftl_radial *radial,
                                const feature_tables *tables, const ftl_irreps *message, ftl_error *error) {
  ftl_prepared_layer *prepared = &model->layer[0];
  ftl_first_layer *first = &prepared->first_layer;
  const ftl_layer *layer = &model->arch.layer[0];
  ftl_conv_paths paths;
  ftl_status status = ftl_conv_paths_make(&layer->edge, &model->arch.sh, &layer->target, &paths, error);
  if (status) return status;
  ftl_linear linear;
  double *dense = NULL, *t = NULL, *v = NULL, *vt = NULL, *folded = NULL, *transposed = NULL, *u = NULL;
  double **phi = calloc((size_t)model->n_classes, sizeof *phi);
  int n_species_linear = 0, n = model->n_species, mul = layer->edge.block[0].mul;
  status = message_linear(model, source, 0, &paths.mid, message, &linear, &dense, &n_species_linear, error);
  if (!status && !(u = first_sender_features(model, source, error))) status = FTL_ERR_FORMAT;
  /* the paths in use: those that the linear carries on to the message */
  first->n_paths = 0;
  int dense_path[4];
  for (int p = 0; p < linear.n && !status; p++) {
    if (first->n_paths == 4)
      status = ftl_fail(error, FTL_ERR_UNSUPPORTED, source->path, "more than four first-layer paths");
    else {
      first->path_l[first->n_paths] = linear.in.b[linear.path[p].in].l;
      first->path_out[first->n_paths] = linear.path[p].out;
      dense_path[first->n_paths++] = p;
    }
  }
  size_t table_size = (size_t)radial->n_features * (size_t)radial->n_weights;
  first->class_ = calloc((size_t)model->n_classes, sizeof *first->class_);
  t = malloc(table_size * (size_t)model->n_classes * sizeof *t);
  size_t phi_size = 0, v_size = 0, vt_size = 0;
  size_t n_v = (size_t)n * (size_t)n * (size_t)(first->n_paths ? first->n_paths : 1);
  first->v_offset = calloc(n_v, sizeof *first->v_offset);
  first->vt_offset = calloc(n_v, sizeof *first->vt_offset);
  if (!status && (!phi || !first->class_ || !t || !first->v_offset || !first->vt_offset))
    status = ftl_fail(error, FTL_ERR_MEMORY, source->path, "out of memory for the first layer");
  for (int c = 0; c < model->n_classes && !status; c++) {
    status = first_class(model, radial, &prepared->grid, tables->coefficients + (size_t)c * tables->class_stride,
                         &first->class_[c], &phi[c], t + (size_t)c * table_size, error);
    first->class_[c].phi_offset = phi_size;
    phi_size += (size_t)prepared->grid.n_cells * (size_t)prepared->grid.n_coefficients * (size_t)first->class_[c].pad;
    if (first->class_[c].pad > first->max_pad) first->max_pad = first->class_[c].pad;
  }
  for (int ij = 0; ij < n * n && !status; ij++) {
    const int same = same_first_table(model, n_species_linear > 0, ij);
    for (int p = 0; p < first->n_paths; p++) {
      if (same != ij) {
        first->v_offset[ij * first->n_paths + p] = first->v_offset[same * first->n_paths + p];
        first->vt_offset[ij * first->n_paths + p] = first->vt_offset[same * first->n_paths + p];
        continue;
      }
      const ftl_first_class *class_ = &first->class_[model->pair_class[ij]];
      const ftl_layout_block *out = &linear.out.b[first->path_out[p]];
      first->v_offset[ij * first->n_paths + p] = v_size;
      first->vt_offset[ij * first->n_paths + p] = vt_size;
      v_size += (size_t)class_->pad * (size_t)out->pad;
      vt_size += (size_t)out->mul * (size_t)class_->pad;
    }
  }
  if (!status) {
    int widest = 1;
    for (int p = 0; p < first->n_paths; p++)
      if (linear.out.b[first->path_out[p]].mul > widest) widest = linear.out.b[first->path_out[p]].mul;
    v = calloc(v_size + 1, sizeof *v);
    vt = calloc(vt_size + 1, sizeof *vt);
    folded = calloc((size_t)first->max_pad * (size_t)widest, sizeof *folded);
    transposed = calloc((size_t)first->max_pad * (size_t)widest, sizeof *transposed);
    if (!v || !vt || !folded || !transposed)
      status = ftl_fail(error, FTL_ERR_MEMORY, source->path,
                        "out of memory for the first layer's tables of %d elements; open the model for fewer", n);
  }
  size_t dense_size = ftl_linear_dense_size(&linear);
  for (int ij = 0; ij < n * n && !status; ij++) {
    if (same_first_table(model, n_species_linear > 0, ij) != ij) continue;
    int i = ij / n, j = ij % n, class_index = model->pair_class[ij];
    const ftl_first_class *class_ = &first->class_[class_index];
    for (int p = 0; p < first->n_paths; p++) {
      const ftl_layout_block *out = &linear.out.b[first->path_out[p]];
      const double *matrix = dense + (n_species_linear ? (size_t)i * dense_size : 0);
      for (int q = 0; q < dense_path[p]; q++)
        matrix += linear.in.b[linear.path[q].in].mul * linear.out.b[linear.path[q].out].mul;
      int weight0 = linear.path[dense_path[p]].in * mul; /* path k writes mid block k and owns weights k * mul .. */
      memset(folded, 0, (size_t)class_->pad * (size_t)out->mul * sizeof *folded);
      for (int k = 0; k < class_->n_radial; k++) {
        const double *tk = t + (size_t)class_index * table_size + (size_t)k * (size_t)radial->n_weights + weight0;
        double *row = folded + (size_t)k * (size_t)out->mul;
        for (int c = 0; c < mul; c++) {
          double f = tk[c] * u[j * mul + c];
          for (int o = 0; o < out->mul; o++) row[o] += f * matrix[(size_t)c * (size_t)out->mul + (size_t)o];
        }
      }
      ftl_pack_panels(folded, class_->pad, out->mul, out->pad, model->lanes,
                      v + first->v_offset[ij * first->n_paths + p]);
      for (int k = 0; k < class_->pad; k++)
        for (int o = 0; o < out->mul; o++)
          transposed[(size_t)o * (size_t)class_->pad + (size_t)k] = folded[(size_t)k * (size_t)out->mul + (size_t)o];
      ftl_pack_panels(transposed, out->mul, class_->pad, class_->pad, model->lanes,
                      vt + first->vt_offset[ij * first->n_paths + p]);
    }
  }
  if (!status) {
    double *all = calloc(phi_size + 1, sizeof *all);
    for (int c = 0; c < model->n_classes && all; c++)
      memcpy(all + first->class_[c].phi_offset, phi[c],
             (size_t)prepared->grid.n_cells * (size_t)prepared->grid.n_coefficients * (size_t)first->class_[c].pad *
                 sizeof *all);
    first->phi = all ? ftl_pack(model, all, phi_size) : NULL;
    first->v = ftl_pack(model, v, v_size);
    first->v_transpose = ftl_pack(model, vt, vt_size);
    free(all);
    if (!first->phi || !first->v || !first->v_transpose)
      status = ftl_fail(error, FTL_ERR_MEMORY, source->path, "out of memory for the first layer");
  }
  for (int c = 0; c < model->n_classes && phi; c++) free(phi[c]);
  free(phi);
  free(dense);
  free(t);
  free(v);
  free(vt);
  free(folded);
  free(transposed);
  free(u);
  return status;
}

/* M[m3][m1] of a path as combinations of Y: e3nn's uvu tensor product with component normalisation, sqrt(2 l3 + 1) w3j,
   and its closed forms when an l is zero (e3nn o3/_tensor_product/_codegen.py). */
static ftl_status coupling(const ftl_source *source, int t, ftl_conv *conv, const ftl_irreps *sh,
                           const ftl_conv_paths *paths, ftl_error *error) {
  int capacity = 0;
  for (int p = 0; p < paths->n; p++) {
    int l1 = conv->edge.b[paths->path[p].in1].l, l2 = sh->block[paths->path[p].in2].l, l3 = paths->mid.block[p].l;
    conv->n_m += (2 * l1 + 1) * (2 * l3 + 1);
    capacity += (2 * l1 + 1) * (2 * l2 + 1) * (2 * l3 + 1);
  }
  conv->m_start = calloc((size_t)conv->n_m + 1, sizeof *conv->m_start);
  conv->m_component = malloc(((size_t)capacity + 1) * sizeof *conv->m_component);
  conv->m_coefficient = malloc(((size_t)capacity + 1) * sizeof *conv->m_coefficient);
  if (!conv->m_start || !conv->m_component || !conv->m_coefficient)
    return ftl_fail(error, FTL_ERR_MEMORY, source->path, "out of memory");
  int q = 0, n = 0;
  for (int p = 0; p < paths->n; p++) {
    int l1 = conv->edge.b[paths->path[p].in1].l, l2 = sh->block[paths->path[p].in2].l, l3 = paths->mid.block[p].l;
    const ftl_tensor *w3j = NULL;
    if (l1 && l2 && l3 &&
        !(w3j = ftl_require(source, error, "interactions.%d.conv_tp._compiled_main_left_right._w3j_%d_%d_%d", t, l1, l2,
                            l3)))
      return FTL_ERR_FORMAT;
    conv->path[p].m_offset = q;
    for (int m3 = 0; m3 < 2 * l3 + 1; m3++)
      for (int m1 = 0; m1 < 2 * l1 + 1; m1++, q++) {
        conv->m_start[q] = n;
        for (int m2 = 0; m2 < 2 * l2 + 1; m2++) {
          double c;
          if (w3j) c = sqrt(2.0 * l3 + 1) * ftl_tensor_at(w3j, ((int64_t)m1 * (2 * l2 + 1) + m2) * (2 * l3 + 1) + m3);
          else if (l1 == 0) c = m2 == m3;
          else if (l2 == 0) c = m1 == m3;
          else c = m1 == m2 ? 1 / sqrt(2.0 * l1 + 1) : 0;
          if (c == 0) continue;
          conv->m_component[n] = l2 * l2 + m2;
          conv->m_coefficient[n++] = c;
        }
      }
  }
  conv->m_start[q] = n;
  return FTL_OK;
}

/* Radial weights of later layers: per class, chunk and cell, the polynomial coefficients of every path's channels. */
static ftl_status weight_tables(const ftl_model *model, const ftl_radial *radial, const feature_tables *tables,
                                const ftl_grid *grid, ftl_conv *conv, ftl_error *error) {
  int vectors = 4;
  for (int p = 0; p < conv->n_paths; p++) {
    int n = conv->edge.b[conv->path[p].in].pad / model->lanes;
    while (n % vectors) vectors /= 2;
  }
  conv->chunk_vectors = vectors;
  int width = vectors * model->lanes, m = grid->n_coefficients;
  for (int p = 0; p < conv->n_paths; p++) {
    conv->path[p].n_chunks = conv->edge.b[conv->path[p].in].pad / width;
    if (conv->path[p].n_chunks > conv->n_chunks) conv->n_chunks = conv->path[p].n_chunks;
  }
  conv->chunk_offset = calloc((size_t)conv->n_chunks + 1, sizeof *conv->chunk_offset);
  conv->chunk_paths = calloc((size_t)conv->n_chunks + 1, sizeof *conv->chunk_paths);
  if (!conv->chunk_offset || !conv->chunk_paths) return ftl_fail(error, FTL_ERR_MEMORY, "", "out of memory");
  for (int c = 0; c < conv->n_chunks; c++) {
    conv->chunk_offset[c] = conv->class_stride;
    for (int p = 0; p < conv->n_paths; p++) conv->chunk_paths[c] += c < conv->path[p].n_chunks;
    conv->class_stride += (size_t)grid->n_cells * (size_t)conv->chunk_paths[c] * (size_t)m * (size_t)width;
  }
  double *all = calloc(conv->class_stride * (size_t)model->n_classes + 1, sizeof *all);
  if (!all)
    return ftl_fail(error, FTL_ERR_MEMORY, "",
                    "out of memory for the radial weights of %d element pairs; open the model for fewer elements",
                    model->n_classes);
  int n = radial->n_features;
  for (int class_ = 0; class_ < model->n_classes; class_++)
    for (int chunk = 0; chunk < conv->n_chunks; chunk++)
      for (int cell = 0; cell < grid->n_cells; cell++) {
        double *out = all + (size_t)class_ * conv->class_stride + conv->chunk_offset[chunk] +
                      (size_t)cell * (size_t)conv->chunk_paths[chunk] * (size_t)m * (size_t)width;
        int weight0 = 0;
        for (int p = 0; p < conv->n_paths; p++) {
          int mul = conv->edge.b[conv->path[p].in].mul;
          if (chunk < conv->path[p].n_chunks) {
            int channels = mul - chunk * width < width ? mul - chunk * width : width;
            for (int k = 0; k < m; k++, out += width) {
              const double *f = tables->coefficients + (size_t)class_ * tables->class_stride +
                                ((size_t)cell * (size_t)m + (size_t)k) * (size_t)n;
              ftl_add_rows(n, f, radial->matrix + weight0 + chunk * width, (size_t)radial->n_weights, channels, out);
            }
          }
          weight0 += mul;
        }
      }
  conv->radial = ftl_pack(model, all, conv->class_stride * (size_t)model->n_classes);
  free(all);
  return conv->radial ? FTL_OK : ftl_fail(error, FTL_ERR_MEMORY, "", "out of memory for the radial weights");
}

static ftl_status prepare_conv(ftl_model *model, const ftl_source *source, int t, const ftl_radial *radial,
                               const feature_tables *tables, const ftl_irreps *message, ftl_error *error) {
  ftl_prepared_layer *prepared = &model->layer[t];
  const ftl_layer *layer = &model->arch.layer[t];
  ftl_conv *conv = &prepared->conv;
  ftl_conv_paths paths;
  ftl_status status = ftl_conv_paths_make(&layer->edge, &model->arch.sh, &layer->target, &paths, error);
  if (status) return status;
  ftl_layout_make(&layer->edge, model->pad, &conv->edge);
  ftl_layout_make(&paths.mid, model->pad, &conv->mid);
  conv->n_paths = paths.n;
  for (int p = 0; p < paths.n; p++) {
    conv->path[p].in = paths.path[p].in1;
    conv->path[p].out = p;
    conv->path[p].d1 = conv->edge.b[paths.path[p].in1].d;
    conv->path[p].d3 = conv->mid.b[p].d;
  }
  if ((status = coupling(source, t, conv, &model->arch.sh, &paths, error))) return status;
  if ((status = weight_tables(model, radial, tables, &prepared->grid, conv, error))) return status;
  double *dense = NULL;
  int n_species = 0;
  status = message_linear(model, source, t, &paths.mid, message, &conv->linear, &dense, &n_species, error);
  if (!status) status = ftl_linear_pack(model, n_species, dense, &conv->linear, error);
  free(dense);
  return status;
}

ftl_status ftl_prepare_radial(ftl_model *model, const ftl_source *source, int t, ftl_error *error) {
  ftl_prepared_layer *prepared = &model->layer[t];
  const ftl_layer *layer = &model->arch.layer[t];
  ftl_radial radial;
  feature_tables tables = {0};
  ftl_status status = ftl_radial_make(model, source, t, &radial, error);
  if (!status && t == 0) status = check_room(model, source->path, error);
  if (!status) status = fit_features(model, &radial, &prepared->grid, &prepared->density, &tables, error);
  /* what the message's linear makes: the target, or with a gate its scalars, gates and gated irreps */
  ftl_irreps message = layer->target;
  if (ftl_layer_traits_of(layer).nonlinear) {
    int gates = 0;
    for (int b = 0; b < message.n; b++)
      if (message.block[b].l > 0) gates += message.block[b].mul;
    if (message.n == 0 || message.block[0].l != 0 || message.block[0].p != 1 ||
        (message.n > 1 && message.block[1].l == 0))
      status = status ? status
                      : ftl_fail(error, FTL_ERR_UNSUPPORTED, source->path,
                                 "interaction %d: a nonlinear block with odd scalars", t);
    message.block[0].mul += gates;
  }
  ftl_layout_make(&message, model->pad, &prepared->message);
  if (!status)
    status = t == 0 ? prepare_first(model, source, &radial, &tables, &message, error)
                    : prepare_conv(model, source, t, &radial, &tables, &message, error);
  free(tables.coefficients);
  ftl_radial_free(&radial);
  return status;
}
