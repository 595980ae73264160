#include "parameters/freeze.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "mace/edge_basis.h"
#include "support/distance.h"

/* ---- what a word names ---- */

static bool starts_with(const char *text, const char *start) { return strncmp(text, start, strlen(start)) == 0; }

/* mace-torch counts the modules of a model in this order. What stands between them has nothing to train. A NequIP model
   has more layers and no products: its layers are frozen one after another, from f2 to f6. */
static const struct {
  const char *prefix;
  int mace, nequip;
} levels[] = {{"node_embedding.", 1, 1},
              {"radial_embedding.", 2, 1},
              {"interactions.", 5, 2},
              {"products.", 6, 6},
              {"readouts.", 7, 7}};

static bool is_level(const char *word) { return word[0] == 'f' && word[1] >= '0' && word[1] <= '7' && !word[2]; }

static bool in_level(ftl_family family, const ftl_parameter *p, int level) {
  for (size_t k = 0; k < sizeof levels / sizeof *levels; k++) {
    if (!starts_with(p->name, levels[k].prefix)) continue;
    if (family == FTL_FAMILY_MACE) return level >= levels[k].mace;
    const int layer = starts_with(p->name, "interactions.") ? p->layer : 0;
    return level >= (layer > 4 ? 6 : levels[k].nequip + layer);
  }
  return false;
}

/* "layer0.radial", or "radial" where there are no layers; as frozentl info prints it. */
static void full_name(const ftl_parameter *p, char name[64]) {
  if (p->layer >= 0) snprintf(name, 64, "layer%d.%s", p->layer, ftl_group_name(p->group));
  else snprintf(name, 64, "%s", ftl_group_name(p->group));
}

static bool names(ftl_family family, const char *word, const ftl_parameter *p) {
  char name[64];
  if (is_level(word)) return in_level(family, p, word[1] - '0');
  full_name(p, name);
  if (strcmp(word, name) == 0 || strcmp(word, ftl_group_name(p->group)) == 0) return true;
  name[strcspn(name, ".")] = 0; /* the whole layer */
  if (p->layer >= 0 && p->group != FTL_GROUP_READOUT && strcmp(word, name) == 0) return true;
  return strpbrk(word, ".*?") && fnmatch(word, p->name, 0) == 0;
}

/* E0, scale and shift are fitted to the data, not trained; ZBL and the radial basis stay as they were made, but for
   Bessel's weights where the model has them as parameters. */
static bool trainable(const ftl_parameter *p) {
  return p->group != FTL_GROUP_E0 && p->group != FTL_GROUP_SCALE_SHIFT && p->group != FTL_GROUP_ZBL &&
         (!starts_with(p->name, "radial_embedding.") || strcmp(p->name, FTL_BESSEL_WEIGHTS) == 0);
}

/* ---- words that name nothing ---- */

typedef struct {
  const char *word;
  int least;
  char nearest[128];
} search;

static void consider(search *s, const char *candidate) {
  const int distance = ftl_word_distance(s->word, candidate);
  if (distance >= s->least) return;
  s->least = distance;
  snprintf(s->nearest, sizeof s->nearest, "%s", candidate);
}

static ftl_status unknown(const ftl_parameters *parameters, const char *key, const char *word, ftl_error *error) {
  if (word[0] == 'f' && word[1] && !word[1 + strspn(word + 1, "0123456789")])
    return ftl_fail(error, FTL_ERR_INPUT, key, "'%.80s' is no level of freezing: they go from f0 to f7", word);
  search s = {.word = word, .least = 1000};
  for (int level = 0; level <= 7; level++) consider(&s, (char[3]){'f', (char)('0' + level), 0});
  for (int k = 0; k < parameters->n; k++) {
    const ftl_parameter *p = &parameters->parameter[k];
    char name[64];
    consider(&s, ftl_group_name(p->group));
    full_name(p, name);
    consider(&s, name);
    consider(&s, p->name);
    snprintf(name, sizeof name, "%.*s*", (int)strcspn(p->name, ".") + 1, p->name);
    consider(&s, name); /* "products.*" */
  }
  return ftl_fail(error, FTL_ERR_INPUT, key,
                  "'%.80s' names nothing in this model; the nearest name is '%s' (frozentl info lists the groups)",
                  word, s.nearest);
}

/* Every word names something, or is a level. */
static ftl_status check_word(const ftl_parameters *parameters, const char *key, const char *word, ftl_error *error) {
  if (is_level(word)) return FTL_OK;
  for (int k = 0; k < parameters->n; k++)
    if (names(parameters->family, word, &parameters->parameter[k])) return FTL_OK;
  return unknown(parameters, key, word, error);
}

/* ---- freezing ---- */

static ftl_status freeze_word(ftl_parameters *parameters, const char *word, ftl_error *error) {
  FTL_TRY(check_word(parameters, "freeze", word, error));
  for (int k = 0; k < parameters->n; k++)
    if (names(parameters->family, word, &parameters->parameter[k])) parameters->parameter[k].trained = false;
  return FTL_OK;
}

/* exception: from what freeze says, and then it must be one. */
static ftl_status train_word(ftl_parameters *parameters, const char *word, bool exception, ftl_error *error) {
  FTL_TRY(check_word(parameters, "train", word, error));
  const ftl_parameter *constant = NULL;
  bool any = false, changed = false;
  for (int k = 0; k < parameters->n; k++) {
    ftl_parameter *p = &parameters->parameter[k];
    if (!names(parameters->family, word, p)) continue;
    changed |= trainable(p) && !p->trained;
    if (trainable(p)) p->trained = any = true;
    else constant = p;
  }
  if (any && !changed && exception)
    return ftl_fail(error, FTL_ERR_INPUT, "train",
                    "'%.80s' is trained anyway: with freeze, train makes exceptions to it; remove it, or freeze more",
                    word);
  if (any) return FTL_OK;
  if (!constant) return ftl_fail(error, FTL_ERR_INPUT, "train", "'%s' names no parameter; remove it", word);
  if (constant->group == FTL_GROUP_E0)
    return ftl_fail(error, FTL_ERR_INPUT, "train",
                    "'%.80s' cannot be trained: energies of single atoms are fitted (e0.kind) or kept", word);
  if (constant->group == FTL_GROUP_SCALE_SHIFT)
    return ftl_fail(error, FTL_ERR_INPUT, "train",
                    "'%.80s' cannot be trained: scale and shift are fitted (scale_shift) or kept", word);
  return ftl_fail(error, FTL_ERR_INPUT, "train", "'%.80s' cannot be trained: %s stays as it was made; remove it", word,
                  constant->group == FTL_GROUP_ZBL ? "the ZBL repulsion" : "the radial basis");
}

static ftl_status apply_rate(ftl_parameters *parameters, const char *word, double rate, ftl_error *error) {
  FTL_TRY(check_word(parameters, "rates", word, error));
  if (!(rate > 0))
    return ftl_fail(error, FTL_ERR_INPUT, "rates", "the rate of '%.80s' is %g; to keep it as it is, name it in freeze",
                    word, rate);
  bool any = false;
  for (int k = 0; k < parameters->n; k++) {
    ftl_parameter *p = &parameters->parameter[k];
    if (!p->trained || !names(parameters->family, word, p)) continue;
    p->rate *= rate;
    any = true;
  }
  if (any) return FTL_OK;
  return ftl_fail(error, FTL_ERR_INPUT, "rates",
                  "'%.80s' has the rate %g, but nothing that it names is trained; remove it or train it", word, rate);
}

ftl_status ftl_freeze_apply(ftl_parameters *parameters, const ftl_words *freeze, const ftl_words *train,
                            const ftl_rates *rates, ftl_error *error) {
  const bool only = freeze->n == 0 && train->n > 0; /* train alone: all else is frozen */
  for (int k = 0; k < parameters->n; k++) {
    parameters->parameter[k].trained = trainable(&parameters->parameter[k]) && !only;
    parameters->parameter[k].rate = 1;
  }
  ftl_status status = FTL_OK;
  for (int i = 0; i < freeze->n && !status; i++) status = freeze_word(parameters, freeze->item[i], error);
  for (int i = 0; i < train->n && !status; i++) status = train_word(parameters, train->item[i], freeze->n > 0, error);
  if (!status && ftl_parameters_trained(parameters) == 0)
    return ftl_fail(error, FTL_ERR_INPUT, "freeze",
                    "everything is frozen, so that nothing is left to train; freeze less, or name in train what moves");
  for (int i = 0; i < rates->n && !status; i++) status = apply_rate(parameters, rates->name[i], rates->value[i], error);
  return status;
}

int64_t ftl_parameters_trained(const ftl_parameters *parameters) {
  int64_t sum = 0;
  for (int k = 0; k < parameters->n; k++)
    if (parameters->parameter[k].trained) sum += parameters->parameter[k].count;
  return sum;
}

/* ---- the table ---- */

typedef struct {
  int tensors, trained_tensors;
  int64_t count, trained;
  double slowest, fastest; /* rates of what is trained */
} sums;

static void add(sums *s, const ftl_parameter *p) {
  s->tensors++;
  s->count += p->count;
  if (!p->trained) return;
  if (s->trained_tensors == 0 || p->rate < s->slowest) s->slowest = p->rate;
  if (s->trained_tensors == 0 || p->rate > s->fastest) s->fastest = p->rate;
  s->trained_tensors++;
  s->trained += p->count;
}

static void print_line(FILE *stream, const char *name, const sums *s) {
  const char *state = s->trained == 0 ? "frozen" : s->trained == s->count ? "trained" : "partly";
  fprintf(stream, "%-24s %8d %12lld  %s", name, s->tensors, (long long)s->count, state);
  if (s->trained > 0 && s->trained < s->count) fprintf(stream, ", %lld", (long long)s->trained);
  if (s->trained_tensors > 0 && s->slowest != s->fastest) fprintf(stream, ", rates %g to %g", s->slowest, s->fastest);
  else if (s->trained_tensors > 0 && s->slowest != 1) fprintf(stream, ", rate %g", s->slowest);
  fputc('\n', stream);
}

static void print_table(FILE *stream, const ftl_parameters *parameters) {
  sums all = {0};
  int layers = 0;
  for (int k = 0; k < parameters->n; k++) {
    add(&all, &parameters->parameter[k]);
    if (parameters->parameter[k].layer >= layers) layers = parameters->parameter[k].layer + 1;
  }
  fprintf(stream, "%-24s %8s %12s\n", "group", "tensors", "parameters");
  for (int layer = -1; layer < layers; layer++)
    for (int group = 0; group < FTL_N_GROUPS; group++) {
      sums s = {0};
      char name[64];
      for (int k = 0; k < parameters->n; k++) {
        const ftl_parameter *p = &parameters->parameter[k];
        if ((int)p->group != group || p->layer != layer) continue;
        add(&s, p);
        full_name(p, name);
      }
      if (s.tensors > 0) print_line(stream, name, &s);
    }
  fprintf(stream, "trained %lld of %lld parameters in %d of %d tensors\n", (long long)all.trained, (long long)all.count,
          all.trained_tensors, all.tensors);
}

char *ftl_freeze_table(const ftl_parameters *parameters) {
  char *text = NULL;
  size_t size;
  FILE *stream = open_memstream(&text, &size);
  if (!stream) return NULL;
  print_table(stream, parameters);
  const bool failed = ferror(stream);
  if (fclose(stream) == 0 && !failed) return text;
  free(text);
  return NULL;
}
