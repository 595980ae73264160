/* frozentl train: a recipe and flags in, a run folder out. The flags are those of the table of options. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/from_mace.h"
#include "cli/host.h"
#include "cli/mace_flags.h"
#include "cli/option_flags.h"
#include "cli/trust_output.h"
#include "trust/linear_run.h"
#include "support/output.h"
#include "tune/propose.h"
#include "tune/train.h"
#include "support/ranks.h"
#include "base/error.h"

enum { KEY_INIT = CLI_FLAGS_KEY + 1, KEY_RESUME, KEY_FROM_MACE, KEY_DOCUMENT, KEY_DOCUMENT_MACE };

typedef struct {
  ftl_recipe *recipe;
  const char *path, *init, *resume, *from_mace;
  bool document, document_mace;
  cli_flags flags;
  cli_host host;
} options;

/* ---- flags ---- */

/* Of a run that goes on. */
static void check_change(const char *key, struct argp_state *state) {
  if (!ftl_train_may_change(key))
    argp_error(state,
               "--resume goes on as RUN/recipe.yaml says; epochs, steps, patience, threads, save_every, save_seconds, "
               "cache_mb can be "
               "changed, and where files are (foundation, data, valid, test, replay.data), not %s",
               key);
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
  options *o = state->input;
  if (cli_flags_parse(&o->flags, key, argument, state)) return 0;
  switch (key) {
  case KEY_INIT:
    o->init = argument;
    return 0;
  case KEY_RESUME:
    o->resume = argument;
    return 0;
  case KEY_FROM_MACE:
    o->from_mace = argument;
    return 0;
  case KEY_DOCUMENT:
    o->document = true;
    return 0;
  case KEY_DOCUMENT_MACE:
    o->document_mace = true;
    return 0;
  case 'q':
    o->host.quiet = true;
    return 0;
  case ARGP_KEY_ARG:
    if (o->path) argp_error(state, "one RECIPE.yaml is all it takes, not also '%s'", argument);
    o->path = argument;
    return 0;
  case ARGP_KEY_END:
    if (o->document || o->document_mace) return 0;
    if (o->from_mace && (o->path || o->resume)) argp_error(state, "--from-mace goes with --init and other flags only");
    if (!o->path && !o->resume && !o->flags.n && !o->from_mace)
      argp_error(state,
                 "it takes a RECIPE.yaml, or --data and other flags; --init RECIPE.yaml --data X writes a recipe");
    if (o->init && (o->path || o->resume)) argp_error(state, "--init goes with --data and other flags only");
    if (o->resume && o->path) argp_error(state, "--resume RUN goes on with RUN/recipe.yaml; leave out '%s'", o->path);
    for (int k = 0; o->resume && k < o->flags.n; k++) check_change(o->flags.given[k].key, state);
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_option own_options[] = {
    {"init", KEY_INIT, "RECIPE.yaml", 0,
     "look at --data (and --foundation) and write a commented recipe for them; nothing is trained", 2},
    {"resume", KEY_RESUME, "RUN", 0,
     "go on with an interrupted run, to the bit as if it had not been interrupted; epochs, steps, patience, threads "
     "and "
     "where files are may be given with it",
     2},
    {"from-mace", KEY_FROM_MACE, "COMMAND", 0,
     "a command line of mace-torch, \"mace_run_train --train_file=...\", as settings, which other flags override; says "
     "what has no "
     "counterpart; with --init it is written as a recipe",
     2},
    {"quiet", 'q', NULL, 0, "no tables and no progress bar", 2},
    {"document", KEY_DOCUMENT, NULL, OPTION_HIDDEN, "print the table of docs/training.md", 2},
    {"document-from-mace", KEY_DOCUMENT_MACE, NULL, OPTION_HIDDEN, "print that of mace_run_train's flags", 2},
    {0}};

/* ---- the command ---- */

static ftl_status take_from_mace(options *o, ftl_error *error) {
  cli_settings settings = {0};
  ftl_status status = cli_from_mace(o->from_mace, &settings, error);
  if (!status) status = cli_settings_use(&settings, &o->flags, "from-mace", o->host.quiet, error);
  cli_settings_free(&settings);
  return status;
}

static ftl_status make_recipe(options *o, ftl_error *error) {
  FTL_TRY(o->from_mace ? take_from_mace(o, error) : FTL_OK);
  FTL_TRY(ftl_recipe_new(&o->recipe, error));
  return cli_flags_apply(&o->flags, o->path, &o->recipe->options, error);
}

static int propose(options *o, ftl_error *error) {
  if (access(o->init, F_OK) == 0) {
    fprintf(stderr, "frozentl: %s: it exists, and --init does not overwrite it\n", o->init);
    return CLI_OUTPUT;
  }
  ftl_output_file file;
  char note[300] = "";
  if (ftl_propose(o->recipe, note, error) != FTL_OK) return cli_report(error, CLI_INPUT);
  if (*note) fprintf(stderr, "frozentl: warning: %s\n", note);
  if (ftl_output_open(o->init, &file, error) != FTL_OK) return cli_report(error, CLI_OUTPUT);
  if (ftl_propose_write(o->recipe, o->init, file.stream, error) != FTL_OK) {
    ftl_output_discard(&file);
    return cli_report(error, CLI_OUTPUT);
  }
  if (ftl_output_commit(&file, error) != FTL_OK) return cli_report(error, CLI_OUTPUT);
  if (!o->host.quiet) printf("wrote %s; look through it, then: frozentl train %s\n", o->init, o->init);
  return CLI_OK;
}

static int exit_code(ftl_train_end end) {
  switch (end) {
  case FTL_TRAIN_DONE:
    return CLI_OK;
  case FTL_TRAIN_INTERRUPTED:
    return CLI_INTERRUPTED;
  case FTL_TRAIN_DIVERGED:
    return CLI_DIVERGED;
  case FTL_TRAIN_UNWRITTEN:
    return CLI_OUTPUT;
  default:
    return CLI_INPUT;
  }
}

/* What the first signal says. */
static void phase(void *context, int phase) {
  const cli_host *host = context;
  if (phase == FTL_TRAIN_BEGUN)
    cli_host_phase(host, false, "interrupted before the first step; begin again with: frozentl train --resume %.600s");
  else if (phase == FTL_TRAIN_STEPS)
    cli_host_phase(host, true,
                   "interrupted; the step under way took too long to wait for, and what was done since the last state "
                   "is lost; go on with: frozentl train --resume %.500s");
  else if (phase == FTL_TRAIN_ENDING)
    cli_host_phase(host, true,
                   "interrupted; the model and its errors are written, only the state took too long to wait for: "
                   "frozentl train --resume %.500s says whether the run is finished");
  else
    cli_host_phase(host, false,
                   "interrupted; the model is written, only its errors (errors.csv, predictions-*.csv) are missing: "
                   "frozentl train --resume %.500s makes them");
}

static int train(options *o, ftl_error *error) {
  o->host.run = o->resume ? o->resume : o->recipe->output;
  cli_host_phase(&o->host, false,
                 o->resume ? "interrupted; the run is as it was: go on with: frozentl train --resume %.600s"
                           : "interrupted; nothing was written to %.600s");
  const ftl_host host = cli_host_start(&o->host, phase);
  ftl_train_end end;
  const ftl_train_parts parts = {cli_trust_of_run, ftl_linear_solve};
  const ftl_status status = o->resume ? ftl_train_resume(o->resume, o->recipe, &host, &parts, &end, error)
                                      : ftl_train(o->recipe, &host, &parts, &end, error);
  cli_progress_end(&o->host.progress);
  int code = exit_code(end);
  if (end == FTL_TRAIN_INTERRUPTED && ftl_ranks_mine() == 0)
    fprintf(stderr, "frozentl: interrupted; go on with: frozentl train --resume %s\n", o->host.run);
  if (!status) return code;
  /* Mostly all ranks fail alike, and one of them says it. But one may be alone (it has no memory, say), and the others
     would wait for it for ever. */
  if (ftl_ranks_mine() > 0 && end != FTL_TRAIN_DIVERGED) sleep(2);
  if (ftl_ranks_mine() == 0 || end != FTL_TRAIN_DIVERGED) code = cli_report(error, code);
  if (ftl_ranks_n() > 1 && end != FTL_TRAIN_DIVERGED) ftl_ranks_abort(code);
  return code;
}

/* All ranks read the same recipe. */
static int report_once(const ftl_error *error) {
  return ftl_ranks_mine() == 0 ? cli_report(error, CLI_INPUT) : CLI_INPUT;
}

static int run(options *o) {
  ftl_error error = {0};
  if (o->document_mace) {
    printf("| `mace_run_train` | its default | here |\n| --- | --- | --- |\n");
    for (int k = 0; k < CLI_MACE_N; k++) {
      const cli_mace_flag *f = &cli_mace_flags[k];
      cli_document_row("--", f->flag, f->initial, f->role, f->becomes);
    }
    return CLI_OK;
  }
  if (o->document) {
    ftl_options_document(&ftl_recipe_table, stdout);
    return CLI_OK;
  }
  if (make_recipe(o, &error) != FTL_OK) return report_once(&error);
  if (o->init) return propose(o, &error);
  if (!o->resume && (ftl_options_check(&o->recipe->options, &error) != FTL_OK ||
                     ftl_options_locate(&o->recipe->options, &error) != FTL_OK))
    return report_once(&error);
  return train(o, &error);
}

int cmd_train(int argc, char **argv) {
  options o = {0};
  if (!cli_flags_start(&o.flags, &ftl_recipe_table, "loss.energy=10", own_options)) {
    cli_flags_end(&o.flags);
    return CLI_MEMORY;
  }
  const struct argp argp = {
      .options = o.flags.list,
      .parser = parse_option,
      .args_doc = "RECIPE.yaml\n--data DATA.xyz [--foundation MODEL] -o RUN\n--init RECIPE.yaml --data DATA.xyz\n"
                  "--resume RUN",
      .doc = "Trains a model: fine-tunes a foundation, all of it or what is not frozen, or makes a new one.\v"
             "Settings are in a recipe; flags override it. The folder RUN gets model.ftl (the best model so far), the "
             "log, and the state from which --resume goes on. docs/training.md describes all options.\n\n"
             "  frozentl train --init recipe.yaml --foundation mace-mp.model --data train.xyz\n"
             "  frozentl train recipe.yaml -o run\n"
             "  frozentl train --resume run\n\n"
             "SIGINT, SIGTERM or SIGHUP ends it within seconds, with the state saved; a second one at once. Exit codes "
             "besides the usual "
             "ones: 5 training diverged; 6 interrupted, and can be resumed.\n"};
  ftl_ranks_start(&argc, &argv);
  int code = cli_parse(&argp, "train", argc, argv, &o);
  if (code == CLI_OK && ftl_ranks_problem()) {
    fprintf(stderr, "frozentl: %s\n", ftl_ranks_problem());
    code = CLI_INPUT;
  }
  if (code == CLI_OK) code = run(&o);
  ftl_recipe_free(o.recipe);
  cli_flags_end(&o.flags);
  ftl_ranks_end();
  return code;
}
