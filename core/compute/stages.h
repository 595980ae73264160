/* Between the layer-wise interface (stages.c) and the workspace's memory and threads (workspace.c). */
#ifndef FTL_STAGES_H
#define FTL_STAGES_H

#include "compute/workspace.h"

/* Takes a graph in: checks it, shares its atoms among the threads, makes room, zeroes the sums. */
ftl_status ftl_workspace_load(ftl_workspace *ws, const ftl_graph *graph, ftl_error *error);
/* Before and after a reverse that adds to the adjoints of layer `layer`'s features. */
void ftl_adjoints_clear(ftl_workspace *ws, int layer);
void ftl_adjoints_reduce(ftl_workspace *ws, int layer);
/* ZBL energies and edge forces of one thread's receivers. */
void ftl_pair_repulsion(ftl_workspace *ws, const ftl_thread *thread);
/* Forces and virials from the edge forces. */
void ftl_forces(ftl_workspace *ws, ftl_output *output);

#endif
