#include "cli/from_mace.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wordexp.h>

#include <jansson.h>

#include "cli/mace_flags.h"
#include "base/error.h"
#include "base/text.h"

/* ---- a translation under way ---- */

typedef struct {
  const char *value[CLI_MACE_N]; /* what is said, or NULL */
  cli_translation to;
} translation;

static const char *get(const translation *t, const char *flag) {
  const int k = cli_mace_flag_at(flag, strlen(flag));
  return t->value[k] ? t->value[k] : cli_mace_flags[k].initial;
}
static bool said(const translation *t, const char *flag) { return t->value[cli_mace_flag_at(flag, strlen(flag))]; }
static bool is_true(const char *text) {
  return text &&
         (!strcasecmp(text, "true") || !strcmp(text, "1") || !strcasecmp(text, "yes") || !strcasecmp(text, "t"));
}

/* `key` is what the flag says, or mace-torch's default. */
static void copy(translation *t, const char *key, const char *flag) {
  const char *text = get(t, flag);
  if (text) cli_set(&t->to, key, text);
}

/* The word of `pairs` (mace-torch's, ours, ..., NULL) for the flag's. */
static void choose(translation *t, const char *key, const char *flag, const char *const *pairs) {
  for (int k = 0; pairs[k]; k += 2)
    if (!strcmp(pairs[k], get(t, flag))) {
      cli_set(&t->to, key, pairs[k + 1]);
      return;
    }
  char words[200] = "";
  for (int k = 0; pairs[k]; k += 2) ftl_text_add(words, sizeof words, "%s%s", k ? ", " : "", pairs[k]);
  cli_refuse(&t->to, flag, "'%.100s' is not trained here: one of %s", get(t, flag), words);
}

/* ---- values that are dictionaries ---- */

/* Python's {'a': 1.0, 6: -1} as JSON, or NULL with t->to.status. */
static json_t *dictionary(translation *t, const char *flag, const char *text) {
  char json[4000];
  size_t n = 0;
  bool in_word = false;
  for (const char *c = text; *c && n + 4 < sizeof json; c++) {
    const char put = *c == '\'' ? '"' : *c;
    if (put == '"') in_word = !in_word;
    const bool number = !in_word && (c == text || strchr("{, ", c[-1])) && *c >= '0' && *c <= '9';
    const size_t digits = number ? strspn(c, "0123456789") : 0;
    if (number && c[digits + strspn(c + digits, " ")] == ':') { /* a key that is a number */
      n += (size_t)snprintf(json + n, sizeof json - n, "\"%.*s\"", (int)digits, c);
      c += digits - 1;
      if (n >= sizeof json) break;
    } else json[n++] = put;
  }
  json[n < sizeof json ? n : sizeof json - 1] = '\0';
  json_t *found = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
  if (!json_is_object(found)) {
    json_decref(found);
    cli_refuse(&t->to, flag, "'%.100s' is no dictionary like {\"surface\": 2.0}", text);
    return NULL;
  }
  return found;
}

/* {NAME: number, ...} as an option of rates wants it. */
static void set_rates(translation *t, const char *key, const char *flag, json_t *pairs) {
  char text[2000] = "";
  const char *name;
  json_t *value;
  json_object_foreach(pairs, name, value) {
    if (!json_is_number(value)) cli_refuse(&t->to, flag, "'%.100s' has no number", name);
    if (strlen(text) + strlen(name) + 40 > sizeof text) {
      cli_refuse(&t->to, flag, "it has more entries than can be read");
      return;
    }
    ftl_text_add(text, sizeof text, "%s%s=%.17g", *text ? "," : "", name, json_number_value(value));
  }
  if (*text) cli_set(&t->to, key, text);
}

static void translate_e0(translation *t) {
  const char *e0 = get(t, "E0s");
  if (e0 && *e0 == '{') {
    json_t *by_number = dictionary(t, "E0s", e0), *by_symbol = json_object(), *value;
    const char *name;
    json_object_foreach(by_number, name, value) {
      const int z = atoi(name);
      const char *symbol = z > 0 && z < 119 ? ftl_element_symbol(z) : name;
      json_object_set(by_symbol, symbol, value);
    }
    cli_set(&t->to, "e0.kind", "given");
    set_rates(t, "e0.values", "E0s", by_symbol);
    json_decref(by_number);
    json_decref(by_symbol);
  } else if (e0 && !strcmp(e0, "foundation")) cli_set(&t->to, "e0.kind", "keep");
  else if (!e0 || !strcmp(e0, "average") || !strcmp(e0, "estimated") || !strcasecmp(e0, "isolated"))
    cli_set(&t->to, "e0.kind", "fit"); /* isolated atoms of data if there are any, else least squares */
  else cli_refuse(&t->to, "E0s", "'%.200s' is a file: give its entries, {1: -13.6, 29: -1.2}", e0);
}

/* ---- the parts ---- */

static void translate_data(translation *t) {
  if (!said(t, "train_file")) cli_refuse(&t->to, "train_file", "it is missing: the data to train on");
  copy(t, "data", "train_file");
  copy(t, "valid", "valid_file");
  if (!said(t, "valid_file")) copy(t, "valid_fraction", "valid_fraction");
  copy(t, "test", "test_file");
  static const char *const label[][2] = {{"labels.energy", "energy_key"},
                                         {"labels.forces", "forces_key"},
                                         {"labels.stress", "stress_key"},
                                         {"labels.virial", "virials_key"}};
  for (int k = 0; k < 4; k++)
    if (said(t, label[k][1])) copy(t, label[k][0], label[k][1]);
}

static void translate_foundation(translation *t) {
  static const char *const known[][2] = {
      {"small", "mace-mp-0-small"},
      {"medium", "mace-mp-0-medium"},
      {"large", "mace-mp-0-large"},
      {"small-0b", "mace-mp-0b-small"},
      {"medium-0b", "mace-mp-0b-medium"},
      {"small-0b2", "mace-mp-0b2-small"},
      {"medium-0b2", "mace-mp-0b2-medium"},
      {"large-0b2", "mace-mp-0b2-large"},
      {"medium-0b3", "mace-mp-0b3-medium"},
      {"medium-mpa-0", "mace-mpa-0-medium"},
      {"small-omat-0", "mace-omat-0-small"},
      {"medium-omat-0", "mace-omat-0-medium"},
      {"mace-matpes-pbe-0", "mace-matpes-pbe-0"},
      {"mace-matpes-r2scan-0", "mace-matpes-r2scan-0"},
      {"small_off", "mace-off23-small"},
      {"medium_off", "mace-off23-medium"},
      {"large_off", "mace-off23-large"},
      {"mh-0", "mace-mh-0"},
      {"mh-1", "mace-mh-1"},
  };
  const char *given = get(t, "foundation_model");
  for (size_t k = 0; k < sizeof known / sizeof *known; k++)
    if (!strcmp(known[k][0], given)) given = known[k][1];
  cli_set(&t->to, "foundation", given);
  copy(t, "head", "foundation_head");
  cli_set(&t->to, "elements", is_true(get(t, "foundation_model_elements")) ? "all" : "data");
  if (said(t, "freeze")) {
    const char *n = get(t, "freeze");
    char level[20];
    if (strlen(n) != 1 || *n < '0' || *n > '7') cli_refuse(&t->to, "freeze", "'%.50s' is no level from 0 to 7", n);
    snprintf(level, sizeof level, "f%.10s", n);
    cli_set(&t->to, "freeze", level);
  }
  if (is_true(get(t, "lora"))) {
    copy(t, "lora.rank", "lora_rank");
    copy(t, "lora.alpha", "lora_alpha");
  }
  const bool several = is_true(get(t, "multiheads_finetuning"));
  const char *old = get(t, "pt_train_file");
  if (several && old && strcmp(old, "mp") && strcmp(old, "omat") && strcmp(old, "matpes_pbe") &&
      strcmp(old, "matpes_r2scan")) {
    cli_set(&t->to, "replay.data", old);
    cli_set(&t->to, "replay.head", "separate");
    cli_set(&t->to, "replay.labels", is_true(get(t, "pseudolabel_replay")) ? "foundation" : "data");
    copy(t, "replay.weight", "weight_pt_head");
    if (said(t, "num_samples_pt")) copy(t, "replay.frames", "num_samples_pt");
  } else if (several)
    cli_say(&t->to, "--multiheads_finetuning has no counterpart without data: mace-torch downloads structures of the "
                    "foundation's own data "
                    "to train on too; here replay.data names a file of such, and replay.sample makes some");
}

static void translate_new_model(translation *t) {
  static const char *const blocks[] = {"RealAgnosticResidualInteractionBlock",
                                       "residual",
                                       "RealAgnosticDensityResidualInteractionBlock",
                                       "density",
                                       "RealAgnosticResidualNonLinearInteractionBlock",
                                       "nonlinear",
                                       NULL};
  static const char *const transforms[] = {"None", "none", "Agnesi", "agnesi", "Soft", "soft", NULL};
  static const char *const scalings[] = {"rms_forces_scaling", "fit", "no_scaling", "keep", NULL};
  choose(t, "scale_shift", "scaling", scalings);
  choose(t, "scratch.interaction", "interaction", blocks);
  choose(t, "scratch.transform", "distance_transform", transforms);
  static const char *const plain[][2] = {{"scratch.r_max", "r_max"},
                                         {"scratch.radial", "radial_type"},
                                         {"scratch.basis", "num_radial_basis"},
                                         {"scratch.cutoff_p", "num_cutoff_basis"},
                                         {"scratch.max_ell", "max_ell"},
                                         {"scratch.correlation", "correlation"},
                                         {"scratch.layers", "num_interactions"},
                                         {"scratch.gate", "gate"}};
  for (size_t k = 0; k < sizeof plain / sizeof *plain; k++) copy(t, plain[k][0], plain[k][1]);
  cli_set(&t->to, "scratch.zbl", is_true(get(t, "pair_repulsion")) ? "true" : "false");
  cli_set_without(&t->to, "scratch.readout", get(t, "MLP_irreps"), " ");
  cli_set_without(&t->to, "scratch.radial_mlp", get(t, "radial_MLP"), "[] ");
  const char *hidden = get(t, "hidden_irreps"), *channels = get(t, "num_channels"), *most = get(t, "max_L");
  if (hidden && (channels || most)) cli_refuse(&t->to, "hidden_irreps", "it goes without num_channels and max_L");
  char text[300] = "";
  const int l_max = most ? atoi(most) : 1;
  if (l_max < 0 || l_max > 3) cli_refuse(&t->to, "max_L", "'%.50s' is none of 0, 1, 2, 3", most);
  for (int l = 0; l <= l_max && !t->to.status; l++)
    ftl_text_add(text, sizeof text, "%s%.20sx%d%c", l ? "+" : "", channels ? channels : "128", l, l % 2 ? 'o' : 'e');
  cli_set_without(&t->to, "scratch.hidden", hidden ? hidden : text, " ");
  if (!is_true(get(t, "compute_avg_num_neighbors"))) copy(t, "scratch.avg_num_neighbors", "avg_num_neighbors");
}

static void translate_loss(translation *t) {
  static const char *const kinds[] = {"weighted", "weighted", "ef",        "weighted",  "forces_only",
                                      "weighted", "stress",   "weighted",  "virials",   "weighted",
                                      "huber",    "huber",    "universal", "universal", NULL};
  const char *loss = get(t, "loss");
  const bool stress = !strcmp(loss, "stress") || !strcmp(loss, "huber") || !strcmp(loss, "universal"),
             virials = !strcmp(loss, "virials");
  const bool energy = strcmp(loss, "forces_only") != 0;
  choose(t, "loss.kind", "loss", kinds);
  cli_set(&t->to, "loss.energy", energy ? get(t, "energy_weight") : "0");
  copy(t, "loss.forces", "forces_weight");
  cli_set(&t->to, "loss.stress", stress ? get(t, "stress_weight") : virials ? get(t, "virials_weight") : "0");
  if (!strcmp(loss, "huber") || !strcmp(loss, "universal")) copy(t, "loss.huber_delta", "huber_delta");
  if (said(t, "config_type_weights")) {
    json_t *weights = dictionary(t, "config_type_weights", get(t, "config_type_weights"));
    if (weights) {
      const double rest = json_number_value(json_object_get(weights, "Default"));
      if (json_object_get(weights, "Default") && rest != 1)
        cli_refuse(&t->to, "config_type_weights", "the weight of Default is 1 here: divide all weights by %g", rest);
      json_object_del(weights, "Default");
      set_rates(t, "loss.configs", "config_type_weights", weights);
    }
    json_decref(weights);
  }
  if (!is_true(get(t, "swa"))) return;
  char start[30];
  const char *epochs = get(t, "max_num_epochs");
  snprintf(start, sizeof start, "%ld", atol(epochs) / 4 * 3);
  cli_set(&t->to, "swa.start", said(t, "start_swa") ? get(t, "start_swa") : start);
  copy(t, "swa.lr", "swa_lr");
  cli_set(&t->to, "swa.energy", energy ? get(t, "swa_energy_weight") : "0");
  copy(t, "swa.forces", "swa_forces_weight");
  cli_set(&t->to, "swa.stress", stress ? get(t, "swa_stress_weight") : virials ? get(t, "swa_virials_weight") : "0");
}

static void translate_steps(translation *t) {
  static const char *const optimisers[] = {"adam", "amsgrad", "adamw", "adamw", NULL};
  static const char *const schedules[] = {"ReduceLROnPlateau", "plateau", "ExponentialLR", "exponential", NULL};
  static const char *const precisions[] = {"float64", "double", "float32", "mixed", NULL};
  static const char *const plain[][2] = {{"seed", "seed"},
                                         {"optimiser.lr", "lr"},
                                         {"optimiser.beta1", "beta"},
                                         {"optimiser.weight_decay", "weight_decay"},
                                         {"batch_size", "batch_size"},
                                         {"epochs", "max_num_epochs"}};
  const long epochs = atol(get(t, "max_num_epochs"));
  choose(t, "precision", "default_dtype", precisions);
  choose(t, "optimiser.kind", "optimizer", optimisers);
  for (size_t k = 0; k < sizeof plain / sizeof *plain; k++) copy(t, plain[k][0], plain[k][1]);
  /* what is longer than the run could never act, and is refused here: mace-torch's defaults are meant for 2048 epochs
   */
  if (atol(get(t, "patience")) < epochs) copy(t, "patience", "patience");
  if (strcmp(get(t, "scheduler"), "ReduceLROnPlateau") != 0) {
    choose(t, "schedule.kind", "scheduler", schedules);
    copy(t, "schedule.gamma", "lr_scheduler_gamma");
  } else if (atol(get(t, "scheduler_patience")) < epochs) {
    choose(t, "schedule.kind", "scheduler", schedules);
    copy(t, "schedule.factor", "lr_factor");
    copy(t, "schedule.patience", "scheduler_patience");
  } else cli_set(&t->to, "schedule.kind", "constant");
  cli_set(&t->to, "optimiser.clip", strcmp(get(t, "clip_grad"), "None") ? get(t, "clip_grad") : "1e9");
  cli_set(&t->to, "ema", is_true(get(t, "ema")) ? get(t, "ema_decay") : "0");
  if (said(t, "lr_params_factors")) {
    static const char *const part[][2] = {{"embedding_lr_factor", "node_embedding.*"},
                                          {"interactions_lr_factor", "interactions.*"},
                                          {"products_lr_factor", "products.*"},
                                          {"readouts_lr_factor", "readouts.*"}};
    json_t *factors = dictionary(t, "lr_params_factors", get(t, "lr_params_factors")), *rates = json_object();
    for (int k = 0; k < 4 && factors; k++) {
      json_t *value = json_object_get(factors, part[k][0]);
      if (value && json_number_value(value) != 1) json_object_set(rates, part[k][1], value);
    }
    set_rates(t, "rates", "lr_params_factors", rates);
    json_decref(factors);
    json_decref(rates);
  }
}

static void translate(translation *t) {
  const char *model = get(t, "model");
  if (strcmp(model, "MACE") && strcmp(model, "ScaleShiftMACE"))
    cli_refuse(&t->to, "model", "'%.100s' is not trained here, MACE and ScaleShiftMACE are", model);
  for (int k = 0; k < CLI_MACE_N; k++) {
    const cli_mace_flag *f = &cli_mace_flags[k];
    if (f->role == CLI_BECOMES_REFUSED && t->value[k] && strcmp(t->value[k], "None") &&
        (!f->initial || is_true(t->value[k]) != is_true(f->initial)))
      cli_refuse(&t->to, f->flag, "%s are not trained here", f->becomes);
  }
  const bool tunes = said(t, "foundation_model");
  translate_data(t);
  if (tunes) translate_foundation(t);
  else translate_new_model(t);
  translate_e0(t);
  translate_loss(t);
  translate_steps(t);
  char passed[1500] = "";
  for (int k = 0; k < CLI_MACE_N; k++) {
    const cli_mace_flag *f = &cli_mace_flags[k];
    if (!t->value[k]) continue;
    if (f->role == CLI_BECOMES_NONE && (!f->initial || strcmp(t->value[k], f->initial)))
      cli_say_none(&t->to, f->flag, f->becomes);
    if ((f->role == CLI_BECOMES_PASSED || (f->role == CLI_BECOMES_SCRATCH && tunes)) &&
        strlen(passed) + 60 < sizeof passed)
      ftl_text_add(passed, sizeof passed, "%s--%s", *passed ? ", " : "", f->flag);
  }
  if (*passed) cli_say(&t->to, "without effect here: %s", passed);
}

/* ---- the command line ---- */

static ftl_status read_words(const wordexp_t *words, translation *t) {
  size_t k = words->we_wordc > 0 && strncmp(words->we_wordv[0], "--", 2) ? 1 : 0; /* the program's name */
  if (k && words->we_wordc > 1 && strstr(words->we_wordv[0], "python")) k = 2;
  for (; k < words->we_wordc; k++) {
    const char *word = words->we_wordv[k];
    if (strncmp(word, "--", 2) != 0)
      return ftl_fail(t->to.error, FTL_ERR_INPUT, "--from-mace", "'%.100s' is no flag: --name value or --name=value",
                      word);
    const char *name = word + 2;
    const size_t length = strcspn(name, "=");
    const int at = cli_mace_flag_at(name, length);
    if (at < 0)
      return ftl_fail(t->to.error, FTL_ERR_INPUT, "--from-mace",
                      "mace_run_train (mace-torch 0.3.16) has no flag --%.*s", (int)(length < 100 ? length : 100),
                      name);
    if (cli_mace_flags[at].alone)
      t->value[at] = cli_mace_flags[at].initial && is_true(cli_mace_flags[at].initial) ? "False" : "True";
    else if (name[length] == '=') t->value[at] = name + length + 1;
    else if (k + 1 < words->we_wordc) t->value[at] = words->we_wordv[++k];
    else return ftl_fail(t->to.error, FTL_ERR_INPUT, "--from-mace", "--%s has no value", cli_mace_flags[at].flag);
    if (!strcmp(cli_mace_flags[at].flag, "wandb_log_hypers")) /* takes several */
      while (k + 1 < words->we_wordc && strncmp(words->we_wordv[k + 1], "--", 2)) k++;
  }
  return FTL_OK;
}

ftl_status cli_from_mace(const char *command, cli_settings *settings, ftl_error *error) {
  translation t = {.to = {.before = "--", .after = " of mace_run_train", .out = settings, .error = error}};
  wordexp_t words;
  const int failed = wordexp(command, &words, WRDE_NOCMD | WRDE_UNDEF);
  if (failed)
    return ftl_fail(error, failed == WRDE_NOSPACE ? FTL_ERR_MEMORY : FTL_ERR_INPUT, "--from-mace",
                    failed == WRDE_CMDSUB    ? "it has a command, which is not executed: put its output there"
                    : failed == WRDE_BADVAL  ? "it has a variable that is not set"
                    : failed == WRDE_BADCHAR ? "it has a line break or one of |&;<>(){} outside of quotes"
                                             : "it cannot be split into words: a quotation mark may be missing");
  t.to.status = read_words(&words, &t);
  if (!t.to.status) translate(&t);
  wordfree(&words);
  return t.to.status;
}
