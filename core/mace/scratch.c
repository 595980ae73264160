#include "mace/scratch.h"

#include <stdlib.h>

#include "base/error.h"
#include "mace/mace.h"

static int largest(int a, int b) { return a > b ? a : b; }

ftl_status ftl_mace_scratch_new(const ftl_model *model, void **scratch, ftl_error *error) {
  ftl_mace_scratch *s = calloc(1, sizeof *s);
  if (!(*scratch = s)) return ftl_no_memory(error, NULL, "a workspace");
  int mid = 0, own = 0, message = 0, out = 0, hidden = 0, sums = 0;
  for (int t = 0; t < model->arch.n_layers; t++) {
    const ftl_prepared_layer *layer = &model->layer[t];
    if (t == 0) sums = model->n_species * model->n_sh * layer->first_layer.max_pad;
    if (t > 0) {
      mid = largest(mid, layer->conv.mid.dim);
      own = largest(own, layer->conv.edge.dim);
    }
    message = largest(message, largest(layer->message.dim, layer->target.dim));
    out = largest(out, layer->out.dim);
    for (int r = 0; r < layer->n_readouts; r++) {
      const ftl_prepared_readout *readout = &layer->readout[r];
      int net = 0;
      for (int k = 0; k <= readout->n_layers; k++) net += 3 * readout->width[k];
      hidden = largest(hidden, largest(net, 4 * readout->n_hidden));
    }
  }
  const int atoms = model->block_atoms;
  struct {
    void **buffer;
    int width, atoms;
  } parts[] = {{&s->sums, sums, FTL_BLOCK_ATOMS},
               {&s->mid, mid, atoms},
               {&s->own, own, atoms},
               {&s->own_adjoint, own, atoms},
               {&s->gate_input, message, atoms},
               {&s->gated, message, atoms},
               {&s->residual, message, atoms},
               {&s->product_input, message, atoms},
               {&s->product, out, atoms},
               {&s->h, out, atoms},
               {&s->h_adjoint, out, atoms},
               {&s->message_adjoint, message, atoms}};
  size_t total = 0, n_parts = sizeof parts / sizeof *parts, bytes[sizeof parts / sizeof *parts];
  for (size_t k = 0; k < n_parts; k++) {
    bytes[k] = ((size_t)parts[k].width * (size_t)parts[k].atoms * (size_t)model->real_bytes + 127) / 64 * 64;
    total += bytes[k];
  }
  s->arena = ftl_calloc64(total);
  s->hidden = calloc((size_t)hidden + 1, sizeof *s->hidden);
  s->slot_of_element = calloc((size_t)model->n_species, sizeof(int));
  s->element_of_slot = calloc((size_t)model->n_species, sizeof(int));
  if (!s->arena || !s->hidden || !s->slot_of_element || !s->element_of_slot)
    return ftl_no_memory(error, NULL, "a workspace");
  char *at = s->arena;
  for (size_t k = 0; k < n_parts; k++) {
    *parts[k].buffer = at;
    at += bytes[k];
  }
  return FTL_OK;
}

bool ftl_mace_scratch_edges(const ftl_model *model, void *scratch, size_t n) {
  ftl_mace_scratch *s = scratch;
  const size_t padded = n + (size_t)model->lanes; /* by vectors of edges */
  int n_m = 1;
  for (int t = 1; t < model->arch.n_layers; t++) n_m = largest(n_m, model->layer[t].conv.n_m);
  s->edge_bytes = n * (sizeof *s->edge + (2 * FTL_MAX_SH + 1) * sizeof(double));
  return ftl_renew(&s->edge, n * sizeof *s->edge) && ftl_renew(&s->Y, n * FTL_MAX_SH * sizeof(double)) &&
         ftl_renew(&s->dY, n * FTL_MAX_SH * sizeof(double)) && ftl_renew(&s->dr, n * sizeof(double)) &&
         ftl_renew(&s->sorted, n * sizeof *s->sorted) && ftl_renew(&s->by_cell, n * sizeof(int)) &&
         ftl_renew(&s->M, padded * (size_t)n_m * (size_t)model->real_bytes) &&
         ftl_renew(&s->dM, padded * (size_t)n_m * (size_t)model->real_bytes);
}

size_t ftl_mace_scratch_bytes(const void *scratch) { return ((const ftl_mace_scratch *)scratch)->edge_bytes; }

void ftl_mace_scratch_free(void *scratch) {
  ftl_mace_scratch *s = scratch;
  if (!s) return;
  free(s->edge);
  free(s->Y);
  free(s->dY);
  free(s->dr);
  free(s->sorted);
  free(s->by_cell);
  free(s->M);
  free(s->dM);
  free(s->slot_of_element);
  free(s->element_of_slot);
  free(s->hidden);
  free(s->arena);
  free(s);
}
