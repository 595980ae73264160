/* The product's tries: index lists that do not depend on weights. */
#include <stdio.h>
#include <stdlib.h>

#include "gradient/network.h"
#include "base/error.h"

static ftl_status prepare_output(const ftl_network *network, int t, int b, int m, const ftl_product *product,
                                 ftl_product_output *output, ftl_error *error) {
  output->block = b;
  output->m = m;
  ftl_status status =
      ftl_contraction_terms_make(network->source, t, b, m, product->n_components, &output->terms, error);
  FTL_TRY(status);
  for (int d = 0; d < network->arch->layer[t].correlation; d++) {
    output->first_node[d] = output->n_nodes;
    output->n_nodes += output->terms.level[d].n;
    if (output->terms.level[d].n) output->n_depth = d + 1;
    output->weight[d] = ftl_network_offset(network, NULL, "%s", output->terms.weights[d]->name);
  }
  return FTL_OK;
}

ftl_status ftl_product_prepare(const ftl_network *network, int t, ftl_product *product, ftl_error *error) {
  const ftl_layer *spec = &network->arch->layer[t];
  product->in = spec->target;
  product->out = spec->product;
  product->n_sets = spec->agnostic_product ? 1 : network->arch->n_elements;
  product->channels = spec->target.block[0].mul;
  product->n_chunks = (product->channels + network->lanes - 1) / network->lanes;
  for (int b = 0; b < spec->target.n; b++)
    for (int m = 0; m < ftl_block_dim(&spec->target, b); m++) {
      if (product->n_components == FTL_MAX_SH)
        return ftl_fail(error, FTL_ERR_UNSUPPORTED, network->source->path,
                        "the product of layer %d takes more than %d components", t, FTL_MAX_SH);
      product->component_block[product->n_components] = b;
      product->component_m[product->n_components++] = m;
    }
  for (int b = 0; b < spec->product.n; b++) product->n_outputs += ftl_block_dim(&spec->product, b);
  product->output = calloc((size_t)product->n_outputs, sizeof *product->output);
  if (!product->output) return ftl_no_memory(error, network->source->path, "the product");
  int o = 0;
  for (int b = 0; b < spec->product.n; b++)
    for (int m = 0; m < ftl_block_dim(&spec->product, b); m++, o++) {
      FTL_TRY(prepare_output(network, t, b, m, product, &product->output[o], error));
      product->output[o].offset = product->nodes;
      product->nodes += (size_t)product->output[o].n_nodes;
      for (int d = 0; d < spec->correlation; d++)
        ftl_network_offset(network, &product->trained, "%s", product->output[o].terms.weights[d]->name);
    }
  size_t numbers = (size_t)product->n_sets * (size_t)product->n_chunks * product->nodes * (size_t)network->lanes;
  product->coefficient = ftl_calloc64(numbers * (network->precision == FTL_DOUBLE ? 8 : 4) + 64);
  if (product->coefficient) return FTL_OK;
  return ftl_no_memory(error, network->source->path, "the product");
}

void ftl_product_free(ftl_product *product) {
  for (int o = 0; product->output && o < product->n_outputs; o++) ftl_contraction_terms_free(&product->output[o].terms);
  free(product->output);
  free(product->coefficient);
}
