/* frozentl train: a recipe and flags in, a run folder out. The flags are those of the table of options. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "data/output.h"
#include "fit/propose.h"
#include "fit/train.h"
#include "parallel/ranks.h"

enum { KEY_SET = 900, KEY_INIT, KEY_RESUME, KEY_DOCUMENT, KEY_TABLE = 1000 };

typedef struct {
  ftl_recipe *recipe;
  const char *path, *init, *resume;
  char **keys, **texts, **names; /* flags in their order: a recipe is read before them, wherever it stands */
  int n_flags;
  bool quiet, document;
  cli_progress progress;
} options;

/* ---- flags ---- */

static void keep_flag(options *o, struct argp_state *state, const char *key, size_t length, const char *text,
                      const char *name) {
  const size_t n = (size_t)o->n_flags + 1;
  char **keys = realloc(o->keys, n * sizeof *keys);
  if (keys) o->keys = keys;
  char **texts = realloc(o->texts, n * sizeof *texts);
  if (texts) o->texts = texts;
  char **names = realloc(o->names, n * sizeof *names);
  if (names) o->names = names;
  if (!keys || !texts || !names || !(keys[n - 1] = strndup(key, length)))
    argp_failure(state, CLI_MEMORY, 0, "no memory");
  texts[n - 1] = strdup(text);
  names[n - 1] = malloc(strlen(name) + 3);
  if (!texts[n - 1] || !names[n - 1]) argp_failure(state, CLI_MEMORY, 0, "no memory");
  sprintf(names[n - 1], "--%s", name);
  o->n_flags++;
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
  options *o = state->input;
  int n;
  const ftl_option *table = ftl_recipe_options(&n);
  for (int k = 0; k < n; k++)
    if (table[k].flag && (key == KEY_TABLE + k || (table[k].letter && key == table[k].letter))) {
      keep_flag(o, state, table[k].key, strlen(table[k].key), argument, table[k].flag);
      return 0;
    }
  switch (key) {
  case KEY_SET: {
    const size_t length = strcspn(argument, "=");
    if (!argument[length] || length == 0) argp_error(state, "--set takes KEY=VALUE, not '%s'", argument);
    keep_flag(o, state, argument, length, argument + length + 1, "set");
    return 0;
  }
  case KEY_INIT:
    o->init = argument;
    return 0;
  case KEY_RESUME:
    o->resume = argument;
    return 0;
  case KEY_DOCUMENT:
    o->document = true;
    return 0;
  case 'q':
    o->quiet = true;
    return 0;
  case ARGP_KEY_ARG:
    if (o->path) argp_error(state, "one RECIPE.yaml is all it takes, not also '%s'", argument);
    o->path = argument;
    return 0;
  case ARGP_KEY_END:
    if (o->document) return 0;
    if (!o->path && !o->resume && !o->n_flags)
      argp_error(state,
                 "it takes a RECIPE.yaml, or --data and other flags; --init RECIPE.yaml --data X writes a recipe");
    if (o->init && (o->path || o->resume)) argp_error(state, "--init goes with --data and other flags only");
    if (o->resume && o->path) argp_error(state, "--resume RUN goes on with RUN/recipe.yaml; leave out '%s'", o->path);
    for (int k = 0; o->resume && k < o->n_flags; k++)
      if (strcmp(o->keys[k], "epochs") != 0 && strcmp(o->keys[k], "steps") != 0 && strcmp(o->keys[k], "threads") != 0)
        argp_error(
            state,
            "--resume goes on as RUN/recipe.yaml says; only --epochs, --steps and --threads can be changed, not %s",
            o->keys[k]);
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_option own_options[] = {
    {"set", KEY_SET, "KEY=VALUE", 0, "set any option of a recipe: --set loss.energy=10", 1},
    {"init", KEY_INIT, "RECIPE.yaml", 0,
     "look at --data (and --foundation) and write a commented recipe for them; nothing is trained", 2},
    {"resume", KEY_RESUME, "RUN", 0, "go on with an interrupted run, to the bit as if it had not been interrupted", 2},
    {"quiet", 'q', NULL, 0, "no tables and no progress bar", 2},
    {"document", KEY_DOCUMENT, NULL, OPTION_HIDDEN, "print the table of docs/training.md", 2},
};
enum { N_OWN = sizeof own_options / sizeof *own_options };

static const char *value_name(const ftl_option *option) {
  static const char *const names[] = {
      [FTL_OPTION_TEXT] = "TEXT",      [FTL_OPTION_PATH] = "FILE",        [FTL_OPTION_PATHS] = "FILE",
      [FTL_OPTION_WORDS] = "WORD,...", [FTL_OPTION_RATES] = "WORD=X,...", [FTL_OPTION_INTEGER] = "N",
      [FTL_OPTION_REAL] = "X",         [FTL_OPTION_BOOL] = "true|false",  [FTL_OPTION_CHOICE] = "WORD"};
  return option->value ? option->value : names[option->type];
}

/* argp's list from the table; help texts are allocated. */
static struct argp_option *make_option_list(void) {
  int n, count = 0;
  const ftl_option *table = ftl_recipe_options(&n);
  struct argp_option *list = calloc((size_t)n + N_OWN + 1, sizeof *list);
  for (int k = 0; list && k < n; k++) {
    if (!table[k].flag) continue;
    char text[600];
    snprintf(text, sizeof text, "%s%s%s%s%s", table[k].doc, table[k].choices ? "; one of " : "",
             table[k].choices ? table[k].choices : "", table[k].initial ? "; default " : "",
             table[k].initial ? table[k].initial : "");
    list[count++] = (struct argp_option){
        table[k].flag, table[k].letter ? table[k].letter : KEY_TABLE + k, value_name(&table[k]), 0, strdup(text), 1};
  }
  if (list) memcpy(list + count, own_options, sizeof own_options);
  return list;
}

static void free_option_list(struct argp_option *list) {
  for (int k = 0; list && list[k].name; k++)
    if (list[k].key >= KEY_TABLE || (list[k].key < KEY_SET && list[k].key != 'q')) free((char *)list[k].doc);
  free(list);
}

/* ---- signals ---- */

static volatile sig_atomic_t stop;
static struct sigaction before[2];
static const int caught[2] = {SIGINT, SIGTERM};

/* The first one asks the loop to stop; the second one ends the program as it would have without us. */
static void on_signal(int number) {
  if (stop) {
    for (int k = 0; k < 2; k++) sigaction(caught[k], &before[k], NULL);
    raise(number);
  }
  stop = 1;
}

static void catch_signals(void) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  for (int k = 0; k < 2; k++) sigaction(caught[k], &action, &before[k]);
}

/* ---- what the loop says ---- */

static void show(void *context, const char *text) {
  options *o = context;
  cli_progress_clear(&o->progress);
  puts(text);
  fflush(stdout);
}

static void say(void *context, const char *text) {
  const options *o = context;
  if (!o->quiet) show(context, text);
}

static void warn(void *context, const char *text) {
  options *o = context;
  cli_progress_clear(&o->progress);
  fflush(stdout);
  fprintf(stderr, "frozentl: warning: %s\n", text);
}

static void progress(void *context, double done, double total) {
  options *o = context;
  if (!o->progress.what) {
    cli_progress_start(&o->progress, "steps", total, o->quiet);
    o->progress.first = done - 1;
  }
  cli_progress_update(&o->progress, done);
}

/* ---- the command ---- */

static ftl_status make_recipe(options *o, ftl_error *error) {
  ftl_status status = ftl_recipe_new(&o->recipe, error);
  if (status == FTL_OK && o->path) status = ftl_recipe_read(o->recipe, o->path, error);
  for (int k = 0; status == FTL_OK && k < o->n_flags; k++)
    status = ftl_recipe_set(o->recipe, o->keys[k], o->texts[k], o->names[k], error);
  return status;
}

static int propose(options *o, ftl_error *error) {
  if (access(o->init, F_OK) == 0) {
    fprintf(stderr, "frozentl: %s: it exists, and --init does not overwrite it\n", o->init);
    return CLI_OUTPUT;
  }
  ftl_output_file file;
  if (ftl_propose(o->recipe, error) != FTL_OK) return cli_report(error, CLI_INPUT);
  if (ftl_output_open(o->init, &file, error) != FTL_OK) return cli_report(error, CLI_OUTPUT);
  if (ftl_propose_write(o->recipe, o->init, file.stream, error) != FTL_OK) {
    ftl_output_discard(&file);
    return cli_report(error, CLI_OUTPUT);
  }
  if (ftl_output_commit(&file, error) != FTL_OK) return cli_report(error, CLI_OUTPUT);
  if (!o->quiet) printf("wrote %s; look through it, then: frozentl train %s\n", o->init, o->init);
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

static int train(options *o, ftl_error *error) {
  const ftl_train_host host = {
      .context = o, .say = say, .show = show, .warn = warn, .progress = progress, .stop = &stop};
  ftl_train_end end;
  catch_signals();
  const ftl_status status =
      o->resume ? ftl_train_resume(o->resume, o->recipe, &host, &end, error) : ftl_train(o->recipe, &host, &end, error);
  cli_progress_end(&o->progress);
  int code = exit_code(end);
  if (end == FTL_TRAIN_INTERRUPTED && ftl_ranks_mine() == 0)
    fprintf(stderr, "frozentl: interrupted; go on with: frozentl train --resume %s\n",
            o->resume ? o->resume : o->recipe->output);
  if (status == FTL_OK) return code;
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
  if (o->document) {
    ftl_recipe_document(stdout);
    return CLI_OK;
  }
  if (make_recipe(o, &error) != FTL_OK) return report_once(&error);
  if (o->init) return propose(o, &error);
  if (!o->resume && ftl_recipe_check(o->recipe, &error) != FTL_OK) return report_once(&error);
  return train(o, &error);
}

static void free_options(options *o) {
  for (int k = 0; k < o->n_flags; k++) {
    free(o->keys[k]);
    free(o->texts[k]);
    free(o->names[k]);
  }
  free(o->keys);
  free(o->texts);
  free(o->names);
  ftl_recipe_free(o->recipe);
}

int cmd_train(int argc, char **argv) {
  struct argp_option *list = make_option_list();
  const struct argp argp = {
      .options = list,
      .parser = parse_option,
      .args_doc = "RECIPE.yaml\n--data DATA.xyz [--foundation MODEL] -o RUN\n--init RECIPE.yaml --data DATA.xyz\n"
                  "--resume RUN",
      .doc = "Trains a model: fine-tunes a foundation, all of it or what is not frozen, or makes a new one.\v"
             "Settings are in a recipe; flags override it. The folder RUN gets model.ftl (the best model so far), the "
             "log, and the state from which --resume goes on. docs/training.md describes all options.\n\n"
             "  frozentl train --init recipe.yaml --foundation mace-mp.model --data train.xyz\n"
             "  frozentl train recipe.yaml -o run\n"
             "  frozentl train --resume run\n\n"
             "The first SIGINT or SIGTERM ends the step under way and saves the state. Exit codes besides the usual "
             "ones: 5 training diverged; 6 interrupted, and can be resumed.\n"};
  options o = {0};
  if (!list) return CLI_MEMORY;
  ftl_ranks_start(&argc, &argv);
  int code = cli_parse(&argp, "train", argc, argv, &o);
  if (code == CLI_OK && ftl_ranks_problem()) {
    fprintf(stderr, "frozentl: %s\n", ftl_ranks_problem());
    code = CLI_INPUT;
  }
  if (code == CLI_OK) code = run(&o);
  free_options(&o);
  free_option_list(list);
  ftl_ranks_end();
  return code;
}
