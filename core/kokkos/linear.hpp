/* Linear maps between irreps (ftl_linear, and the folded first layer), a block of receivers at a time: the tables'
   panels are read as the C kernels read them. */
#ifndef FROZENTL_KOKKOS_LINEAR_HPP
#define FROZENTL_KOKKOS_LINEAR_HPP

#include "kokkos/blocks.hpp"
#include "kokkos/loops.hpp"

namespace frozentl {

/* A matrix of one element: [inner][columns] in panels, from `offset` on. */
struct MatrixOf {
  std::size_t offset;
  int inner, columns;
};

/* One irrep block to another: d rows of each receiver times its element's matrix. */
template <class Real> struct Map {
  const Real *weight;
  const MatrixOf *of_species; /* [n_species] */
  int panel;                  /* columns of a full panel */
  int d;
  int in_offset, in_pad, out_offset, out_pad;
  bool first; /* of the maps that write this output */
};

template <class Space, class Real> struct Multiply {
  using lane = Lane<Space, Real>;
  using Pack = typename lane::Pack;
  Map<Real> map;
  Rows<Real> in, out;
  const Block *block;
  int begin, n_groups; /* groups of columns */
  bool add;

  KOKKOS_INLINE_FUNCTION void operator()(const Member<Space> &team, int item, char *) const {
    const int group = item % n_groups, m = item / n_groups % map.d;
    const Block b = block[begin + item / (n_groups * map.d)];
    const MatrixOf matrix = map.of_species[b.species];
    on_lanes(team, lane::lanes, [&](int l) {
      Pack sum[FTL_BLOCK_ATOMS][lane::columns];
      const Real *x[FTL_BLOCK_ATOMS];
      const Real *w[lane::columns];
      int width[lane::columns];
      const int first_pack = group * lane::lanes * lane::columns + l;
      for (int a = 0; a < FTL_BLOCK_ATOMS; a++)
        x[a] = in.row(b.first + (a < b.n ? a : 0)) + map.in_offset + m * map.in_pad;
      bool any = false;
      for (int j = 0; j < lane::columns; j++) {
        const int c = (first_pack + j * lane::lanes) * lane::width;
        const bool inside = c < matrix.columns;
        const int start = inside ? c / map.panel * map.panel : 0;
        width[j] = matrix.columns - start < map.panel ? matrix.columns - start : map.panel;
        w[j] = map.weight + matrix.offset + static_cast<std::size_t>(matrix.inner) * start + (inside ? c - start : 0);
        any |= inside;
        for (int a = 0; a < FTL_BLOCK_ATOMS; a++) sum[a][j] = Pack{};
      }
      if (!any) return;
      for (int k = 0; k < matrix.inner; k++) {
        Pack y[lane::columns];
        for (int j = 0; j < lane::columns; j++) y[j] = load<Pack>(w[j] + static_cast<std::size_t>(k) * width[j]);
        for (int a = 0; a < FTL_BLOCK_ATOMS; a++)
          for (int j = 0; j < lane::columns; j++) sum[a][j] += x[a][k] * y[j];
      }
      for (int j = 0; j < lane::columns; j++) {
        const int c = (first_pack + j * lane::lanes) * lane::width;
        if (c >= matrix.columns) continue;
        for (int a = 0; a < b.n; a++) {
          Real *to = out.row(b.first + a) + map.out_offset + m * map.out_pad + c;
          store(to, add ? load<Pack>(to) + sum[a][j] : sum[a][j]);
        }
      }
    });
  }
};

template <class Real> struct ZeroRows {
  Rows<Real> rows;
  int first, offset, size;
  KOKKOS_INLINE_FUNCTION void operator()(int k) const {
    Real *row = rows.row(first + k / size);
    row[offset + k % size] = 0;
  }
};

/* out (+)= map(in) for a batch. */
template <class Space, class Real>
void multiply(const char *name, const Map<Real> &map, int most_columns, const Rows<Real> &in, const Rows<Real> &out,
              const Block *block, const Batch &batch, bool add) {
  using lane = Lane<Space, Real>;
  const int group = lane::lanes * lane::columns * lane::width, n_groups = (most_columns + group - 1) / group;
  for_items<Space>(name, (batch.end - batch.begin) * map.d * n_groups, 0,
                   Multiply<Space, Real>{map, in, out, block, batch.begin, n_groups, add});
}

template <class Space, class Real> void zero(const Rows<Real> &rows, const Batch &batch, int offset, int size) {
  if (size > 0) for_each<Space>("zero rows", batch.n * size, ZeroRows<Real>{rows, batch.first, offset, size});
}

/* A whole ftl_linear and its transpose. */
template <class Space, class Real> class Linear {
public:
  Linear() = default;
  Linear(const ftl_model *model, const ftl_linear &linear, Store<Space> &store) {
    const bool per_species = linear.stride > 0 || linear.stride_transpose > 0;
    const std::size_t n = per_species ? static_cast<std::size_t>(model->n_species) : 1;
    std::size_t size = linear.stride, size_transpose = linear.stride_transpose;
    for (int p = 0; p < linear.n && !per_species; p++) {
      const ftl_layout_block &i = linear.in.b[linear.path[p].in], &o = linear.out.b[linear.path[p].out];
      size += static_cast<std::size_t>(i.mul) * static_cast<std::size_t>(o.pad);
      size_transpose += static_cast<std::size_t>(o.mul) * static_cast<std::size_t>(i.pad);
    }
    const Real *weight = store.upload("linear", static_cast<const Real *>(linear.weight), n * size);
    const Real *transpose = store.upload("linear", static_cast<const Real *>(linear.transpose), n * size_transpose);
    bool in_done[FTL_MAX_BLOCKS] = {}, out_done[FTL_MAX_BLOCKS] = {};
    for (int p = 0; p < linear.n; p++) {
      const ftl_linear_path &path = linear.path[p];
      const ftl_layout_block &i = linear.in.b[path.in], &o = linear.out.b[path.out];
      std::vector<MatrixOf> down, up;
      for (std::size_t z = 0; z < static_cast<std::size_t>(model->n_species); z++) {
        down.push_back({path.offset + z * linear.stride, i.mul, o.pad});
        up.push_back({path.offset_transpose + z * linear.stride_transpose, o.mul, i.pad});
      }
      const int panel = FTL_PANEL_VECTORS * model->lanes;
      forward_maps.push_back(
          {weight, store.upload("matrices", down), panel, i.d, i.offset, i.pad, o.offset, o.pad, !out_done[path.out]});
      reverse_maps.push_back(
          {transpose, store.upload("matrices", up), panel, i.d, o.offset, o.pad, i.offset, i.pad, !in_done[path.in]});
      in_done[path.in] = out_done[path.out] = true;
    }
    for (int b = 0; b < linear.in.n; b++)
      if (!in_done[b]) in_zero.push_back({linear.in.b[b].offset, linear.in.b[b].d * linear.in.b[b].pad});
    for (int b = 0; b < linear.out.n; b++)
      if (!out_done[b]) out_zero.push_back({linear.out.b[b].offset, linear.out.b[b].d * linear.out.b[b].pad});
  }

  /* Outputs that no path reaches become zero; with add, out += instead. */
  void forward(const char *name, const Rows<Real> &in, const Rows<Real> &out, const Block *block, const Batch &batch,
               bool add) const {
    run(name, forward_maps, out_zero, in, out, block, batch, add);
  }
  void reverse(const char *name, const Rows<Real> &out_adjoint, const Rows<Real> &in_adjoint, const Block *block,
               const Batch &batch, bool add) const {
    run(name, reverse_maps, in_zero, out_adjoint, in_adjoint, block, batch, add);
  }
  /* Path by path, for a convolution that makes its blocks one at a time. */
  const std::vector<Map<Real>> &down() const { return forward_maps; }
  const std::vector<Map<Real>> &up() const { return reverse_maps; }

private:
  struct Part {
    int offset, size;
  };
  static void run(const char *name, const std::vector<Map<Real>> &maps, const std::vector<Part> &unreached,
                  const Rows<Real> &in, const Rows<Real> &out, const Block *block, const Batch &batch, bool add) {
    for (const Map<Real> &map : maps) multiply<Space>(name, map, map.out_pad, in, out, block, batch, add || !map.first);
    if (!add)
      for (const Part &part : unreached) zero<Space>(out, batch, part.offset, part.size);
  }
  std::vector<Map<Real>> forward_maps, reverse_maps;
  std::vector<Part> in_zero, out_zero;
};

} // namespace frozentl

#endif
