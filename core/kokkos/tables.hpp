/* The prepared tables of a model (model/prepared.h) in the memory of a space: the same numbers and index lists,
   copied as they are. Kernels see them as plain pointers, which a Store keeps alive. */
#ifndef FROZENTL_KOKKOS_TABLES_HPP
#define FROZENTL_KOKKOS_TABLES_HPP

/* Before the core's headers: their small functions are compiled for the device too. */
#include <Kokkos_Core.hpp>
#define FTL_FUNCTION KOKKOS_INLINE_FUNCTION

#include "kokkos/evaluator.hpp"

extern "C" {
#include "model/engine.h"
#include "math/zbl.h"
#include "math/harmonics.h"
}

#include <cstring>
#include <string>
#include <vector>

namespace frozentl {

/* Owns arrays in the space's memory. */
template <class Space> class Store {
public:
  template <class T> T *reserve(const char *name, std::size_t n) {
    Array<char *, Space> memory(Kokkos::view_alloc(std::string("frozentl:") + name, Kokkos::WithoutInitializing),
                                n * sizeof(T) + 64);
    kept.push_back(memory);
    held += n * sizeof(T) + 64;
    return reinterpret_cast<T *>(memory.data());
  }
  template <class T> const T *upload(const char *name, const T *from, std::size_t n) {
    T *to = reserve<T>(name, n);
    if (n > 0)
      Kokkos::deep_copy(Array<char *, Space>(kept.back().data(), n * sizeof(T)),
                        Kokkos::View<const char *, Kokkos::LayoutRight, Kokkos::HostSpace>(
                            reinterpret_cast<const char *>(from), n * sizeof(T)));
    return to;
  }
  template <class T> const T *upload(const char *name, const std::vector<T> &from) {
    return upload(name, from.data(), from.size());
  }
  void clear() {
    kept.clear();
    held = 0;
  }
  std::size_t bytes() const { return held; }

private:
  std::vector<Array<char *, Space>> kept;
  std::size_t held = 0;
};

/* A buffer that grows. */
template <class Space> class Buffer {
public:
  template <class T> T *reserve(const char *name, std::size_t n) {
    if (n * sizeof(T) > memory.extent(0)) {
      memory = Array<char *, Space>(); /* first: there may not be room for both */
      memory = Array<char *, Space>(Kokkos::view_alloc(std::string("frozentl:") + name, Kokkos::WithoutInitializing),
                                    n * sizeof(T));
    }
    return reinterpret_cast<T *>(memory.data());
  }
  template <class T> T *data() const { return reinterpret_cast<T *>(memory.data()); }
  std::size_t bytes() const { return memory.extent(0); }

private:
  Array<char *, Space> memory;
};

inline ftl_status fail(ftl_error *error, ftl_status code, const std::string &where, const std::string &message) {
  if (error) {
    error->code = code;
    std::strncpy(error->message, message.c_str(), sizeof error->message - 1);
    error->message[sizeof error->message - 1] = 0;
    std::strncpy(error->where, where.c_str(), sizeof error->where - 1);
    error->where[sizeof error->where - 1] = 0;
  }
  return code;
}

} // namespace frozentl

#endif
