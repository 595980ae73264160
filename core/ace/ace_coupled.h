/* PACE potentials: densities as a quadratic form of coupled products (ftl_ace_coupled), atoms of the block in lanes. In
   float64 in every build (ace_products.h). */
#ifndef FTL_KERNEL_ACE_COUPLED_H
#define FTL_KERNEL_ACE_COUPLED_H

#include "ace/ace_products.h"

/* The block's atoms of one number are in so many registers. */
enum { ACE_PACKS = ACE_ATOMS / DOUBLE_LANES };

FTL_INLINE double *ace_place(double *numbers, int place) { return numbers + (size_t)place * ACE_ATOMS; }

static void ace_channels_in(const ftl_ace_coupled *program, const double *a, int stride, double *x) {
  for (int k = 0; k < program->n_channels; k++) {
    const ftl_ace_channel *channel = &program->channel[k];
    const double *from = a + (size_t)channel->entry * ACE_ATOMS;
    double *to = ace_place(x, channel->place);
    ace_store(to, ace_load(from));
    for (int c = 1; c < 2 * channel->l + 1; c++)
      ace_store(to + c * ACE_ATOMS, M_SQRT2 * ace_load(from + c * stride * ACE_ATOMS));
  }
}

static void ace_channels_out(const ftl_ace_coupled *program, const double *adjoint, int stride, double *a_adjoint) {
  for (int k = 0; k < program->n_channels; k++) {
    const ftl_ace_channel *channel = &program->channel[k];
    const double *from = adjoint + (size_t)channel->place * ACE_ATOMS;
    double *to = a_adjoint + (size_t)channel->entry * ACE_ATOMS;
    ace_store(to, ace_load(from));
    for (int c = 1; c < 2 * channel->l + 1; c++)
      ace_store(to + c * stride * ACE_ATOMS, M_SQRT2 * ace_load(from + c * ACE_ATOMS));
  }
}

/* What a batch does: z = (x, y) by a coupling's list, or z += it, as products of a batch may share what they add to; x
   or y may be the same for all. */
typedef enum { ACE_SET, ACE_SET_OF_ONE_X, ACE_ADD, ACE_ADD_OF_ONE_Y } ace_couple_mode;

FTL_INLINE void ace_couple(const ftl_ace_coupling *list, const double *const *x, const double *const *y,
                           double *const *z, const int n, const ace_couple_mode mode) {
  const double *c = list->c;
  for (int part = 0; part < ACE_ATOMS; part += DOUBLE_LANES) {
    const ftl_ace_coupling_term *term = list->term;
    int q = 0;
    for (int r = 0; r < list->n_rows; r++) {
      vec_double sum[FTL_ACE_BATCH];
      for (int b = 0; b < n; b++) sum[b] = (vec_double){0};
      for (; q < list->first[r + 1]; q++) {
        const int at_x = term[q].a * ACE_ATOMS + part, at_y = term[q].b * ACE_ATOMS + part;
        if (mode == ACE_SET_OF_ONE_X) {
          const vec_double one = c[q] * load_double(x[0] + at_x);
          for (int b = 0; b < n; b++) sum[b] += one * load_double(y[b] + at_y);
        } else if (mode == ACE_ADD_OF_ONE_Y) {
          const vec_double one = c[q] * load_double(y[0] + at_y);
          for (int b = 0; b < n; b++) sum[b] += one * load_double(x[b] + at_x);
        } else {
          for (int b = 0; b < n; b++) sum[b] += c[q] * load_double(x[b] + at_x) * load_double(y[b] + at_y);
        }
      }
      for (int b = 0; b < n; b++) {
        double *to = z[b] + r * ACE_ATOMS + part;
        if (mode == ACE_ADD || mode == ACE_ADD_OF_ONE_Y) sum[b] += load_double(to);
        store_double(to, sum[b]);
      }
    }
  }
}

#define ACE_COUPLE(n, mode)                                                                                            \
  case (n)*4 + (mode):                                                                                                 \
    ace_couple(list, x, y, z, n, mode);                                                                                \
    break;
#define ACE_COUPLES(n)                                                                                                 \
  ACE_COUPLE(n, ACE_SET) ACE_COUPLE(n, ACE_SET_OF_ONE_X) ACE_COUPLE(n, ACE_ADD) ACE_COUPLE(n, ACE_ADD_OF_ONE_Y)

static void ace_couple_any(const ftl_ace_coupling *list, const double *const *x, const double *const *y,
                           double *const *z, int n, ace_couple_mode mode) {
  switch (n * 4 + (int)mode) {
    ACE_COUPLES(1)
    ACE_COUPLES(2)
    ACE_COUPLES(3)
    ACE_COUPLES(4)
  }
}

static void ace_couplings_forward(const ftl_ace *ace, const ftl_ace_coupled *program, double *numbers) {
  for (int k = 0; k < program->n_batches; k++) {
    const ftl_ace_coupling_batch *batch = &program->batch[k];
    const double *x[FTL_ACE_BATCH], *y[FTL_ACE_BATCH];
    double *z[FTL_ACE_BATCH];
    for (int b = 0; b < batch->n; b++) {
      x[b] = ace_place(numbers, batch->x[b]);
      y[b] = ace_place(numbers, batch->y[b]);
      z[b] = ace_place(numbers, batch->z[b]);
    }
    ace_couple_any(&ace->couplings.kind[batch->kind].way[FTL_ACE_TO_PRODUCT], x, y, z, batch->n,
                   batch->shared ? ACE_SET_OF_ONE_X : ACE_SET);
  }
}

static void ace_couplings_reverse(const ftl_ace *ace, const ftl_ace_coupled *program, double *numbers,
                                  double *adjoint) {
  for (int k = program->n_batches - 1; k >= 0; k--) {
    const ftl_ace_coupling_batch *batch = &program->batch[k];
    const ftl_ace_coupling *way = ace->couplings.kind[batch->kind].way;
    const double *x[FTL_ACE_BATCH], *y[FTL_ACE_BATCH], *g[FTL_ACE_BATCH];
    double *x_adjoint[FTL_ACE_BATCH], *y_adjoint[FTL_ACE_BATCH];
    for (int b = 0; b < batch->n; b++) {
      x[b] = ace_place(numbers, batch->x[b]);
      y[b] = ace_place(numbers, batch->y[b]);
      g[b] = ace_place(adjoint, batch->z[b]);
      x_adjoint[b] = ace_place(adjoint, batch->x[b]);
      y_adjoint[b] = ace_place(adjoint, batch->y[b]);
    }
    ace_couple_any(&way[FTL_ACE_TO_FIRST], g, y, x_adjoint, batch->n, ACE_ADD);
    ace_couple_any(&way[FTL_ACE_TO_SECOND], g, x, y_adjoint, batch->n, batch->shared ? ACE_ADD_OF_ONE_Y : ACE_ADD);
  }
}

/* ---- the form ---- */

/* Registers of a tile's sums: a multiple of ACE_PACKS. */
enum { ACE_FORM_ROOM = 9, ACE_FORM_MOST = FTL_VECTOR_BYTES == 64 ? ACE_FORM_ROOM : 8 };

/* Some registers of a row: adjoint = sum over others y of c y, and the row's part of the densities. */
FTL_INLINE void ace_form_tile(const ftl_ace_form_row *row, const int *other, const double *c, int stride,
                              const double *x, double *const *adjoint, ace_atoms *rho, int first, const int n,
                              const int n_density) {
  vec_double sum[2][ACE_FORM_ROOM], part[2][ACE_PACKS] = {{{0}}};
  for (int p = 0; p < n_density; p++)
    for (int v = 0; v < n; v++) sum[p][v] = (vec_double){0};
  for (int q = 0; q < row->n; q++, c += stride) {
    const double *y = x + (size_t)other[q] * ACE_ATOMS + first * DOUBLE_LANES;
    for (int v = 0; v < n; v++)
      for (int p = 0; p < n_density; p++) sum[p][v] += c[p] * load_double(y + v * DOUBLE_LANES);
  }
  const size_t at = (size_t)row->place * ACE_ATOMS + (size_t)(first * DOUBLE_LANES);
  for (int v = 0; v < n; v++) {
    const vec_double half = 0.5 * load_double(x + at + v * DOUBLE_LANES);
    for (int p = 0; p < n_density; p++) {
      store_double(adjoint[p] + at + v * DOUBLE_LANES, sum[p][v]);
      part[p][v % ACE_PACKS] += half * sum[p][v];
    }
  }
  for (int p = 0; p < n_density; p++)
    for (int v = 0; v < ACE_PACKS; v++) {
      double *to = (double *)&rho[p] + v * DOUBLE_LANES;
      store_double(to, load_double(to) + part[p][v]);
    }
}

#define ACE_FORM_TILE(n_packs)                                                                                         \
  case n_packs:                                                                                                        \
    ace_form_tile(row, other, c, stride, x, adjoint, rho, first, n_packs, n_density);                                  \
    break;

/* All rows, one or two densities at a time. */
FTL_INLINE void ace_form(const ftl_ace_coupled *program, int first_density, int stride, const double *x,
                         double *const *adjoint, ace_atoms *rho, const int n_density) {
  const int *other = program->other;
  const double *c = program->c + first_density;
  const int most = n_density == 1 ? ACE_FORM_MOST : ACE_FORM_MOST / 2 / ACE_PACKS * ACE_PACKS;
  for (int k = 0; k < program->n_rows; k++) {
    const ftl_ace_form_row *row = &program->row[k];
    const int n_packs = row->n_components * ACE_PACKS;
    for (int first = 0, n; first < n_packs; first += n) {
      n = n_packs - first < most ? n_packs - first : most;
      switch (n) {
        ACE_FORM_TILE(1)
        ACE_FORM_TILE(2)
        ACE_FORM_TILE(3)
        ACE_FORM_TILE(4)
        ACE_FORM_TILE(5)
        ACE_FORM_TILE(6)
        ACE_FORM_TILE(7)
        ACE_FORM_TILE(8)
        ACE_FORM_TILE(9)
      }
    }
    other += row->n;
    c += (size_t)row->n * (size_t)stride;
  }
}

/* ---- what a block does ---- */

FTL_INLINE double *ace_adjoint_of(const ftl_ace_coupled *program, double *numbers, int density) {
  return ace_place(numbers, program->n_places * (1 + density));
}

/* Densities, and their derivatives by what the form is of. */
static void ace_coupled_forward(const ftl_ace *ace, const ftl_ace_coupled *program, const double *a, double *numbers,
                                int n_density, ace_atoms *rho) {
  ace_channels_in(program, a, 8 * ace->n_chunks, numbers);
  ace_couplings_forward(ace, program, numbers);
  for (int p = 0; p < n_density; p += 2) {
    double *const adjoint[2] = {ace_adjoint_of(program, numbers, p), ace_adjoint_of(program, numbers, p + 1)};
    if (p + 1 < n_density) ace_form(program, p, n_density, numbers, adjoint, rho + p, 2);
    else ace_form(program, p, n_density, numbers, adjoint, rho + p, 1);
  }
  for (int k = 0; k < program->n_alone; k++)
    for (int p = 0; p < n_density; p++) {
      const ace_atoms c = ace_splat(program->alone_c[k * n_density + p]);
      double *to = ace_place(ace_adjoint_of(program, numbers, p), program->alone[k]);
      rho[p] += c * ace_load(ace_place(numbers, program->alone[k]));
      ace_store(to, ace_load(to) + c);
    }
}

/* dE/dA, with dE/drho in `seed`; of one density its derivative, without a seed. */
static void ace_coupled_reverse(const ftl_ace *ace, const ftl_ace_coupled *program, double *numbers, int n_density,
                                const ace_atoms *seed, double *a_adjoint) {
  double *adjoint = ace_adjoint_of(program, numbers, 0);
  for (int at = 0; at < program->n_places * ACE_ATOMS && n_density > 1; at += DOUBLE_LANES) {
    const double *of_atoms = (const double *)seed + at % ACE_ATOMS;
    vec_double sum = load_double(of_atoms) * load_double(adjoint + at);
    for (int p = 1; p < n_density; p++)
      sum += load_double(of_atoms + p * ACE_ATOMS) * load_double(ace_adjoint_of(program, numbers, p) + at);
    store_double(adjoint + at, sum);
  }
  ace_couplings_reverse(ace, program, numbers, adjoint);
  ace_channels_out(program, adjoint, 8 * ace->n_chunks, a_adjoint);
}

#endif
