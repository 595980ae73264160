/* The first layer, folded: docs/theory.md, eq. 12. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mace/feature_tables.h"
#include "mace/first_features.h"
#include "base/error.h"
#include "math/rows.h"

/* Features of every element after the first layer's linear_up: u[species][block-major irreps of `edge`], scalars only.
 */
static double *first_sender_features(const ftl_model *model, const ftl_source *source, ftl_error *error) {
  const ftl_layer *layer = &model->arch.layer[0];
  const ftl_tensor *up = ftl_require(source, error, "interactions.0.linear_up.weight");
  if (!up) return NULL;
  const bool by_head = model->arch.nequip.head_up;
  int n_in = ftl_irreps_count(&layer->node_feats, 0, 1), n_out = ftl_irreps_count(&layer->edge, 0, 1);
  ftl_linear linear;
  ftl_linear_paths(model, &layer->node_feats, &layer->edge, &linear);
  double *u = calloc((size_t)model->n_species * (size_t)n_out + (size_t)n_in + (size_t)linear.out.dim + 1, sizeof *u);
  if (!u) {
    ftl_no_memory(error, up->name, "what is made of the tensor");
    return NULL;
  }
  double *x = u + (size_t)model->n_species * (size_t)n_out, *offset = x + n_in; /* one block: offset is [n_out] */
  double norm = 1 / sqrt((double)(n_in + (by_head ? model->arch.norm_heads : 0)));
  ftl_status status = ftl_linear_offset(model, source, "interactions.0.linear_up", by_head, &linear, offset, error);
  for (int z = 0; z < model->n_species && !status; z++) {
    status = ftl_embedding_row(model, source, z, x, error);
    for (int o = 0; o < n_out; o++) u[z * n_out + o] = offset[o];
    for (int c = 0; c < n_in; c++)
      for (int o = 0; o < n_out; o++) u[z * n_out + o] += x[c] * ftl_tensor_at(up, (int64_t)c * n_out + o) * norm;
  }
  if (!status) return u;
  free(u);
  return NULL;
}

/* The first pair with the same V: it depends on the receiver's element only by the class, and in a block that is not
   residual by the skip_tp in the message's linear. */
static int same_first_table(const ftl_model *model, bool by_receiver, int ij) {
  int n = model->n_species, j = ij % n;
  for (int i = 0; !by_receiver && i < ij / n; i++)
    if (model->pair_class[i * n + j] == model->pair_class[ij]) return i * n + j;
  return ij;
}

/* What is made on the way. */
typedef struct {
  const ftl_radial *radial;
  ftl_linear linear; /* mid -> message */
  double *dense;     /* its matrices, of each receiver's element if by_receiver */
  bool by_receiver;
  int dense_path[4];     /* path of `linear` that each path of the first layer is */
  double *u;             /* [species][channel] */
  double **phi;          /* [class] */
  double *t;             /* [class][feature][weight] */
  double *v, *vt;        /* all tables */
  double *folded, *turn; /* scratch of one table and its transpose */
  double *by_channel;
  size_t phi_size, v_size, vt_size, by_channel_size;
} folding;

static void folding_free(folding *f, int n_classes) {
  for (int c = 0; c < n_classes && f->phi; c++) free(f->phi[c]);
  free(f->phi);
  free(f->dense);
  free(f->u);
  free(f->t);
  free(f->v);
  free(f->vt);
  free(f->folded);
  free(f->turn);
  free(f->by_channel);
}

static size_t table_size(const folding *f) { return (size_t)f->radial->n_features * (size_t)f->radial->n_weights; }

/* Coefficients of one function, in all cells of a class. */
static size_t class_rows(const ftl_model *model, int class_) {
  const ftl_grid *grid = &model->layer[0].grid;
  return (size_t)(grid->first[class_ + 1] - grid->first[class_]) * (size_t)grid->n_coefficients;
}

static size_t phi_numbers(const ftl_model *model, int class_) {
  return class_rows(model, class_) * (size_t)model->layer[0].first_layer.class_[class_].pad;
}

/* The paths in use: those that the linear carries on to the message. */
static ftl_status choose_paths(const ftl_source *source, folding *f, ftl_first_layer *first, ftl_error *error) {
  first->n_paths = 0;
  for (int p = 0; p < f->linear.n; p++) {
    if (first->n_paths == 4)
      return ftl_fail(error, FTL_ERR_UNSUPPORTED, source->path, "more than four first-layer paths");
    first->path_l[first->n_paths] = f->linear.in.b[f->linear.path[p].in].l;
    first->path_out[first->n_paths] = f->linear.path[p].out;
    f->dense_path[first->n_paths++] = p;
  }
  return FTL_OK;
}

static ftl_status make_phi(ftl_model *model, const ftl_source *source, const ftl_feature_tables *tables, folding *f,
                           ftl_error *error) {
  const ftl_grid *grid = &model->layer[0].grid;
  ftl_first_layer *first = &model->layer[0].first_layer;
  first->class_ = calloc((size_t)model->n_classes, sizeof *first->class_);
  f->phi = calloc((size_t)model->n_classes, sizeof *f->phi);
  f->t = malloc(table_size(f) * (size_t)model->n_classes * sizeof *f->t);
  if (!first->class_ || !f->phi || !f->t) return ftl_no_memory(error, source->path, "the first layer");
  for (int c = 0; c < model->n_classes; c++) {
    ftl_first_class *class_ = &first->class_[c];
    ftl_status status = ftl_first_features(model, f->radial, grid, c,
                                           tables->coefficients + (size_t)(grid->first[c] * grid->n_coefficients) *
                                                                      (size_t)f->radial->n_features,
                                           class_, &f->phi[c], f->t + (size_t)c * table_size(f), error);
    if (status) return status;
    class_->phi_offset = f->phi_size;
    f->phi_size += phi_numbers(model, c);
    if (class_->pad > first->max_pad) first->max_pad = class_->pad;
  }
  return FTL_OK;
}

/* Where each pair's tables lie, and memory for them. */
static ftl_status place_tables(const ftl_model *model, const ftl_source *source, folding *f, ftl_first_layer *first,
                               ftl_error *error) {
  const int n = model->n_species, n_paths = first->n_paths;
  const size_t n_v = (size_t)n * (size_t)n * (size_t)(n_paths ? n_paths : 1);
  int widest = 1;
  first->v_offset = calloc(n_v, sizeof *first->v_offset);
  first->vt_offset = calloc(n_v, sizeof *first->vt_offset);
  if (!first->v_offset || !first->vt_offset) return ftl_no_memory(error, source->path, "the first layer");
  for (int ij = 0; ij < n * n; ij++) {
    const int same = same_first_table(model, f->by_receiver, ij), pad = first->class_[model->pair_class[ij]].pad;
    for (int p = 0; p < n_paths; p++) {
      const ftl_layout_block *out = &f->linear.out.b[first->path_out[p]];
      if (out->mul > widest) widest = out->mul;
      first->v_offset[ij * n_paths + p] = same == ij ? f->v_size : first->v_offset[same * n_paths + p];
      first->vt_offset[ij * n_paths + p] = same == ij ? f->vt_size : first->vt_offset[same * n_paths + p];
      if (same != ij) continue;
      f->v_size += (size_t)pad * (size_t)out->pad;
      f->vt_size += (size_t)out->mul * (size_t)pad;
    }
  }
  f->v = calloc(f->v_size + 1, sizeof *f->v);
  f->vt = calloc(f->vt_size + 1, sizeof *f->vt);
  f->folded = calloc((size_t)first->max_pad * (size_t)widest, sizeof *f->folded);
  f->turn = calloc((size_t)first->max_pad * (size_t)widest, sizeof *f->turn);
  if (f->v && f->vt && f->folded && f->turn) return FTL_OK;
  return ftl_no_memory(error, source->path, "the first layer's tables of %d elements; open the model for fewer", n);
}

#define NEIGHBOURS     50       /* of an element, for an estimate */
#define LARGEST_TABLES 16000000 /* bytes, of all elements that the model is opened for */

/* Whether functions by path and channel take fewer multiply-adds for an edge than the K functions, the sums over
   harmonics and, once for all neighbours, V; and their tables' places if they do. */
static ftl_status choose_by_channel(const ftl_model *model, const ftl_source *source, folding *f,
                                    ftl_first_layer *first, ftl_error *error) {
  const int n = model->n_species, m = model->layer[0].grid.n_coefficients;
  double rows = 0;
  for (int p = 0; p < first->n_paths; p++) {
    const int pad = f->linear.out.b[first->path_out[p]].pad;
    first->by_channel_width += pad;
    rows += (2 * first->path_l[p] + 1) * pad;
  }
  first->by_channel_offset = calloc((size_t)n * (size_t)n, sizeof *first->by_channel_offset);
  if (!first->by_channel_offset) return ftl_no_memory(error, source->path, "the first layer");
  for (int ij = 0; ij < n * n; ij++) {
    const int same = same_first_table(model, f->by_receiver, ij);
    first->by_channel_offset[ij] = same == ij ? f->by_channel_size : first->by_channel_offset[same];
    if (same == ij) f->by_channel_size += class_rows(model, model->pair_class[ij]) * (size_t)first->by_channel_width;
  }
  const double by_channel = first->by_channel_width * m + rows;
  const double folded = first->max_pad * (m + model->n_sh + rows / NEIGHBOURS);
  if (by_channel < folded && f->by_channel_size * (size_t)model->real_bytes <= LARGEST_TABLES)
    f->by_channel = calloc(f->by_channel_size + 1, sizeof *f->by_channel);
  else f->by_channel_size = 0;
  return f->by_channel || !f->by_channel_size ? FTL_OK : ftl_no_memory(error, source->path, "the first layer");
}

/* A path's part of a pair's table by channel, from the V that fold_table left. */
static void tabulate_by_channel(const ftl_model *model, const folding *f, const ftl_first_layer *first, int ij, int p) {
  const int class_index = model->pair_class[ij], m = model->layer[0].grid.n_coefficients;
  const ftl_layout_block *out = &f->linear.out.b[first->path_out[p]];
  const int pad = first->class_[class_index].pad, n_cells = (int)class_rows(model, class_index) / m;
  double *to = f->by_channel + first->by_channel_offset[ij];
  for (int q = 0; q < p; q++) to += m * f->linear.out.b[first->path_out[q]].pad;
  for (int cell = 0; cell < n_cells; cell++)
    for (int k = 0; k < m; k++)
      ftl_add_rows(pad, f->phi[class_index] + (size_t)(cell * m + k) * (size_t)pad, f->folded, (size_t)out->mul,
                   out->mul, to + cell * m * first->by_channel_width + k * out->pad);
}

/* V[k][message channel] of one pair of elements and path: T, the sender's features and the message's linear in one. */
static void fold_table(const ftl_model *model, const folding *f, const ftl_first_layer *first, int ij, int p) {
  const int n = model->n_species, i = ij / n, j = ij % n, class_index = model->pair_class[ij];
  const int mul = model->arch.layer[0].edge.block[0].mul;
  const ftl_linear *linear = &f->linear;
  const ftl_first_class *class_ = &first->class_[class_index];
  const ftl_layout_block *out = &linear->out.b[first->path_out[p]];
  const double *matrix = f->dense + (f->by_receiver ? (size_t)i * ftl_linear_dense_size(linear) : 0);
  for (int q = 0; q < f->dense_path[p]; q++)
    matrix += linear->in.b[linear->path[q].in].mul * linear->out.b[linear->path[q].out].mul;
  const int weight0 =
      linear->path[f->dense_path[p]].in * mul; /* path k writes mid block k and owns weights k * mul .. */
  memset(f->folded, 0, (size_t)class_->pad * (size_t)out->mul * sizeof *f->folded);
  for (int k = 0; k < class_->n_radial; k++) {
    const double *tk = f->t + (size_t)class_index * table_size(f) + (size_t)k * (size_t)f->radial->n_weights + weight0;
    double *row = f->folded + (size_t)k * (size_t)out->mul;
    for (int c = 0; c < mul; c++) {
      double factor = tk[c] * f->u[j * mul + c];
      for (int o = 0; o < out->mul; o++) row[o] += factor * matrix[(size_t)c * (size_t)out->mul + (size_t)o];
    }
  }
  for (int k = 0; k < class_->pad; k++)
    for (int o = 0; o < out->mul; o++)
      f->turn[(size_t)o * (size_t)class_->pad + (size_t)k] = f->folded[(size_t)k * (size_t)out->mul + (size_t)o];
  ftl_pack_panels(f->folded, class_->pad, out->mul, out->pad, model->lanes,
                  f->v + first->v_offset[ij * first->n_paths + p]);
  ftl_pack_panels(f->turn, out->mul, class_->pad, class_->pad, model->lanes,
                  f->vt + first->vt_offset[ij * first->n_paths + p]);
}

static ftl_status pack(const ftl_model *model, const ftl_source *source, const folding *f, ftl_first_layer *first,
                       ftl_error *error) {
  double *all = calloc(f->phi_size + 1, sizeof *all);
  for (int c = 0; c < model->n_classes && all; c++)
    memcpy(all + first->class_[c].phi_offset, f->phi[c], phi_numbers(model, c) * sizeof *all);
  first->phi = all ? ftl_pack(model, all, f->phi_size) : NULL;
  first->v = ftl_pack(model, f->v, f->v_size);
  first->v_transpose = ftl_pack(model, f->vt, f->vt_size);
  free(all);
  if (f->by_channel) first->by_channel = ftl_pack(model, f->by_channel, f->by_channel_size);
  if (first->phi && first->v && first->v_transpose && !first->by_channel == !f->by_channel) return FTL_OK;
  return ftl_no_memory(error, source->path, "the first layer");
}

ftl_status ftl_prepare_first(ftl_model *model, const ftl_source *source, const ftl_radial *radial,
                             const ftl_feature_tables *tables, const ftl_irreps *message, ftl_error *error) {
  const ftl_layer *layer = &model->arch.layer[0];
  ftl_first_layer *first = &model->layer[0].first_layer;
  folding f = {.radial = radial};
  ftl_conv_paths paths;
  int n_species_linear = 0;
  FTL_TRY(ftl_conv_paths_make(&layer->edge, &model->arch.sh, &layer->target, &paths, error));
  ftl_status status =
      ftl_message_linear(model, source, 0, &paths.mid, message, &f.linear, &f.dense, &n_species_linear, error);
  f.by_receiver = n_species_linear > 0;
  if (!status && !(f.u = first_sender_features(model, source, error))) status = FTL_ERR_FORMAT;
  if (!status) status = choose_paths(source, &f, first, error);
  if (!status) status = make_phi(model, source, tables, &f, error);
  if (!status) status = place_tables(model, source, &f, first, error);
  if (!status) status = choose_by_channel(model, source, &f, first, error);
  for (int ij = 0; ij < model->n_species * model->n_species && !status; ij++)
    if (same_first_table(model, f.by_receiver, ij) == ij)
      for (int p = 0; p < first->n_paths; p++) {
        fold_table(model, &f, first, ij, p);
        if (f.by_channel) tabulate_by_channel(model, &f, first, ij, p);
      }
  if (!status) status = pack(model, source, &f, first, error);
  folding_free(&f, model->n_classes);
  return status;
}
