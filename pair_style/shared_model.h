/* Opening a potential on all ranks: once on each node. */
#ifndef FTL_PAIR_SHARED_MODEL_H
#define FTL_PAIR_SHARED_MODEL_H

#include "frozentl.h"

#include <mpi.h>
#include <string>

namespace frozentl {

struct Opened {
  ftl_model *model; /* the caller's; null on all ranks if one failed */
  ftl_error failure;
  std::string warning; /* on all ranks alike: why some have tables of their own, where they could be shared */
};

/* Called on all ranks of `world`. The first rank of a node opens the file and shares its model with the others; those
   that cannot have it, for whatever reason, open the file themselves, and compute the same bits. On failure all have
   the same `failure`, that of the first rank that failed. */
Opened open_on_all(MPI_Comm world, const char *path, const ftl_open_options &options);

/* The message, and where. */
std::string sentence(const ftl_error &error);

} // namespace frozentl

#endif
