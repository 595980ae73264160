/* frozentl fit: a linear ACE potential from labelled structures. frozentl distill: the same from a model, which samples
   and labels them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/from_pacemaker.h"
#include "cli/host.h"
#include "cli/option_flags.h"
#include "cli/pacemaker_keys.h"
#include "support/output.h"
#include "support/ranks.h"
#include "surrogate/fit_run.h"
#include "base/error.h"

enum { KEY_RESUME = CLI_FLAGS_KEY + 1, KEY_DOCUMENT, KEY_INIT, KEY_FROM_PACEMAKER, KEY_DOCUMENT_PACEMAKER };

typedef struct {
  const ftl_option_table *table;
  ftl_surrogate_recipe *recipe;
  const char *path, *init, *resume, *from_pacemaker;
  bool document, document_pacemaker;
  cli_flags flags;
  cli_host host;
} options;

/* ---- flags ---- */

/* Of a distillation that goes on: how it works, and where files are. */
static void check_change(const options *o, const char *key, struct argp_state *state) {
  const ftl_option *option = ftl_option_find(o->table, key);
  const bool file = option && (option->type == FTL_OPTION_PATH || option->type == FTL_OPTION_PATHS);
  if (strcmp(key, "threads") != 0 && (!file || strcmp(key, "output") == 0))
    argp_error(state,
               "--resume goes on as RUN/recipe.yaml says; threads can be changed, and where files are (model, "
               "foundation, data, valid, sample.starts, sample.lammps), not %s",
               key);
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
  options *o = state->input;
  if (cli_flags_parse(&o->flags, key, argument, state)) return 0;
  switch (key) {
  case KEY_RESUME:
    o->resume = argument;
    return 0;
  case KEY_DOCUMENT:
    o->document = true;
    return 0;
  case KEY_INIT:
    o->init = argument;
    return 0;
  case KEY_FROM_PACEMAKER:
    o->from_pacemaker = argument;
    return 0;
  case KEY_DOCUMENT_PACEMAKER:
    o->document_pacemaker = true;
    return 0;
  case 'q':
    o->host.quiet = true;
    return 0;
  case ARGP_KEY_ARG:
    if (o->path) argp_error(state, "one RECIPE.yaml is all it takes, not also '%s'", argument);
    o->path = argument;
    return 0;
  case ARGP_KEY_END:
    if (o->document || o->document_pacemaker) return 0;
    if (o->from_pacemaker && o->path)
      argp_error(state, "--from-pacemaker goes with --init and other flags only; leave out '%s'", o->path);
    if (o->init || o->from_pacemaker) return 0;
    if (!o->path && !o->resume && !o->flags.n) argp_error(state, "it takes a RECIPE.yaml, or flags");
    if (o->resume && o->path) argp_error(state, "--resume RUN goes on with RUN/recipe.yaml; leave out '%s'", o->path);
    for (int k = 0; o->resume && k < o->flags.n; k++) check_change(o, o->flags.given[k].key, state);
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_option fit_options[] = {
    {"init", KEY_INIT, "RECIPE.yaml", 0, "write a commented recipe of all options; nothing is fitted", 2},
    {"from-pacemaker", KEY_FROM_PACEMAKER, "INPUT.yaml", 0,
     "an input of python-ace's pacemaker as settings, which other flags override; says what has no counterpart; with "
     "--init it is written as a recipe",
     2},
    {"quiet", 'q', NULL, 0, "no tables and no progress bar", 2},
    {"document", KEY_DOCUMENT, NULL, OPTION_HIDDEN, "print the table of docs/surrogate.md", 2},
    {"document-from-pacemaker", KEY_DOCUMENT_PACEMAKER, NULL, OPTION_HIDDEN, "print that of pacemaker's keys", 2},
    {0}};

static const struct argp_option distill_options[] = {
    {"init", KEY_INIT, "RECIPE.yaml", 0, "write a commented recipe of all options; nothing is sampled", 2},
    {"resume", KEY_RESUME, "RUN", 0, "go on with an interrupted run: finished samples are kept", 2},
    {"quiet", 'q', NULL, 0, "no tables and no progress bar", 2},
    {"document", KEY_DOCUMENT, NULL, OPTION_HIDDEN, "print the table of docs/surrogate.md", 2},
    {0}};

/* What the first signal says; a fit has no run to go on with. */
static void phase(void *context, int phase) {
  const cli_host *host = context;
  if (phase == FTL_SURROGATE_LEARNING)
    cli_host_phase(host, true,
                   "interrupted; the step under way took too long to wait for, and what was done since the last state "
                   "is lost; go on with: frozentl distill --resume %.500s");
  else if (!host->run)
    cli_host_phase(host, phase == FTL_SURROGATE_WRITING, "interrupted; nothing was written: a fit begins again%s");
  else
    cli_host_phase(host, phase == FTL_SURROGATE_WRITING,
                   phase == FTL_SURROGATE_FITTING ? "interrupted; the samples are kept, and the fit begins again; go "
                                                    "on with: frozentl distill --resume %.600s"
                                                  : "interrupted; go on with: frozentl distill --resume %.600s");
}

/* ---- the commands ---- */

static int write_recipe(options *o, ftl_error *error) {
  if (access(o->init, F_OK) == 0) {
    fprintf(stderr, "frozentl: %s: it exists, and --init does not overwrite it\n", o->init);
    return CLI_OUTPUT;
  }
  const ftl_options_style style = {.folder = ".", .documented = true};
  ftl_output_file file = {0};
  ftl_status status = ftl_output_open(o->init, &file, error);
  if (!status) status = ftl_options_write(&o->recipe->options, &style, file.stream, error);
  if (!status) status = ftl_output_commit(&file, error);
  else ftl_output_discard(&file);
  return status ? cli_report(error, CLI_OUTPUT) : CLI_OK;
}

static ftl_status take_from_pacemaker(options *o, ftl_error *error) {
  cli_settings settings = {0};
  ftl_status status = cli_from_pacemaker(o->from_pacemaker, &settings, error);
  if (!status) status = cli_settings_use(&settings, &o->flags, "from-pacemaker", o->host.quiet, error);
  cli_settings_free(&settings);
  return status;
}

static ftl_status make_recipe(options *o, ftl_error *error) {
  FTL_TRY(o->from_pacemaker ? take_from_pacemaker(o, error) : FTL_OK);
  ftl_status status = o->resume ? ftl_surrogate_recipe_of_run(o->resume, &o->recipe, error)
                                : ftl_surrogate_recipe_new(o->table, &o->recipe, error);
  if (!status) status = cli_flags_apply(&o->flags, o->path, &o->recipe->options, error);
  if (!status) status = ftl_surrogate_recipe_check(o->recipe, error);
  if (!status)
    status =
        o->init ? ftl_options_check_given(&o->recipe->options, error) : ftl_options_check(&o->recipe->options, error);
  if (!status && !o->init) status = ftl_options_locate(&o->recipe->options, error);
  return status;
}

/* Ranks mostly fail alike, and one of them says it. But one may be alone, and the others would wait for it for ever. */
static int end_ranks(int code, const ftl_error *error) {
  if (ftl_ranks_mine() > 0) sleep(2);
  if (error) code = cli_report(error, code);
  if (ftl_ranks_n() > 1) ftl_ranks_abort(code);
  return code;
}

static int say_interrupted(const options *o) {
  if (ftl_ranks_mine() == 0 && o->table == &ftl_distill_table)
    fprintf(stderr, "frozentl: interrupted; go on with: frozentl distill --resume %s\n",
            o->resume ? o->resume : o->recipe->output);
  else if (ftl_ranks_mine() == 0) fprintf(stderr, "frozentl: interrupted; nothing was written\n");
  return end_ranks(CLI_INTERRUPTED, NULL);
}

static int run(options *o) {
  ftl_error error = {0};
  ftl_surrogate_end end;
  if (o->document_pacemaker) {
    printf("| pacemaker | its default | here |\n| --- | --- | --- |\n");
    for (int k = 0; k < cli_pacemaker_n; k++) {
      const cli_pacemaker_key *row = &cli_pacemaker_keys[k];
      cli_document_row("", row->key, row->initial, row->role, row->becomes);
    }
    return CLI_OK;
  }
  if (o->document) {
    ftl_options_document(o->table, stdout);
    return CLI_OK;
  }
  if (make_recipe(o, &error) != FTL_OK) /* all ranks read the same */
    return ftl_ranks_mine() == 0 ? cli_report(&error, CLI_INPUT) : CLI_INPUT;
  if (o->init) return write_recipe(o, &error);
  if (o->table == &ftl_distill_table && ftl_ranks_n() > 1) {
    if (ftl_ranks_mine() == 0)
      fprintf(stderr, "frozentl: distill samples with threads, not with MPI ranks: run it once, without mpirun\n");
    return CLI_USAGE;
  }
  if (o->table == &ftl_distill_table) o->host.run = o->resume ? o->resume : o->recipe->output;
  if (o->resume) phase(&o->host, FTL_SURROGATE_BEGUN);
  else cli_host_phase(&o->host, false, "interrupted; nothing was written");
  if (ftl_ranks_mine() == 0) cli_warn_of_threads((int)o->recipe->threads);
  const ftl_host host = cli_host_start(&o->host, phase);
  const ftl_status status = ftl_surrogate_run(o->recipe, o->resume != NULL, &host, &end, &error);
  cli_progress_end(&o->host.progress);
  if (end == FTL_SURROGATE_INTERRUPTED) return say_interrupted(o);
  if (!status) return CLI_OK;
  return end_ranks(end == FTL_SURROGATE_UNWRITTEN ? CLI_OUTPUT : CLI_INPUT, &error);
}

static int command(options *o, const struct argp_option *own, const char *example, struct argp *argp, int argc,
                   char **argv) {
  if (!cli_flags_start(&o->flags, o->table, example, own)) {
    cli_flags_end(&o->flags);
    return CLI_MEMORY;
  }
  argp->options = o->flags.list;
  argp->parser = parse_option;
  ftl_ranks_start(&argc, &argv);
  int code = cli_parse(argp, o->table->command, argc, argv, o);
  if (code == CLI_OK && ftl_ranks_problem()) {
    fprintf(stderr, "frozentl: %s\n", ftl_ranks_problem());
    code = CLI_INPUT;
  }
  if (code == CLI_OK) code = run(o);
  ftl_surrogate_recipe_free(o->recipe);
  cli_flags_end(&o->flags);
  ftl_ranks_end();
  return code;
}

int cmd_fit(int argc, char **argv) {
  options o = {.table = &ftl_fit_table};
  struct argp argp = {
      .args_doc = "RECIPE.yaml\n--data DATA.xyz -o RUN",
      .doc = "Fits a linear ACE potential to labelled structures.\v"
             "The folder RUN gets model.ftl (with uncertainty), model.yace (for LAMMPS's pair_style pace too) and "
             "report.json. docs/surrogate.md describes all options.\n\n"
             "  frozentl fit --data train.xyz --valid valid.xyz --n 8/5/3 --l 4/3 -o run\n\n"
             "Exit codes besides the usual ones: 6 interrupted.\n"};
  return command(&o, fit_options, "solver.kind=ard", &argp, argc, argv);
}

int cmd_distill(int argc, char **argv) {
  options o = {.table = &ftl_distill_table};
  struct argp argp = {
      .args_doc = "RECIPE.yaml\n--model MODEL --starts STARTS.xyz -o RUN\n--resume RUN",
      .doc = "Distils a model into a linear ACE potential, or a small MACE (--student): the model samples structures "
             "and labels them, and the potential is fitted to them, and to --data.\v"
             "The folder RUN gets model.ftl (with uncertainty), model.yace (for LAMMPS's pair_style pace too), the "
             "sampled structures and report.json. docs/surrogate.md describes all options.\n\n"
             "  frozentl distill --model fine-tuned.ftl --starts train.xyz --jobs bulk,strain,rattle -o run\n"
             "  frozentl distill --model fine-tuned.ftl --data train.xyz --student mace:16x0e -o small\n"
             "  frozentl distill --resume run\n\n"
             "Exit codes besides the usual ones: 6 interrupted, and can be resumed.\n"};
  return command(&o, distill_options, "sample.volume=0.1", &argp, argc, argv);
}
