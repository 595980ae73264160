/* The irreps of each layer, by sevenn's rules (model_build.py). */
#include <stdlib.h>
#include <string.h>

#include "files/sevennet_reader.h"
#include "model/traits.h"

/* All products of features and harmonics. */
static bool all_products(const ftl_irreps *features, const ftl_irreps *sh, ftl_irreps *products) {
  products->n = 0;
  for (int i = 0; i < features->n; i++)
    for (int j = 0; j < sh->n; j++) {
      const ftl_irrep *a = &features->block[i], *b = &sh->block[j];
      for (int l = abs(a->l - b->l); l <= a->l + b->l; l++)
        if (!ftl_irreps_merge(products, (ftl_irrep){a->mul, l, a->p * b->p})) return false;
    }
  return true;
}

static int max_l(const ftl_irreps *irreps) {
  int l = 0;
  for (int k = 0; k < irreps->n; k++)
    if (irreps->block[k].l > l) l = irreps->block[k].l;
  return l;
}

/* Those up to l, and even ones only where it is asked for. */
static ftl_irreps up_to(const ftl_irreps *irreps, int l, bool even) {
  ftl_irreps kept = {0};
  for (int k = 0; k < irreps->n; k++)
    if (irreps->block[k].l <= l && (!even || irreps->block[k].p == 1)) kept.block[kept.n++] = irreps->block[k];
  return kept;
}

static ftl_status manual_irreps(const ftl_sevennet *s, const ftl_py *manual, int k, ftl_irreps *irreps) {
  const ftl_py *item = ftl_py_item(manual, (size_t)k);
  char text[256];
  if (!item || item->kind != FTL_PY_STRING || item->u.text.size >= sizeof text)
    return ftl_sevennet_bad(s, FTL_ERR_FORMAT, "entry %d of irreps_manual is not the text of irreps", k);
  memcpy(text, item->u.text.data, item->u.text.size);
  text[item->u.text.size] = 0;
  if (ftl_irreps_parse(text, irreps, NULL))
    return ftl_sevennet_bad(s, FTL_ERR_FORMAT, "entry %d of irreps_manual, \"%s\", are no irreps", k, text);
  /* e3nn's gate writes scalars first whatever the order here, and sevenn's next layer reads by this order. */
  for (int b = 1; b < irreps->n; b++)
    if (irreps->block[b].l == 0 && irreps->block[b - 1].l > 0)
      return ftl_sevennet_bad(s, FTL_ERR_UNSUPPORTED,
                              "entry %d of irreps_manual, \"%s\", has scalars behind others: sevenn's layers mistake "
                              "their features for each other then, and the model is not equivariant",
                              k, text);
  return FTL_OK;
}

ftl_status ftl_sevennet_layers(ftl_sevennet *s, int lmax_node, int channel, const ftl_py *manual) {
  ftl_architecture *arch = &s->reader->source->arch;
  ftl_irreps features = {1, {{channel, 0, 1}}}, products;
  ftl_status status;
  if (manual && ftl_py_length(manual) != (size_t)arch->n_layers + 1)
    return ftl_sevennet_bad(s, FTL_ERR_FORMAT, "irreps_manual has %zu entries, but there are %d layers",
                            ftl_py_length(manual), arch->n_layers);
  if (manual && (status = manual_irreps(s, manual, 0, &features))) return status;
  for (int t = 0; t < arch->n_layers; t++) {
    ftl_layer *layer = &arch->layer[t];
    const bool last = t == arch->n_layers - 1;
    if (!all_products(&features, &arch->sh, &products))
      return ftl_sevennet_bad(s, FTL_ERR_UNSUPPORTED, "layer %d has more than %d irreps", t, FTL_MAX_BLOCKS);
    ftl_irreps out = up_to(&products, last ? 0 : lmax_node, last);
    for (int k = 0; k < out.n; k++) out.block[k].mul = channel;
    if (manual && (status = manual_irreps(s, manual, t + 1, &out))) return status;
    layer->kind = FTL_INTERACTION_GATED;
    layer->node_feats = layer->edge = features;
    layer->target = up_to(&products, max_l(&out), last);
    layer->hidden = layer->product = out;
    layer->avg_num_neighbors = 1;
    layer->use_sc = true;
    features = out;
  }
  return FTL_OK;
}
