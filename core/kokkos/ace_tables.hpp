/* The tables of a PACE potential (ace/ace.h) in the memory of a space: the same structs, with pointers into that
 * memory. */
#ifndef FROZENTL_KOKKOS_ACE_TABLES_HPP
#define FROZENTL_KOKKOS_ACE_TABLES_HPP

#include "kokkos/blocks.hpp"
#include "kokkos/loops.hpp"

extern "C" {
#include "ace/ace.h"
#include "ace/functions.h"
}

#include <algorithm>

namespace frozentl {

/* Atoms of a block go through the products together: a vector of a host, the lanes of a warp. */
template <class Space, bool Host = on_host<Space>> struct AceAtoms {
  using Pack = double;
  static constexpr int width = 1, block = 32;
};
template <class Space> struct AceAtoms<Space, true> {
#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)
  using Pack = double; /* simd.hpp */
#else
  typedef double Pack __attribute__((vector_size(64)));
#endif
  static constexpr int width = static_cast<int>(sizeof(Pack) / sizeof(double)), block = 8;
};

template <class Space, class Real> class AceUpload {
public:
  AceUpload(const ftl_model *model, Store<Space> &to) : store(to), from(*model->ace) {
    std::vector<ftl_ace_table> tables(from.table, from.table + from.n_tables);
    std::vector<ftl_ace_element> elements(from.element, from.element + from.n_species);
    std::vector<ftl_ace_pair> pairs(from.pair, from.pair + from.n_species * from.n_species);
    for (ftl_ace_table &table : tables) table.row = rows(table);
    const ftl_ace_table *const table = store.upload("tables", tables);
    for (ftl_ace_pair &pair : pairs) {
      if (pair.mix)
        pair.mix = upload("radial coefficients", static_cast<const Real *>(pair.mix),
                          size(from.n_out - from.n_direct) * size(pair.table->n_functions));
      if (pair.core)
        pair.core = reinterpret_cast<double(*)[2]>(upload("core", pair.core[0], 2 * (size(pair.n_core) + 1)));
      pair.table = table + (pair.table - from.table);
    }
    for (ftl_ace_element &element : elements) element.program = programs(element);
    ftl_ace ace = from;
    ace.table = const_cast<ftl_ace_table *>(table);
    ace.pair = upload("pairs", pairs.data(), pairs.size());
    ace.element = upload("elements", elements.data(), elements.size());
    uploaded = store.upload("potential", &ace, 1);
  }
  const ftl_ace *ace() const { return uploaded; }

private:
  static std::size_t size(int n) { return static_cast<std::size_t>(n); }
  template <class T> T *upload(const char *name, const T *data, std::size_t n) {
    return const_cast<T *>(store.upload(name, data, n)); /* the structs are those of the C core, which fills them */
  }
  void *rows(const ftl_ace_table &table) {
    return upload("radial functions", static_cast<const Real *>(table.row),
                  (size(table.n_bins) + 1) * (16 / sizeof(Real)) * size(table.pad));
  }
  ftl_ace_program *programs(const ftl_ace_element &element) {
    std::vector<ftl_ace_program> list(element.program, element.program + element.n_programs);
    for (ftl_ace_program &program : list) {
      std::size_t n = size(program.n_alone);
      for (int k = 0; k < program.n_nodes; k++) n += size(program.node[k].n_leaves);
      program.node = upload("products", program.node, size(program.n_nodes));
      program.leaf = upload("products", program.leaf, n);
      program.leaf_c = upload("products", program.leaf_c, n * (size(element.embedding.n_density) + 1));
    }
    return upload("products", list.data(), list.size());
  }

  Store<Space> &store;
  const ftl_ace &from;
  const ftl_ace *uploaded = nullptr;
};

/* How many blocks to compute together: as many as keep a device busy; on a host, few enough for the caches. */
template <class Space> std::size_t ace_blocks_together(std::size_t bytes_of_block, std::size_t n_blocks) {
  const std::size_t n_threads = static_cast<std::size_t>(Space().concurrency());
  const std::size_t room = on_host<Space> ? n_threads << 20 : std::size_t(1) << 31;
  const std::size_t least = on_host<Space> ? 2 * n_threads : 1;
  return std::min(std::max(room / bytes_of_block, least), n_blocks);
}

/* Receivers of a batch: block number `begin + item / atoms of a block`, and its atom `item % atoms`. */
struct AceBatch {
  const Block *block;
  const int *order;
  int begin;

  /* The receiver of an item, or -1: blocks need not be full. */
  KOKKOS_INLINE_FUNCTION int receiver(int item, int block_atoms, int *species) const {
    const Block &b = block[begin + item / block_atoms];
    const int k = item % block_atoms;
    *species = b.species;
    return k < b.n ? order[b.first + k] : -1;
  }
};

/* Rows of A, and of dE/dA: [block][entry][atom], with room for the imaginary part of the last entry, which is read and
   multiplied by 0 if it has none. */
struct AceSums {
  double *data;
  std::size_t block_stride;
  int block_atoms;
  KOKKOS_INLINE_FUNCTION double *of_block(int b) const { return data + static_cast<std::size_t>(b) * block_stride; }
  KOKKOS_INLINE_FUNCTION double *of_item(int item) const { return of_block(item / block_atoms) + item % block_atoms; }
};

/* A few numbers of each atom of a batch: [block][number][atom]. */
struct AceNumbers {
  double *data;
  int block_atoms;
  KOKKOS_INLINE_FUNCTION double &at(int item, int k) const {
    return data[(static_cast<std::size_t>(item / block_atoms) * FTL_ACE_MAX_DENSITY + static_cast<std::size_t>(k)) *
                    block_atoms +
                item % block_atoms];
  }
};

} // namespace frozentl

#endif
