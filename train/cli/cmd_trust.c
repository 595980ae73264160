/* frozentl trust: what a model knows of its own errors, from the data it was trained on, into its file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/command.h"
#include "cli/stop.h"
#include "cli/trust_output.h"
#include "data/isolated.h"
#include "data/sense.h"
#include "files/model_file.h"
#include "tune/split.h"

typedef struct {
  const char *model, *data;
  char *out, *foundation, *head, *labels;
  struct {
    char *energy, *forces, *stress, *virial;
  } label;
  ftl_words valid, select;
  double max_force, held;
  int large_forces;
  int64_t rows, members, threads, seed;
  bool force, quiet;
} options;

#define FTL_VALUES options
#include "support/option_table.h"

#include "data/data_options.h"

static const ftl_option rows[] = {
    PATH(out, .key = "output", .flag = "output", .letter = 'o', .value = "OUT.ftl",
         .doc = "the file to write; default: MODEL itself, if that is an .ftl file"),
    PATHS(valid, .key = "valid", .flag = "valid", .letter = 'v', .value = "FILE,...",
          .doc = "structures that the model was not trained on, by whose errors deviations are scaled; default: a part "
                 "of DATA is held back, which does for a model that was not trained on it"),
    REAL(held, 0.01, 0.9, .key = "held", .flag = "held", .initial = "0.1", .value = "FRACTION",
         .doc = "the part of DATA that is held back without --valid"),
    TEXT(head, .key = "head", .flag = "head", .letter = 'H', .value = "NAME",
         .doc = "of a model with several: the head it is about, and the only one in OUT.ftl"),
    PATH(foundation, .key = "foundation", .flag = "foundation", .letter = 'F', .doc = CLI_FOUNDATION_HELP),
    LABEL_OPTIONS("", 'l'),
    WORDS(select, .key = "select", .flag = "select", .value = "KEY=VALUE,...",
          .doc = "only frames whose comment line has this"),
    LARGE_FORCES(""),
    INTEGER(
        rows, 1, 1000, .key = "rows", .flag = "rows",
        .doc = "equations that a structure's forces are drawn together to: with more of them the posterior is more "
               "exact and takes longer; default: 1 to 8, so that there are 10 for each weight; of more structures than "
               "that takes, some, evenly"),
    INTEGER(members, 1, FTL_MAX_COMMITTEE, .key = "members", .flag = "members", .initial = "8",
            .doc = "last layers drawn from the posterior, of which deviations of forces are made: they cost a sweep "
                   "each and are uncertain by a factor 1 +- 1/sqrt(6 N)"),
    INTEGER(seed, 0, INT64_MAX, .key = "seed", .flag = "seed", .initial = "1", .doc = "of what is drawn"),
    INTEGER(threads, 1, 4096, .key = "threads", .flag = "threads", .letter = 't',
            .doc = "threads to use; default: OMP_NUM_THREADS, or all cores"),
    SWITCH(force, .key = "force", .flag = "force", .letter = 'f', .doc = "replace OUT.ftl if it exists"),
    SWITCH(quiet, .key = "quiet", .flag = "quiet", .letter = 'q', .doc = "no table and no progress bar"),
};

static bool is_ftl(const char *name) { return strlen(name) > 4 && ftl_ends_with(name, ".ftl"); }

static void check(const cli_given *given, struct argp_state *state) {
  options *o = given->options.values;
  o->model = given->file[0];
  o->data = given->file[1];
  if (!o->out && !is_ftl(o->model)) argp_error(state, "-o OUT.ftl says where to write: '%s' is no .ftl file", o->model);
  if (o->out && !is_ftl(o->out)) argp_error(state, "it writes .ftl files, and '%s' does not end so", o->out);
  if (o->valid.n > 0 && ftl_options_is_set(&given->options, "held"))
    argp_error(state, "--held is of DATA without --valid");
}

static const cli_command command_line = {
    .table = {.command = "trust", .option = rows, .n = sizeof rows / sizeof *rows},
    .files = "MODEL DATA.xyz",
    .doc =
        "Writes what a MACE or SevenNet model knows of its own errors into its file, from the data it was trained "
        "on: the posterior of its last layer and a committee drawn from it, by which it tells the errors of energies "
        "and forces, and for each element the atoms that span the data, by which it tells where it extrapolates. "
        "frozentl eval, LAMMPS, C and Python then give them. A delta stays a delta."
        "\vOUT.ftl appears complete or not at all.\n\n"
        "Example: frozentl trust potential.ftl train.xyz --valid valid.xyz",
    .least = 2,
    .most = 2,
    .missing = "it takes two files: MODEL and DATA.xyz",
    .extra = "MODEL and DATA.xyz are all it takes",
    .check = check};

/* ---- data ---- */

static ftl_status read_set(const options *o, char *const *paths, int n, double cutoff, ftl_dataset *set,
                           ftl_error *error) {
  const ftl_dataset_options how = {
      .labels = {o->labels, {o->label.energy, o->label.forces, o->label.stress, o->label.virial}},
      .select = {o->select.n, o->select.item},
      .max_force = o->max_force,
      .drop_absurd = o->large_forces == FTL_FORCES_DROP};
  FTL_TRY(ftl_dataset_read(paths, n, &how, set, error));
  FTL_TRY(ftl_isolated_mark(set, cutoff, error));
  ftl_dataset_remove_isolated(set); /* as in training: their energies are E0 */
  FTL_TRY(ftl_label_survey_require_names(&set->survey, &how.labels, "the frames", paths[0], error));
  FTL_TRY(ftl_label_survey_require_any(&set->survey, &how.labels, "the frames", paths[0], error));
  if (set->n == 0) return ftl_fail(error, FTL_ERR_INPUT, paths[0], "there is no structure in it to learn errors from");
  return ftl_labels_possible(set, error);
}

static ftl_status read_sets(const options *o, double cutoff, ftl_dataset *data, ftl_dataset *held, ftl_error *error) {
  char note[300], *path = (char *)o->data;
  FTL_TRY(read_set(o, &path, 1, cutoff, data, error));
  if (o->valid.n > 0) return read_set(o, o->valid.item, o->valid.n, cutoff, held, error);
  FTL_TRY(ftl_split_off(data, o->held, (uint64_t)o->seed, held, note, error));
  if (held->n == 0)
    return ftl_fail(error, FTL_ERR_INPUT, o->data,
                    "it has no two different structures, so that none can be held back; give --valid");
  return FTL_OK;
}

/* ---- the command ---- */

static void progress(void *context, double done, double total) {
  (void)total;
  cli_progress_update(context, done);
}

static int check_paths(const options *o) {
  ftl_paths paths = {0};
  if (o->out) ftl_paths_model(&paths, "MODEL", o->model, o->foundation); /* else MODEL becomes another */
  ftl_paths_input(&paths, "DATA.xyz", o->data);
  for (int k = 0; k < o->valid.n; k++) ftl_paths_input(&paths, "--valid", o->valid.item[k]);
  ftl_paths_output(&paths, "--output", o->out ? o->out : o->model);
  return cli_check_paths(&paths);
}

static ftl_status read_model(const options *o, ftl_source **source, ftl_error *error) {
  ftl_pace_kind pace;
  FTL_TRY(ftl_pace_kind_of_file(o->model, &pace, error));
  if (pace != FTL_PACE_NONE)
    return ftl_fail(
        error, FTL_ERR_UNSUPPORTED, o->model,
        pace == FTL_PACE_SURROGATE
            ? "a surrogate has error estimates of its own: those that frozentl fit or distill gave it"
            : "a PACE potential has no last layer; surrogates of frozentl fit or distill know their errors");
  FTL_TRY(ftl_source_read_with(o->model, o->foundation, source, error));
  if (o->foundation && !(*source)->delta) return ftl_source_no_delta(o->model, error);
  if (o->head && (*source)->delta && (*source)->arch.n_heads > 1)
    return ftl_fail(error, FTL_ERR_INPUT, o->model,
                    "it is a delta with several heads; make it full with frozentl merge");
  return o->head ? ftl_source_cut_head(*source, o->head, error) : FTL_OK;
}

static int make(const options *o, ftl_source *source, ftl_error *error) {
  ftl_dataset data = {0}, held = {0};
  ftl_trust_report report;
  cli_progress bar = {0};
  const double began = ftl_seconds();
  ftl_trust_options how = {.members = (int)o->members,
                           .equations = {.rows = (int)o->rows,
                                         .threads = (int)o->threads,
                                         .seed = (uint64_t)o->seed,
                                         .stop = cli_stop_on_signals(),
                                         .progress = progress,
                                         .context = &bar}};
  cli_stop_phase(false, "frozentl: interrupted; nothing was written\n");
  ftl_status status = read_sets(o, source->arch.r_max, &data, &held, error);
  cli_progress_start(&bar, "structures", (double)data.n, o->quiet);
  if (!status) status = ftl_trust_make(source, &data, &held, &how, &report, error);
  cli_progress_end(&bar);
  int code =
      status ? cli_report(error, CLI_INPUT) : cli_trust_write(source, o->model, o->out ? o->out : o->model, error);
  if (code == CLI_OK && !o->quiet) cli_trust_report(source, &report, o->out ? o->out : o->model, ftl_seconds() - began);
  ftl_dataset_free(&data);
  ftl_dataset_free(&held);
  return code;
}

static int trust(const cli_given *given) {
  const options *o = given->options.values;
  ftl_error error = {0};
  ftl_source *source = NULL;
  int code = check_paths(o);
  if (code == CLI_OK && o->out && !o->force) code = cli_refuse_existing(o->out);
  if (code != CLI_OK) return code;
  cli_warn_of_threads((int)o->threads);
  code = read_model(o, &source, &error) == FTL_OK ? make(o, source, &error) : cli_report(&error, CLI_INPUT);
  ftl_source_free(source);
  return code;
}

int cmd_trust(int argc, char **argv) {
  options o = {0};
  return cli_command_run(&command_line, argc, argv, &o, trust);
}
