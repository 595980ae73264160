/* A family's engine: what the workspace, the layer-wise calls and the opening of models need of it, and all that they
   know of it. A new engine is a row of this kind in its own folder, named in FTL_FOR_EACH_ENGINE and in engine/open.c,
   and its stages in engine/kernels.c. */
#ifndef FTL_ENGINE_H
#define FTL_ENGINE_H

#include "model/arrays.h"
#include "model/prepared.h"

#define FTL_FOR_EACH_ENGINE(X)  X(mace) X(ace)
#define FTL_ENGINE_NUMBER(name) FTL_ENGINE_##name,
enum { FTL_FOR_EACH_ENGINE(FTL_ENGINE_NUMBER) FTL_N_ENGINES };
#undef FTL_ENGINE_NUMBER

struct ftl_thread;
struct ftl_block;

/* One block of receivers through layer t. */
typedef void ftl_block_stage(ftl_workspace *ws, struct ftl_thread *thread, int t, const struct ftl_block *block);

typedef struct {
  /* Features in, features of the next layer and node energies out. */
  ftl_block_stage *forward;
  /* Its reverse, at any later time: adds to the adjoints of the layer's input features and to the edge forces; of node
     energies it changes none. */
  ftl_block_stage *reverse;
  /* Of the last layer: forward and reverse at once, with what the one leaves in the scratch for the other. */
  ftl_block_stage *last;
} ftl_block_stages;

typedef struct ftl_engine {
  int number; /* of its stages in ftl_kernels */
  bool ace;   /* ftl_model_info.ace */
  /* Opens the file if it is this engine's to open, which *mine says. */
  ftl_status (*open)(const char *path, const ftl_open_options *options, bool *mine, ftl_model **model,
                     ftl_error *error);
  void (*free)(ftl_model *model); /* its tables; also of a model that failed to open */
  ftl_status (*arrays)(ftl_model *model, ftl_arrays *arrays, ftl_error *error); /* lists them: model/arrays.h */
  /* A thread's scratch. What scratch_new leaves after a failure is scratch_free's; that takes NULL. */
  ftl_status (*scratch_new)(const ftl_model *model, void **scratch, ftl_error *error);
  bool (*scratch_edges)(const ftl_model *model, void *scratch, size_t n_edges); /* room for a block with so many */
  size_t (*scratch_bytes)(const void *scratch);
  void (*scratch_free)(void *scratch);
} ftl_engine;

extern const ftl_engine ftl_mace_engine, ftl_ace_engine;

#endif
