/* Windows into the kernels, for each instruction set and number type, and into the trainer's sweeps: what a layer
   makes, operation by operation. kernel_probe.c and sweep_probe.c include the bodies that the product compiles. */
#ifndef FTL_OPERATION_PROBE_H
#define FTL_OPERATION_PROBE_H

#include "base/isa.h"
#include "engine/workspace.h"
#include "model/kernels.h"
#include "model/operations.h"

/* Features of all atoms [n][dim] as the reference has them (mul_ir: channel slow, m fast); NULL: not wanted. */
typedef struct {
  double *x[FTL_N_FEATURES], *d[FTL_N_FEATURES];
} probe_features;

typedef struct {
  /* One block of receivers through layer t, as ftl_kernels.forward; the rows of its atoms in target, product, output,
     and in `up` what the next layer's neighbours send. */
  void (*forward)(ftl_workspace *ws, int t, const ftl_block *block, probe_features *out, double *up);
  /* From d[OUTPUT] of the block's atoms to d of product, target, message (with a gate) and, in later layers, sum. */
  void (*reverse)(ftl_workspace *ws, int t, const ftl_block *block, probe_features *in_out);
  /* How many numbers a transpose of lanes and sums of lanes (math/real.h) get wrong: 0. */
  int (*lanes)(void);
} kernel_probe;

/* The features of layer t after a prediction with derivatives, whatever the instruction set. */
typedef void sweep_features(const void *sweep, int t, probe_features *out);
sweep_features sweep_features_f64, sweep_features_f32;

#define DECLARE_PROBES(isa) extern const kernel_probe kernel_probe_##isa##_f64, kernel_probe_##isa##_f32;
FTL_FOR_EACH_ISA(DECLARE_PROBES)

#endif
