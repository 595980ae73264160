/* frozentl plot: pictures of runs, of answers, and learning curves; python/frozentl/plot draws them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/command.h"
#include "base/error.h"
#include "base/path.h"
#include "cli/pictures.h"

#define LONGEST 4096

typedef struct {
  const char *run;
  char *curve, *output, *format_word;
  const char *format;
} options;

#define FTL_VALUES options
#include "support/option_table.h"

static const char *const formats[] = {"svg", "pdf", "png"};

/* The format that the end of a name asks for; NULL: none of them. */
static const char *format_of(const char *ending) {
  for (size_t k = 0; k < sizeof formats / sizeof *formats; k++)
    if (strcasecmp(ending, formats[k]) == 0) return formats[k];
  return NULL;
}

/* What follows the last dot of a file's name; "" if there is none. */
static const char *ending_of(const char *path) {
  const char *dot = strrchr(ftl_path_name(path), '.');
  return dot ? dot + 1 : "";
}

/* What frozentl eval --json has written, by its name. */
static bool is_answers(const char *path) { return strcasecmp(ending_of(path), "json") == 0; }

static const ftl_option rows[] = {
    PATH(curve, .key = "curve", .flag = "curve", .letter = 'c', .value = "TABLE.csv",
         .doc = "draw learning curves: columns mode, fraction (0 to 1) or structures, energy_rmse_meV_atom, "
                "force_rmse_meV_A, and seed where points are repeated"),
    TEXT(output, .key = "output", .flag = "output", .letter = 'o', .value = "PATH",
         .doc = "folder of the pictures of RUN (default: RUN/plots); otherwise the file, SVG, PDF or PNG by its ending "
                "(default for PREDICTIONS.json: PREDICTIONS-parity.svg)"),
    TEXT(format_word, .key = "format", .flag = "format", .letter = 'f', .value = "svg|pdf|png",
         .doc = "format of the pictures of RUN, or of PREDICTIONS.json without --output (svg)"),
};

static void check(const cli_given *given, struct argp_state *state) {
  options *o = given->options.values;
  o->run = given->file[0];
  o->format = o->format_word ? format_of(o->format_word) : NULL;
  if (o->format_word && !o->format) argp_error(state, "--format is svg, pdf or png, not '%s'", o->format_word);
  if (o->curve && o->run) argp_error(state, "it draws RUN or --curve TABLE.csv, not both at once");
  if (o->curve && !o->output) argp_error(state, "--curve needs --output FILE.svg");
  if (!o->curve && !o->run) argp_error(state, "which RUN? Give the folder that frozentl train has written");
  if (o->output && !*o->output) argp_error(state, "--output is empty");
  if (o->format && (o->curve || (o->output && is_answers(o->run))))
    argp_error(state, "--format is for what has no --output FILE, whose ending says it");
}

static const cli_command command_line = {
    .table = {.command = "plot", .option = rows, .n = sizeof rows / sizeof *rows},
    .files = "RUN\nPREDICTIONS.json\n--curve TABLE.csv --output FILE.svg",
    .doc = "Draws what frozentl train has left in the folder RUN: history (loss and errors by epoch), parity-valid and "
           "parity-test (predicted against reference), errors (by config_type). A run that is not finished has the "
           "first one only. Of a RUN of fit or distill: errors (by set) and errors-by-type; where a MACE was trained, "
           "history and parity-held-back too; of one with rounds, errors by round. Of PREDICTIONS.json, which "
           "frozentl eval --json "
           "has written for data with labels: parity."
           "\vPictures that are there already are replaced, once all have been drawn. They are drawn by matplotlib in "
           "the Python of FROZENTL_PYTHON, in build/venv of the source tree, in the Python beside this program, or in "
           "python3 of PATH.\n\n"
           "Example: frozentl plot runs/h2cu",
    .most = 1,
    .extra = "it takes one RUN",
    .check = check};

typedef struct {
  const char *kind, *source, *name, *what;
  enum { NEEDED, FINISHED, ASKED } there; /* always, once the run is finished, or only if it was asked for */
} part;

static const part of_training[] = {{"history", "log.csv", "history", "", NEEDED},
                                   {"parity", "predictions-valid.csv", "parity-valid", ", valid", FINISHED},
                                   {"parity", "predictions-test.csv", "parity-test", ", test", FINISHED},
                                   {"errors", "errors.csv", "errors", "", FINISHED},
                                   {NULL}};
static const part of_fit[] = {{"report", "report.json", "errors", "", NEEDED},
                              {"errors", "errors.csv", "errors-by-type", "", FINISHED},
                              {"rounds", "rounds.json", "rounds", "", ASKED},
                              {NULL}};
/* A distillation whose student is a network: the training is below. */
static const part of_student[] = {
    {"history", "student/log.csv", "history", "", NEEDED},
    {"parity", "student/predictions-valid.csv", "parity-held-back", ", held back", FINISHED},
    {"errors", "errors.csv", "errors-by-type", "", FINISHED},
    {"rounds", "rounds.json", "rounds", "", ASKED},
    {NULL}};
enum { MOST_PARTS = 4 };

/* A run's pictures: those that are drawn come first in `picture`, the texts of parts in their own order. */
typedef struct {
  char source[MOST_PARTS][LONGEST], path[MOST_PARTS][LONGEST], title[MOST_PARTS][300];
  cli_picture picture[MOST_PARTS];
  int n;
} plan;

static int too_long(const char *path) {
  ftl_error error = {0};
  ftl_fail(&error, FTL_ERR_IO, NULL, "the name %.200s... is too long", path);
  return cli_report(&error, CLI_OUTPUT);
}

static int make_plan(const options *o, const part *parts, const char *name, const char *folder, plan *p) {
  const char *form = o->format ? o->format : "svg";
  ftl_paths paths = {0};
  p->n = 0;
  for (int k = 0; parts[k].kind; k++) {
    if (snprintf(p->source[k], LONGEST, "%s/%s", o->run, parts[k].source) >= LONGEST ||
        snprintf(p->path[k], LONGEST, "%s/%s.%s", folder, parts[k].name, form) >= LONGEST) {
      ftl_paths_free(&paths);
      return too_long(o->run);
    }
    snprintf(p->title[k], sizeof p->title[k], "%.280s%s", name, parts[k].what);
    ftl_paths_input(&paths, parts[k].source, p->source[k]);
    ftl_paths_output(&paths, parts[k].name, p->path[k]);
    if (parts[k].there == NEEDED || access(p->source[k], F_OK) == 0)
      p->picture[p->n++] = (cli_picture){parts[k].kind, p->source[k], p->title[k], p->path[k], form};
  }
  return cli_check_paths(&paths);
}

static void say_missing(const plan *p, const part *parts, const char *run) {
  for (int k = 0, drawn = 0; parts[k].kind; k++) {
    if (drawn < p->n && p->picture[drawn].path == p->path[k]) drawn++;
    else if (parts[k].there != ASKED) printf("%s: not drawn, as the run has no %s\n", p->path[k], parts[k].source);
  }
  if (parts == of_fit)
    printf("for parity: frozentl eval %s/model.ftl DATA.xyz --json PREDICTIONS.json, then frozentl plot "
           "PREDICTIONS.json\n",
           run);
}

static int plot_run(const options *o) {
  ftl_error error = {0};
  struct stat info;
  char *real = realpath(o->run, NULL), folder[LONGEST], report[LONGEST], log[LONGEST], student[LONGEST];
  if (!real || stat(real, &info) != 0 || !S_ISDIR(info.st_mode)) {
    ftl_fail(&error, FTL_ERR_IO, o->run, "%s; give the folder that frozentl train has written",
             access(o->run, F_OK) == 0 ? "it is no folder" : strerror(errno));
    free(real);
    return cli_report(&error, CLI_INPUT);
  }
  const char *name = ftl_path_name(real);
  const bool fits =
      snprintf(folder, sizeof folder, o->output ? "%s" : "%s/plots", o->output ? o->output : o->run) < LONGEST;
  snprintf(report, sizeof report, "%s/report.json", o->run);
  snprintf(log, sizeof log, "%s/log.csv", o->run);
  snprintf(student, sizeof student, "%s/student/log.csv", o->run);
  const part *parts = access(log, F_OK) == 0       ? of_training
                      : access(student, F_OK) == 0 ? of_student
                      : access(report, F_OK) == 0  ? of_fit
                                                   : of_training;
  plan *p = malloc(sizeof *p);
  int code = CLI_MEMORY;
  if (!p) {
    ftl_no_memory(&error, NULL, "drawing a run");
    cli_report(&error, CLI_MEMORY);
  } else {
    code = fits ? make_plan(o, parts, *name ? name : real, folder, p) : too_long(o->run);
    if (code == CLI_OK) code = cli_draw(p->n, p->picture, folder);
    if (code == CLI_OK) say_missing(p, parts, o->run);
  }
  free(p);
  free(real);
  return code;
}

/* One picture of one file. */
static int plot_file(const char *kind, const char *what, const char *source, const char *output, const char *form) {
  ftl_error error = {0};
  ftl_paths paths = {0};
  char title[300];
  snprintf(title, sizeof title, "%.280s", ftl_path_name(source));
  ftl_paths_input(&paths, what, source);
  ftl_paths_output(&paths, "--output", output);
  int code = cli_check_paths(&paths);
  if (code != CLI_OK) return code;
  if (!form && !*ending_of(output)) form = "svg"; /* a pipe, a device */
  if (!form && !(form = format_of(ending_of(output)))) {
    ftl_fail(&error, FTL_ERR_INPUT, output, "its ending is none of .svg, .pdf and .png");
    return cli_report(&error, CLI_USAGE);
  }
  return cli_draw(1, &(cli_picture){kind, source, title, output, form}, NULL);
}

static int plot_answers(const options *o) {
  char output[LONGEST];
  if (o->output) return plot_file("answers", "PREDICTIONS.json", o->run, o->output, NULL);
  const char *form = o->format ? o->format : "svg";
  const int stem = (int)(strlen(o->run) - strlen(".json"));
  if (snprintf(output, sizeof output, "%.*s-parity.%s", stem, o->run, form) >= LONGEST) return too_long(o->run);
  return plot_file("answers", "PREDICTIONS.json", o->run, output, form);
}

static int plot(const cli_given *given) {
  const options *o = given->options.values;
  struct stat info;
  if (o->curve) return plot_file("curve", "--curve", o->curve, o->output, NULL);
  if (is_answers(o->run) && !(stat(o->run, &info) == 0 && S_ISDIR(info.st_mode))) return plot_answers(o);
  return plot_run(o);
}

int cmd_plot(int argc, char **argv) {
  options o = {0};
  return cli_command_run(&command_line, argc, argv, &o, plot);
}
