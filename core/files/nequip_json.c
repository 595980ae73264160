#include "files/nequip_json.h"

#include <string.h>

#include "base/error.h"
#include "model/traits.h"

static const char *const cutoffs[] = {[FTL_CUTOFF_POLYNOMIAL] = "polynomial", [FTL_CUTOFF_XPLOR] = "xplor"};

json_t *ftl_nequip_to_json(const ftl_architecture *arch) {
  const ftl_nequip *n = &arch->nequip;
  return json_pack("{s:s, s:s, s:[s,s], s:[s,s], s:b, s:b, s:b, s:b, s:b, s:b}", "cutoff", cutoffs[arch->cutoff],
                   "radial_act", ftl_activation_name(n->radial_act), "act_scalar",
                   ftl_activation_name(n->act_scalar[0]), ftl_activation_name(n->act_scalar[1]), "act_gate",
                   ftl_activation_name(n->act_gate[0]), ftl_activation_name(n->act_gate[1]), "biased", (int)n->biased,
                   "raw_harmonics", (int)n->raw_harmonics, "head_embedding", (int)n->head_embedding, "head_up",
                   (int)n->head_up, "head_linear", (int)n->head_linear, "head_readout", (int)n->head_readout);
}

static ftl_status activation(const char *text, const char *key, const char *where, ftl_activation *kind,
                             ftl_error *error) {
  for (int k = 0; k < FTL_N_ACTIVATIONS; k++)
    if (!strcmp(text, ftl_activation_name((ftl_activation)k))) {
      *kind = (ftl_activation)k;
      return FTL_OK;
    }
  return ftl_fail(error, FTL_ERR_UNSUPPORTED, where,
                  "the architecture's %s is \"%.100s\", which this version does not cover", key, text);
}

ftl_status ftl_nequip_from_json(json_t *json, const char *where, ftl_architecture *arch, ftl_error *error) {
  ftl_nequip *n = &arch->nequip;
  const char *cutoff, *act[5];
  static const char *const keys[5] = {"radial_act", "act_scalar", "act_scalar", "act_gate", "act_gate"};
  ftl_activation *const kind[5] = {&n->radial_act, &n->act_scalar[0], &n->act_scalar[1], &n->act_gate[0],
                                   &n->act_gate[1]};
  int flag[6];
  json_error_t found;
  if (json_unpack_ex(json, &found, JSON_STRICT, "{s:s, s:s, s:[s,s!], s:[s,s!], s:b, s:b, s:b, s:b, s:b, s:b}",
                     "cutoff", &cutoff, "radial_act", &act[0], "act_scalar", &act[1], &act[2], "act_gate", &act[3],
                     &act[4], "biased", &flag[0], "raw_harmonics", &flag[1], "head_embedding", &flag[2], "head_up",
                     &flag[3], "head_linear", &flag[4], "head_readout", &flag[5]))
    return ftl_fail(error, FTL_ERR_FORMAT, where, "the architecture in the header is wrong: nequip: %.200s",
                    found.text);
  arch->cutoff = strcmp(cutoff, cutoffs[FTL_CUTOFF_XPLOR]) ? FTL_CUTOFF_POLYNOMIAL : FTL_CUTOFF_XPLOR;
  if (strcmp(cutoff, cutoffs[arch->cutoff]))
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, where,
                    "the architecture's cutoff is \"%.100s\", which this version does not cover", cutoff);
  for (int k = 0; k < 5; k++) {
    ftl_status status = activation(act[k], keys[k], where, kind[k], error);
    if (status) return status;
  }
  n->biased = flag[0];
  n->raw_harmonics = flag[1];
  n->head_embedding = flag[2];
  n->head_up = flag[3];
  n->head_linear = flag[4];
  n->head_readout = flag[5];
  return FTL_OK;
}
