/* What LAMMPS calls differently in the releases that the plugin can be built for, 2 Aug 2023 and later.
   FTL_LAMMPS_HEADERS is the version of its headers, 20250722. */
#ifndef FTL_LAMMPS_VERSIONS_H
#define FTL_LAMMPS_VERSIONS_H

#include <string>

#include "comm.h"
#include "error.h"

namespace LAMMPS_NS {
class Pair;
}

/* Ends the run on all ranks, or from one of them. What is wrong is not a word of the input, which LAMMPS would mark
 * since 22 Jul 2025. */
[[noreturn]] inline void lammps_stop_all(LAMMPS_NS::Error *error, const char *file, int line, const std::string &what) {
#if FTL_LAMMPS_HEADERS >= 20250722
  error->all(file, line, LAMMPS_NS::Error::NOPOINTER, what);
#else
  error->all(file, line, what);
#endif
}

[[noreturn]] inline void lammps_stop_one(LAMMPS_NS::Error *error, const char *file, int line, const std::string &what) {
#if FTL_LAMMPS_HEADERS >= 20250722
  error->one(file, line, LAMMPS_NS::Error::NOPOINTER, what);
#else
  error->one(file, line, what);
#endif
}

/* `size` numbers an atom, which is the pair style's comm_forward. */
inline void lammps_forward_comm(LAMMPS_NS::Comm *comm, LAMMPS_NS::Pair *pair, int size) {
#if FTL_LAMMPS_HEADERS >= 20250722
  comm->forward_comm(pair, size);
#else
  (void)size;
  comm->forward_comm(pair);
#endif
}

#endif
