/* PACE potentials: densities as a quadratic form of coupled products (ftl_ace_coupled), atoms of the block in lanes. In
   the kernel's number type, sums over the form's rows in float64. */
#ifndef FTL_KERNEL_ACE_COUPLED_H
#define FTL_KERNEL_ACE_COUPLED_H

#include "ace/ace_products.h"

/* The block's atoms of one number, in as many vectors as they need; where a vector has room for two numbers, in one of
   half the width. */
#define ACE_PACK_BYTES (FTL_VECTOR_BYTES < ACE_ATOMS * (int)sizeof(real) ? FTL_VECTOR_BYTES : ACE_ATOMS * sizeof(real))
typedef real ace_pack __attribute__((vector_size(ACE_PACK_BYTES), aligned(ACE_PACK_BYTES), may_alias));
enum { ACE_PACK = ACE_PACK_BYTES / sizeof(real), ACE_PACKS = ACE_ATOMS / ACE_PACK };
/* Vectors of one component of the form, and components of one vector. */
enum { ACE_FORM_VECTORS = ACE_ATOMS > LANES ? ACE_ATOMS / LANES : 1, ACE_FORM_SHARE = LANES > ACE_ATOMS ? 2 : 1 };

FTL_INLINE real *ace_place(real *numbers, int place) { return numbers + (size_t)place * ACE_ATOMS; }

/* What pads a product of an odd number of components is read with it. */
FTL_INLINE void ace_clear_pad(real *x, int n_components) {
  if (ACE_FORM_SHARE > 1)
    for (int k = 0; k < ACE_ATOMS; k++) x[n_components * ACE_ATOMS + k] = 0;
}

static void ace_channels_in(const ftl_ace_coupled *program, const double *a, int stride, real *x) {
  for (int k = 0; k < program->n_channels; k++) {
    const ftl_ace_channel *channel = &program->channel[k];
    const double *from = a + (size_t)channel->entry * ACE_ATOMS;
    real *to = ace_place(x, channel->place);
    for (int c = 0; c < 2 * channel->l + 1; c++, from += stride * ACE_ATOMS)
      for (int q = 0; q < ACE_ATOMS; q++) to[c * ACE_ATOMS + q] = (real)(c > 0 ? M_SQRT2 * from[q] : from[q]);
    ace_clear_pad(to, 2 * channel->l + 1);
  }
}

static void ace_channels_out(const ftl_ace_coupled *program, const real *adjoint, int stride, double *a_adjoint) {
  for (int k = 0; k < program->n_channels; k++) {
    const ftl_ace_channel *channel = &program->channel[k];
    const real *from = adjoint + (size_t)channel->place * ACE_ATOMS;
    double *to = a_adjoint + (size_t)channel->entry * ACE_ATOMS;
    for (int c = 0; c < 2 * channel->l + 1; c++, to += stride * ACE_ATOMS)
      for (int q = 0; q < ACE_ATOMS; q++) {
        const double value = (double)from[c * ACE_ATOMS + q];
        to[q] = c > 0 ? M_SQRT2 * value : value;
      }
  }
}

/* z = (x, y) by a coupling's list for a batch of products, or z += it: products of a batch may share what they add to. */
FTL_INLINE void ace_couple(const ftl_ace_coupling *list, const real *const *x, const real *const *y, real *const *z,
                           const int n, const bool add) {
  const real *c = list->c;
  for (int part = 0; part < ACE_ATOMS; part += ACE_PACK) {
    const ftl_ace_coupling_term *term = list->term;
    int q = 0;
    for (int r = 0; r < list->n_rows; r++) {
      ace_pack sum[FTL_ACE_BATCH];
      for (int b = 0; b < n; b++) sum[b] = (ace_pack){0};
      for (; q < list->first[r + 1]; q++) {
        const int at_x = term[q].a * ACE_ATOMS + part, at_y = term[q].b * ACE_ATOMS + part;
        for (int b = 0; b < n; b++) sum[b] += c[q] * *(const ace_pack *)(x[b] + at_x) * *(const ace_pack *)(y[b] + at_y);
      }
      for (int b = 0; b < n; b++) {
        ace_pack *to = (ace_pack *)(z[b] + r * ACE_ATOMS + part);
        if (add) sum[b] += *to;
        *to = sum[b];
      }
    }
  }
}

static void ace_couple_any(const ftl_ace_coupling *list, const real *const *x, const real *const *y, real *const *z,
                           int n, bool add) {
  switch (2 * n + add) {
  case 2: ace_couple(list, x, y, z, 1, false); break;
  case 3: ace_couple(list, x, y, z, 1, true); break;
  case 4: ace_couple(list, x, y, z, 2, false); break;
  case 5: ace_couple(list, x, y, z, 2, true); break;
  case 6: ace_couple(list, x, y, z, 3, false); break;
  case 7: ace_couple(list, x, y, z, 3, true); break;
  case 8: ace_couple(list, x, y, z, 4, false); break;
  case 9: ace_couple(list, x, y, z, 4, true); break;
  }
}

static void ace_couplings_forward(const ftl_ace *ace, const ftl_ace_coupled *program, real *numbers) {
  for (int k = 0; k < program->n_batches; k++) {
    const ftl_ace_coupling_batch *batch = &program->batch[k];
    const ftl_ace_coupling *list = &ace->couplings.kind[batch->kind].way[FTL_ACE_TO_PRODUCT];
    const real *x[FTL_ACE_BATCH], *y[FTL_ACE_BATCH];
    real *z[FTL_ACE_BATCH];
    for (int b = 0; b < batch->n; b++) {
      x[b] = ace_place(numbers, batch->x[b]);
      y[b] = ace_place(numbers, batch->y[b]);
      z[b] = ace_place(numbers, batch->z[b]);
    }
    ace_couple_any(list, x, y, z, batch->n, false);
    for (int b = 0; b < batch->n; b++) ace_clear_pad(z[b], list->n_rows);
  }
}

static void ace_couplings_reverse(const ftl_ace *ace, const ftl_ace_coupled *program, real *numbers, real *adjoint) {
  for (int k = program->n_batches - 1; k >= 0; k--) {
    const ftl_ace_coupling_batch *batch = &program->batch[k];
    const ftl_ace_coupling *way = ace->couplings.kind[batch->kind].way;
    const real *x[FTL_ACE_BATCH], *y[FTL_ACE_BATCH], *g[FTL_ACE_BATCH];
    real *x_adjoint[FTL_ACE_BATCH], *y_adjoint[FTL_ACE_BATCH];
    for (int b = 0; b < batch->n; b++) {
      x[b] = ace_place(numbers, batch->x[b]);
      y[b] = ace_place(numbers, batch->y[b]);
      g[b] = ace_place(adjoint, batch->z[b]);
      x_adjoint[b] = ace_place(adjoint, batch->x[b]);
      y_adjoint[b] = ace_place(adjoint, batch->y[b]);
    }
    ace_couple_any(&way[FTL_ACE_TO_FIRST], g, y, x_adjoint, batch->n, true);
    ace_couple_any(&way[FTL_ACE_TO_SECOND], g, x, y_adjoint, batch->n, true);
  }
}

/* ---- the form ---- */

/* Some vectors of a row: adjoint = sum over others y of c y, and the row's part of the densities. c[p] is `stride`
   apart. */
FTL_INLINE void ace_form_tile(const ftl_ace_form_row *row, const int *other, const real *c, int stride, const real *x,
                              real *const *adjoint, ace_atoms *rho, int first, const int n, const int n_density) {
  vec sum[2][12];
  for (int p = 0; p < n_density; p++)
    for (int v = 0; v < n; v++) sum[p][v] = splat(0);
  for (int q = 0; q < row->n; q++, c += stride) {
    const real *y = x + (size_t)other[q] * ACE_ATOMS + first * LANES;
    for (int v = 0; v < n; v++)
      for (int p = 0; p < n_density; p++) sum[p][v] += c[p] * load(y + v * LANES);
  }
  const size_t at = (size_t)row->place * ACE_ATOMS + (size_t)(first * LANES);
  for (int p = 0; p < n_density; p++) {
    union {
      vec v[ACE_FORM_VECTORS];
      real number[ACE_FORM_VECTORS * LANES];
    } part;
    for (int v = 0; v < ACE_FORM_VECTORS; v++) part.v[v] = splat(0);
    for (int v = 0; v < n; v++) {
      store(adjoint[p] + at + v * LANES, sum[p][v]);
      part.v[v % ACE_FORM_VECTORS] += load(x + at + v * LANES) * sum[p][v];
    }
    for (int a = 0; a < ACE_ATOMS; a++)
      rho[p][a] += 0.5 * (double)(ACE_FORM_SHARE > 1 ? part.number[a] + part.number[a + ACE_ATOMS] : part.number[a]);
  }
}

#define ACE_FORM_TILE(n_vectors)                                                                                       \
  case n_vectors:                                                                                                      \
    ace_form_tile(row, other, c, stride, x, adjoint, rho, first, n_vectors, n_density);                                \
    break;

/* All rows, one or two densities at a time. */
FTL_INLINE void ace_form(const ftl_ace_coupled *program, int first_density, int stride, const real *x,
                         real *const *adjoint, ace_atoms *rho, const int n_density) {
  const int *other = program->other;
  const real *c = (const real *)program->c + first_density;
  const int most = n_density == 1 ? 8 : 4;
  for (int k = 0; k < program->n_rows; k++) {
    const ftl_ace_form_row *row = &program->row[k];
    const int n_vectors = (row->n_components + ACE_FORM_SHARE - 1) / ACE_FORM_SHARE * ACE_FORM_VECTORS;
    for (int first = 0, n; first < n_vectors; first += n) {
      n = n_vectors - first < most ? n_vectors - first : most;
      switch (n) {
        ACE_FORM_TILE(1)
        ACE_FORM_TILE(2)
        ACE_FORM_TILE(3)
        ACE_FORM_TILE(4)
        ACE_FORM_TILE(5)
        ACE_FORM_TILE(6)
        ACE_FORM_TILE(7)
        ACE_FORM_TILE(8)
      }
    }
    other += row->n;
    c += (size_t)row->n * (size_t)stride;
  }
}

/* ---- what a block does ---- */

FTL_INLINE real *ace_adjoint_of(const ftl_ace_coupled *program, real *numbers, int density) {
  return ace_place(numbers, program->n_places * (1 + density));
}

/* Densities, and their derivatives by what the form is of. */
static void ace_coupled_forward(const ftl_ace *ace, const ftl_ace_coupled *program, const double *a, real *numbers,
                                int n_density, ace_atoms *rho) {
  ace_channels_in(program, a, 8 * ace->n_chunks, numbers);
  ace_couplings_forward(ace, program, numbers);
  for (int p = 0; p < n_density; p += 2) {
    real *const adjoint[2] = {ace_adjoint_of(program, numbers, p), ace_adjoint_of(program, numbers, p + 1)};
    if (p + 1 < n_density) ace_form(program, p, n_density, numbers, adjoint, rho + p, 2);
    else ace_form(program, p, n_density, numbers, adjoint, rho + p, 1);
  }
  for (int k = 0; k < program->n_alone; k++)
    for (int p = 0; p < n_density; p++) {
      const double c = program->alone_c[k * n_density + p];
      const real *x = ace_place(numbers, program->alone[k]);
      real *to = ace_adjoint_of(program, numbers, p) + (size_t)program->alone[k] * ACE_ATOMS;
      for (int q = 0; q < ACE_ATOMS; q++) {
        rho[p][q] += c * (double)x[q];
        to[q] += (real)c;
      }
    }
}

/* dE/dA, with dE/drho in `seed`; of one density its derivative, without a seed. */
static void ace_coupled_reverse(const ftl_ace *ace, const ftl_ace_coupled *program, real *numbers, int n_density,
                                const ace_atoms *seed, double *a_adjoint) {
  real *adjoint = ace_adjoint_of(program, numbers, 0);
  for (int place = 0; place < program->n_places && n_density > 1; place++)
    for (int q = 0; q < ACE_ATOMS; q++) {
      real sum = 0;
      for (int p = 0; p < n_density; p++)
        sum += (real)seed[p][q] * ace_adjoint_of(program, numbers, p)[place * ACE_ATOMS + q];
      adjoint[place * ACE_ATOMS + q] = sum;
    }
  ace_couplings_reverse(ace, program, numbers, adjoint);
  ace_channels_out(program, adjoint, 8 * ace->n_chunks, a_adjoint);
}

#endif
