#include "surrogate/student.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/path.h"
#include "sampling/frames.h"
#include "surrogate/rounds.h"
#include "support/output.h"
#include "surrogate/teacher.h"
#include "tune/start.h"
#include "tune/train.h"

static const char PREFIX[] = "mace:";

bool ftl_student_is_network(const ftl_surrogate_recipe *recipe) {
  return recipe->student && strncmp(recipe->student, PREFIX, strlen(PREFIX)) == 0;
}

/* ---- the recipe of the training ---- */

static ftl_status set(ftl_recipe *to, const char *key, const char *text, ftl_error *error) {
  return ftl_options_set(&to->options, key, text, "student", error);
}

static ftl_status set_number(ftl_recipe *to, const char *key, double value, ftl_error *error) {
  char text[40];
  snprintf(text, sizeof text, "%.17g", value);
  return set(to, key, text, error);
}

/* "mace:16x0e,layers=1,radial_mlp=32/32": the irreps, then options of scratch. */
static ftl_status set_network(const ftl_surrogate_recipe *r, ftl_recipe *to, ftl_error *error) {
  char *text = strdup(r->student + strlen(PREFIX)), *rest = NULL, key[80];
  if (!text) return ftl_no_memory(error, NULL, "the student");
  ftl_status status = FTL_OK;
  for (char *word = strtok_r(text, ",", &rest); word && !status; word = strtok_r(NULL, ",", &rest)) {
    char *value = strchr(word, '=');
    if (value) *value++ = '\0';
    else if (word != text)
      status =
          ftl_fail(error, FTL_ERR_INPUT, NULL, "student: '%.40s' is not like layers=1, an option of scratch", word);
    for (char *slash = value ? strchr(value, '/') : NULL; slash; slash = strchr(slash, '/')) *slash = ',';
    snprintf(key, sizeof key, "scratch.%.60s", value ? word : "hidden");
    if (!status) status = set(to, key, value ? value : word, error);
  }
  free(text);
  if (!status && !ftl_recipe_is_set(to, "scratch.hidden"))
    status =
        ftl_fail(error, FTL_ERR_INPUT, NULL, "student: '%.60s' has no hidden irreps, as mace:16x0e has", r->student);
  return status;
}

/* student.train; what the distillation itself decides is not for it. */
static ftl_status set_training(const ftl_surrogate_recipe *r, ftl_recipe *to, ftl_error *error) {
  static const char *const own[] = {"output", "foundation", "data", "valid", "test", "elements", "seed", "threads"};
  for (int k = 0; k < r->learning.train.n; k++) {
    const char *word = r->learning.train.item[k], *equals = strchr(word, '=');
    char key[80];
    if (!equals) return ftl_fail(error, FTL_ERR_INPUT, NULL, "student.train: '%.60s' is not like KEY=VALUE", word);
    snprintf(key, sizeof key, "%.*s", (int)(equals - word), word);
    for (size_t j = 0; j < sizeof own / sizeof *own; j++)
      if (strcmp(key, own[j]) == 0 || strncmp(key, "labels", 6) == 0 || strncmp(key, "scratch.", 8) == 0)
        return ftl_fail(error, FTL_ERR_INPUT, NULL,
                        "student.train: %s is for the distillation itself, or for student, to say", key);
    FTL_TRY(ftl_options_set(&to->options, key, equals + 1, "student.train", error));
  }
  return FTL_OK;
}

/* What a small network learns a model's labels best with (docs/surrogate.md, "Another student"), as far as
   student.train does not say it: many small batches, averaged; and weights with which neither energies nor stresses are
   lost beside forces. */
static ftl_status set_defaults(const ftl_dataset *data, ftl_recipe *to, ftl_error *error) {
  static const char *const defaults[][2] = {
      {"loss.energy", "500"}, {"loss.stress", "10000"}, {"ema", "0.99"}, {"batch_size", "2"}, {"precision", "mixed"}};
  ftl_label_counts labels = {.stress = 1};
  ftl_status status = FTL_OK;
  if (data) ftl_dataset_count_labels(data, &labels);
  for (size_t k = 0; k < sizeof defaults / sizeof *defaults && !status && !ftl_recipe_is_linear(to); k++)
    if (labels.stress > 0 || strcmp(defaults[k][0], "loss.stress") != 0)
      status = ftl_options_suit(&to->options, defaults[k][0], defaults[k][1], error);
  return status;
}

/* student.epochs; by default as many as make 60 000 steps, within 10 and 500. After the first round a quarter. */
static ftl_status set_epochs(const ftl_surrogate_recipe *r, const ftl_dataset *data, bool again, ftl_recipe *to,
                             ftl_error *error) {
  double epochs = (double)r->learning.epochs;
  const bool told = ftl_recipe_is_set(to, "epochs") || ftl_recipe_is_set(to, "steps") || ftl_recipe_is_linear(to);
  if (epochs == 0 && data && !told)
    epochs = fmin(fmax(floor(60000 / ceil((double)data->n / (double)to->batch_size)), 10), 500);
  return epochs > 0 ? set_number(to, "epochs", again ? ceil(epochs / 4) : epochs, error) : FTL_OK;
}

/* `folder` holds the structures, `data` those to train on (NULL: not known yet); `before` is the student of the round
   before, with which training goes on (NULL: a new one). Elements and E0 are the model's, of which there may be none
   yet (n 0). */
static ftl_status set_all(const ftl_surrogate_recipe *r, const char *folder, const ftl_dataset *data,
                          const char *before, const int *elements, const double *e0, int n, ftl_recipe *to,
                          ftl_error *error) {
  static const char *const checks[] = {[FTL_CHECKS_REFUSE] = "refuse", [FTL_CHECKS_WARN] = "warn"};
  static const char *const sets[] = {"data", "valid"};
  char path[4096], rate[80];
  ftl_status status = before ? set(to, "foundation", before, error) : set_network(r, to, error);
  if (!status) status = set_training(r, to, error);
  if (!status) status = set_defaults(data, to, error);
  if (!status) status = set(to, "output", folder, error);
  for (int k = 0; k < 2 && !status; k++) {
    snprintf(path, sizeof path, "%s/%s.xyz", folder, sets[k]);
    status = set(to, sets[k], path, error);
  }
  if (!status && !ftl_recipe_is_set(to, "e0.kind")) status = set(to, "e0.kind", before ? "keep" : "given", error);
  const bool given = to->e0.kind == FTL_START_GIVEN && !ftl_recipe_is_set(to, "e0.values");
  for (int k = 0; k < n && !status; k++) {
    status = set(to, "elements", ftl_element_symbol(elements[k]), error);
    snprintf(rate, sizeof rate, "%s=%.17g", ftl_element_symbol(elements[k]), e0[k]);
    if (!status && given) status = set(to, "e0.values", rate, error);
  }
  if (!status) status = set_epochs(r, data, before, to, error);
  if (!status) status = set_number(to, "seed", (double)r->seed, error);
  if (!status) status = set_number(to, "threads", (double)r->threads, error);
  if (!status) status = set_number(to, "max_force", fmax(r->max_force, r->sample.max_force), error);
  if (!status) status = set(to, "checks", checks[r->checks], error);
  if (!status) status = ftl_options_settle(&to->options, error);
  return status ? status : ftl_options_check(&to->options, error);
}

/* ---- what is refused ---- */

/* Sections that only a linear potential has. */
static ftl_status check_sections(const ftl_surrogate_recipe *r, ftl_error *error) {
  static const char *const sections[] = {"basis.",         "embedding.",     "inner.",       "smooth.",
                                         "solver.",        "uncertainty.",   "spline_bins",  "weights.energy",
                                         "weights.forces", "weights.stress", "weights.atoms"};
  const ftl_option_table *table = r->options.table;
  for (int k = 0; k < table->n; k++)
    for (size_t j = 0; j < sizeof sections / sizeof *sections; j++)
      if (strncmp(table->option[k].key, sections[j], strlen(sections[j])) == 0 &&
          ftl_options_is_chosen(&r->options, table->option[k].key))
        return ftl_fail(error, FTL_ERR_INPUT, NULL,
                        "%s is for a linear ACE and has no effect on a MACE (student %.60s); remove it%s",
                        table->option[k].key, r->student,
                        strncmp(sections[j], "weights", 7) == 0 ? ", or give student.train loss.energy=100" : "");
  return FTL_OK;
}

/* A network of one element is made, so that what can't be is said before anything is sampled. */
static ftl_status try_network(const ftl_surrogate_recipe *r, ftl_recipe *recipe, ftl_error *error) {
  const int hydrogen = 1;
  const double e0 = 0;
  const ftl_sets sets = {0};
  ftl_source *source = NULL;
  ftl_status status = set_all(r, "student", NULL, NULL, &hydrogen, &e0, 1, recipe, error);
  if (!status && !ftl_recipe_is_set(recipe, "scratch.avg_num_neighbors"))
    status = set(recipe, "scratch.avg_num_neighbors", "1", error);
  if (!status) status = ftl_start_model(recipe, &sets, &source, error);
  ftl_source_free(source);
  return status;
}

ftl_status ftl_student_check(const ftl_surrogate_recipe *r, ftl_error *error) {
  ftl_recipe *recipe = NULL;
  if (!r->student || strcmp(r->student, "ace") == 0) {
    static const char *const keys[] = {"student.epochs", "student.train"};
    for (int k = 0; k < 2 && r->student; k++)
      if (ftl_options_is_chosen(&r->options, keys[k]))
        return ftl_fail(error, FTL_ERR_INPUT, NULL, "%s has no effect: a linear ACE (student ace) is not trained",
                        keys[k]);
    return FTL_OK;
  }
  if (!ftl_student_is_network(r))
    return ftl_fail(error, FTL_ERR_INPUT, NULL, "student: '%.60s' is neither ace nor like mace:16x0e,layers=2,r_max=5",
                    r->student);
  FTL_TRY(check_sections(r, error));
  if (r->holdout == 0)
    return ftl_fail(error, FTL_ERR_INPUT, NULL,
                    "holdout is 0, but a MACE needs structures that are held back, to tell which epoch is the best");
  ftl_status status = ftl_recipe_new(&recipe, error);
  if (!status) status = try_network(r, recipe, error);
  ftl_recipe_free(recipe);
  return status;
}

double ftl_student_cutoff(const ftl_surrogate_recipe *r) {
  ftl_recipe *recipe = NULL;
  double cutoff = r->basis.cutoff;
  if (ftl_student_is_network(r) && ftl_recipe_new(&recipe, NULL) == FTL_OK && set_network(r, recipe, NULL) == FTL_OK)
    cutoff = recipe->scratch.r_max;
  ftl_recipe_free(recipe);
  return cutoff;
}

/* ---- structures ---- */

static ftl_status write_set(ftl_surrogate_state *run, const char *folder, const char *name, const ftl_dataset *set_,
                            ftl_error *error) {
  char path[4096], weights[200];
  ftl_output_file file = {0};
  snprintf(path, sizeof path, "%s/%s.xyz", folder, name);
  ftl_status status = ftl_output_open(path, &file, error);
  for (int64_t k = 0; k < set_->n && !status; k++) {
    const ftl_structure *s = &set_->structure[k];
    snprintf(weights, sizeof weights,
             " config_weight=%.17g config_energy_weight=%.17g config_forces_weight=%.17g config_stress_weight=%.17g",
             s->weight, s->energy_weight, s->forces_weight, s->stress_weight);
    ftl_frame_write(file.stream, s, weights);
  }
  if (!status) status = ftl_output_commit(&file, error);
  run->unwritten |= status == FTL_ERR_IO;
  return status;
}

static ftl_status write_sets(ftl_surrogate_state *run, const char *folder, ftl_error *error) {
  ftl_status status = ftl_output_folder(folder, error);
  run->unwritten |= status != FTL_OK;
  if (!status) status = write_set(run, folder, "data", &run->train, error);
  return status ? status : write_set(run, folder, "valid", &run->held, error);
}

/* ---- training ---- */

static char *folder_of(const ftl_surrogate_state *run) {
  return run->round > 0 ? ftl_round_path(run, "student") : ftl_surrogate_path(run, "student");
}

bool ftl_student_has_begun(const ftl_surrogate_state *run) {
  char *folder = folder_of(run), *recipe = folder ? ftl_path_join(folder, "recipe.yaml") : NULL;
  const bool begun = recipe && access(recipe, F_OK) == 0;
  free(folder);
  free(recipe);
  return begun;
}

static ftl_status begin(ftl_surrogate_state *run, const char *folder, const ftl_host *host, ftl_train_end *end,
                        ftl_error *error) {
  ftl_recipe *recipe = NULL;
  char *before = run->round > 0 ? ftl_round_path(run, FTL_DRIVER) : NULL;
  ftl_status status = write_sets(run, folder, error);
  if (!status) status = ftl_recipe_new(&recipe, error);
  if (!status)
    status = set_all(run->recipe, folder, &run->train, before, run->elements, run->e0, run->n_elements, recipe, error);
  if (!status) status = ftl_train(recipe, host, NULL, end, error);
  ftl_recipe_free(recipe);
  free(before);
  return status;
}

static ftl_status go_on(ftl_surrogate_state *run, const char *folder, const ftl_host *host, ftl_train_end *end,
                        ftl_error *error) {
  bool finished;
  FTL_TRY(ftl_train_is_finished(folder, &finished, error));
  *end = FTL_TRAIN_DONE;
  if (finished) return FTL_OK;
  ftl_recipe *changes = NULL;
  ftl_status status = ftl_recipe_new(&changes, error);
  if (!status) status = set_number(changes, "threads", (double)run->recipe->threads, error);
  if (!status) status = ftl_train_resume(folder, changes, host, NULL, end, error);
  ftl_recipe_free(changes);
  return status;
}

/* ---- what it gives ---- */

static ftl_status copy_model(ftl_surrogate_state *run, const char *folder, const char *to, ftl_error *error) {
  char from[4096];
  ftl_source *source = NULL;
  snprintf(from, sizeof from, "%s/model.ftl", folder);
  ftl_status status = ftl_source_read(from, &source, error);
  if (!status) {
    ftl_output_file file;
    ftl_output_begin_model(to, &file);
    status = ftl_source_write(source, to, error);
    ftl_output_end_model(&file);
    run->unwritten |= status == FTL_ERR_IO;
  }
  ftl_source_free(source);
  return status;
}

static void take_total(const ftl_error_table *table, ftl_fit_errors *errors) {
  const ftl_error_row total = ftl_error_table_total(table, NULL);
  *errors = (ftl_fit_errors){.n = {(int64_t)total.energy.n, (int64_t)total.forces.n, 0},
                             .rmse = {ftl_error_rmse(&total.energy), ftl_error_rmse(&total.forces), NAN},
                             .spread = {NAN, NAN}};
}

/* The same sets as of a linear potential, and the same tables. */
static ftl_status measure(ftl_surrogate_state *run, const char *path, ftl_error *error) {
  const ftl_open_options open = {.elements = run->elements, .n_elements = run->n_elements};
  const ftl_dataset *sets[3] = {NULL, &run->held, &run->valid};
  ftl_fit_errors *const errors[3] = {&run->on_train, &run->on_held, &run->on_valid};
  ftl_dataset some;
  ftl_model *model = NULL;
  ftl_status status = ftl_surrogate_some_fitted(run, &some, error);
  sets[0] = &some;
  if (!status) status = ftl_model_open(path, &open, &model, error);
  for (int k = 0; k < 3 && !status; k++) {
    status = ftl_answers_compare(model, (int)run->recipe->threads, sets[k], NULL, &run->table[k], NULL, error);
    if (!status) take_total(&run->table[k], errors[k]);
  }
  ftl_model_free(model);
  free(some.structure);
  return status;
}

static ftl_status read_sets(ftl_surrogate_state *run, const char *folder, ftl_error *error) {
  ftl_dataset *const sets[] = {&run->train, &run->held};
  static const char *const names[] = {"data", "valid"};
  const ftl_dataset_options options = {.labels = {.prefix = "REF_"}};
  ftl_status status = FTL_OK;
  for (int k = 0; k < 2 && !status; k++) {
    char path[4096], *one = path;
    snprintf(path, sizeof path, "%s/%s.xyz", folder, names[k]);
    status = ftl_dataset_read(&one, 1, &options, sets[k], error);
  }
  return status;
}

ftl_status ftl_student_learn(ftl_surrogate_state *run, bool *interrupted, ftl_error *error) {
  ftl_host host = *run->host;
  ftl_train_end end = FTL_TRAIN_FAILED;
  char *folder = folder_of(run), *model = ftl_surrogate_path(run, "model.ftl");
  ftl_status status = folder && model ? FTL_OK : ftl_no_memory(error, NULL, "the student");
  host.phase = NULL; /* the phases of a training are one of this run */
  host.show = NULL;  /* its tables are below, by the names of a distillation's sets */
  run->host->phase(run->host->context, FTL_SURROGATE_LEARNING);
  if (!status) ftl_surrogate_say(run, "training %s in %s", run->recipe->student, folder);
  if (!status && ftl_student_has_begun(run)) {
    if (run->train.n == 0) status = read_sets(run, folder, error);
    if (!status) status = go_on(run, folder, &host, &end, error);
  } else if (!status) {
    status = begin(run, folder, &host, &end, error);
  }
  run->host->stage(run->host->context, NULL, 0);
  run->unwritten |= end == FTL_TRAIN_UNWRITTEN;
  *interrupted = !status && end == FTL_TRAIN_INTERRUPTED;
  if (!status && !*interrupted) {
    status = copy_model(run, folder, model, error);
    if (!status) status = measure(run, model, error);
    if (!status) status = ftl_surrogate_say_errors(run, error);
    if (!status) ftl_round_measured(run);
    if (!status) status = ftl_surrogate_write_report(run, error);
    if (!status) ftl_surrogate_say(run, "wrote %s, errors.csv and report.json", model);
  }
  free(folder);
  free(model);
  return status;
}
