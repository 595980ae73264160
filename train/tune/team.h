/* The threads of a run: each has a sweep over the shared network and its own buffers. Who finds no more structures
   helps with those that others still work on. */
#ifndef FTL_TEAM_H
#define FTL_TEAM_H

#include "tune/graphs.h"
#include "gradient/gradient.h"

typedef struct {
  ftl_sweep *sweep;
  ftl_neighbours scratch;
  ftl_structure_graph loose; /* of a structure whose neighbour list is not kept */
  double *gradient;          /* [parameters->count], of one structure */
  double (*forces)[3];       /* [room] dL/dF */
  size_t room;
} ftl_worker;

typedef struct {
  const ftl_parameters *parameters; /* belongs to the caller, as network */
  ftl_network *network;
  int n;
  ftl_worker *worker; /* [n] */
  ftl_crew *crew;
  bool interrupted; /* an evaluation or a step was left because the network is to stop (ftl_network_watch), on any rank:
                       its status is FTL_ERR_ARGUMENT */
} ftl_team;

/* n >= 1 threads. A zero team may be freed. FTL_ERR_MEMORY. */
ftl_status ftl_team_new(ftl_network *network, const ftl_parameters *parameters, int n, ftl_team *team,
                        ftl_error *error);
void ftl_team_free(ftl_team *team);

/* After a loop over structures, whose own status is `failed`: FTL_OK when all ranks are to go on; all of them are
   interrupted together. An error of one rank alone leaves the others waiting: end them. */
ftl_status ftl_team_agree(ftl_team *team, ftl_status failed, ftl_error *error);

#endif
