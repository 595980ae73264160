#include "shared_model.h"

namespace frozentl {

/* All ranks get the text of the first that says `mine`; false when none does. */
static bool from_first(MPI_Comm world, bool mine, ftl_error &text) {
  int me, n;
  MPI_Comm_rank(world, &me);
  MPI_Comm_size(world, &n);
  int first = mine ? me : n;
  MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, world);
  if (first == n) return false;
  MPI_Bcast(&text, sizeof text, MPI_BYTE, first, world);
  return true;
}

std::string sentence(const ftl_error &error) {
  return std::string(error.message) + (*error.where ? std::string(" [") + error.where + "]" : "");
}

Opened open_on_all(MPI_Comm world, const char *path, const ftl_open_options &options) {
  Opened opened{};
  int me = 0, on_node = 1, n;
  MPI_Comm node;
  MPI_Comm_size(world, &n);
  if (n > 1) {
    MPI_Comm_split_type(world, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
    MPI_Comm_rank(node, &me);
    MPI_Comm_size(node, &on_node);
  }

  /* no rank may leave before all have been through the same collective calls */
  ftl_status status = FTL_OK;
  if (me == 0) status = ftl_model_open(path, &options, &opened.model, &opened.failure);
  bool failed = from_first(world, status != FTL_OK, opened.failure);

  ftl_error why{};
  if (!failed && on_node > 1) {
    ftl_shared_model shared{};
    int there = me == 0 && ftl_model_share(&opened.model, &shared, &why) == FTL_OK;
    MPI_Bcast(&there, 1, MPI_INT, 0, node);
    MPI_Bcast(&shared, sizeof shared, MPI_BYTE, 0, node);
    if (me > 0 && !(there && ftl_model_open_shared(&shared, &opened.model, &why) == FTL_OK))
      status = ftl_model_open(path, &options, &opened.model, &opened.failure);
  }
  if (n > 1) MPI_Comm_free(&node);
  if (!failed && from_first(world, *why.message, why))
    opened.warning = "ranks of a node cannot share the potential's tables, and have their own, which takes more "
                     "memory: " +
                     sentence(why);
  if (!failed) failed = from_first(world, status != FTL_OK, opened.failure);
  if (failed) {
    ftl_model_free(opened.model);
    opened.model = nullptr;
  }
  return opened;
}

} // namespace frozentl
