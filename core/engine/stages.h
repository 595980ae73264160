/* Between the layer-wise interface (stages.c) and the workspace's memory and threads (workspace.c). */
#ifndef FTL_STAGES_H
#define FTL_STAGES_H

#include "engine/workspace.h"

/* Takes a graph in: checks it, shares its atoms among the threads, makes room, zeroes the sums. */
ftl_status ftl_workspace_load(ftl_workspace *ws, const ftl_graph *graph, ftl_error *error);
/* Private rows for the nodes of other threads that this thread's edges reach, grouped by owner. */
bool ftl_slots_make(ftl_workspace *ws, ftl_thread *thread);
/* Before and after a part of a reverse that adds to the adjoints of layer `layer`'s features. */
void ftl_adjoints_clear(ftl_workspace *ws, int layer);
void ftl_adjoints_reduce(ftl_workspace *ws, int layer);
/* ZBL energies and/or forces of the receivers of one thread's blocks begin .. end - 1. */
void ftl_pair_repulsion(ftl_workspace *ws, ftl_thread *thread, int begin, int end, bool energies, bool forces);
/* Collects what threads added to forces of other threads' nodes, and the virial. */
void ftl_forces_collect(ftl_workspace *ws);

#endif
