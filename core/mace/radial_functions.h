/* The radial functions of a layer as MACE defines them, one distance at a time in double: basis, cutoff, distance
   transform, MLP. Slow and only used while preparing: the stages read the piecewise polynomials fitted to them. */
#ifndef FTL_RADIAL_FUNCTIONS_H
#define FTL_RADIAL_FUNCTIONS_H

#include "mace/edge_basis.h"
#include "model/prepared.h"

#define FTL_MAX_MLP_LAYERS 16

/* e3nn FullyConnectedNet or MACE's RadialMLP (Linear, LayerNorm, SiLU) with normalisations folded into the weights. */
typedef struct {
  int n_layers;
  int width[FTL_MAX_MLP_LAYERS + 1];
  double *weight[FTL_MAX_MLP_LAYERS];      /* [in][out] */
  double *bias[FTL_MAX_MLP_LAYERS];        /* [out] or NULL */
  double *norm_weight[FTL_MAX_MLP_LAYERS]; /* LayerNorm after layer i, or NULL */
  double *norm_bias[FTL_MAX_MLP_LAYERS];
  ftl_activation act;
  double act_cst; /* factor after it */
} ftl_mlp;

typedef struct {
  const ftl_model *model;
  ftl_edge_basis basis;
  int n_embedding; /* channels of source and target embeddings; 0 without */
  double *source;  /* [n_species][n_embedding] */
  double *target;  /* likewise */
  ftl_mlp mlp;
  bool has_density;
  ftl_mlp density;
  int n_features;        /* of the MLP's last hidden layer, plus one for its bias */
  int n_weights;         /* outputs of the MLP */
  double *matrix;        /* [n_features][n_weights]: weights = features . matrix */
  double *input, *slope; /* scratch */
  double *scratch[2];
} ftl_radial;

ftl_status ftl_radial_make(const ftl_model *model, const ftl_source *source, int t, ftl_radial *radial,
                           ftl_error *error);
void ftl_radial_free(ftl_radial *radial);

/* features[n_features] for receiver species i, sender species j at distance r. */
void ftl_radial_features(const ftl_radial *radial, int i, int j, double r, double *features);
/* What the edge adds to the receiver's density. */
double ftl_radial_density(const ftl_radial *radial, int i, int j, double r);

#endif
