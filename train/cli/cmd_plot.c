/* frozentl plot: pictures of a training run, learning curves. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "support/output.h"
#include "base/error.h"
#include "plot/plot.h"

typedef struct {
  const char *run, *curve, *output;
} options;

static error_t parse_option(int key, char *argument, struct argp_state *state) {
  options *o = state->input;
  switch (key) {
  case 'c':
    o->curve = argument;
    return 0;
  case 'o':
    o->output = argument;
    return 0;
  case ARGP_KEY_ARG:
    if (o->run) argp_error(state, "it takes one RUN, not also '%s'", argument);
    o->run = argument;
    return 0;
  case ARGP_KEY_END:
    if (o->curve && o->run) argp_error(state, "it draws RUN or --curve TABLE.csv, not both at once");
    if (o->curve && !o->output) argp_error(state, "--curve needs --output FILE.svg");
    if (!o->curve && !o->run) argp_error(state, "which RUN? Give the folder that frozentl train has written");
    if (o->output && !*o->output) argp_error(state, "--output is empty");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_option option_list[] = {
    {"curve", 'c', "TABLE.csv", 0,
     "draw learning curves: columns mode, fraction (0 to 1) or structures, energy_rmse_meV_atom, force_rmse_meV_A, and "
     "seed where points are repeated",
     0},
    {"output", 'o', "PATH", 0, "folder of the pictures of RUN (default: RUN/plots); the file of --curve", 0},
    {0},
};
static const struct argp argp = {
    option_list,
    parse_option,
    "RUN\n--curve TABLE.csv --output FILE.svg",
    "Draws what frozentl train has left in the folder RUN, as SVG: history.svg (loss and errors by epoch), "
    "parity-valid.svg and parity-test.svg (predicted against reference), errors.svg (by config_type). A run that is "
    "not "
    "finished has the first one only."
    "\vPictures that are there already are replaced, once all have been drawn.\n\n"
    "Example: frozentl plot runs/h2cu",
    NULL,
    NULL,
    NULL};

typedef ftl_status draw_function(const char *path, const char *title, FILE *svg, ftl_error *error);

typedef struct {
  char *text; /* the picture; malloc'ed; NULL when there is none */
  size_t size;
} picture;

static int draw(draw_function *function, const char *path, const char *title, picture *p) {
  ftl_error error = {0};
  FILE *stream = open_memstream(&p->text, &p->size);
  ftl_status status = stream ? function(path, title, stream, &error) : FTL_OK;
  bool complete = stream && !ferror(stream);
  if (stream && fclose(stream) != 0) complete = false;
  if (status == FTL_OK && !complete) status = ftl_fail(&error, FTL_ERR_MEMORY, path, "out of memory");
  return status == FTL_OK ? CLI_OK : cli_report(&error, CLI_INPUT);
}

static int save(const picture *p, const char *path) {
  ftl_error error = {0};
  ftl_output_file file;
  if (ftl_output_open(path, &file, &error) != FTL_OK) return cli_report(&error, CLI_OUTPUT);
  fwrite(p->text, 1, p->size, file.stream);
  if (ftl_output_commit(&file, &error) != FTL_OK) return cli_report(&error, CLI_OUTPUT);
  printf("%s: %.1f kB\n", path, (double)p->size / 1000);
  return CLI_OK;
}

/* FOLDER/NAME, malloc'ed. NULL: no memory. */
static char *join(const char *folder, const char *name) {
  char *path = malloc(strlen(folder) + strlen(name) + 2);
  if (path) sprintf(path, "%s/%s", folder, name);
  return path;
}

static const struct {
  const char *source, *name, *what;
  draw_function *function;
  bool needed; /* the others are there when the run is finished */
} pictures[] = {{"log.csv", "history.svg", "", ftl_plot_history, true},
                {"predictions-valid.csv", "parity-valid.svg", ", valid", ftl_plot_parity, false},
                {"predictions-test.csv", "parity-test.svg", ", test", ftl_plot_parity, false},
                {"errors.csv", "errors.svg", "", ftl_plot_errors, false}};
#define N_PICTURES (sizeof pictures / sizeof *pictures)

static int no_memory(void) {
  const ftl_error error = {.code = FTL_ERR_MEMORY, .message = "out of memory"};
  return cli_report(&error, CLI_MEMORY);
}

static int draw_all(const char *run, const char *name, picture *made) {
  int code = CLI_OK;
  char title[300];
  for (size_t k = 0; k < N_PICTURES && code == CLI_OK; k++) {
    char *path = join(run, pictures[k].source);
    if (!path) return no_memory();
    snprintf(title, sizeof title, "%s%s", name, pictures[k].what);
    if (pictures[k].needed || access(path, F_OK) == 0) code = draw(pictures[k].function, path, title, &made[k]);
    free(path);
  }
  return code;
}

static int save_all(const picture *made, const char *folder) {
  ftl_error error = {0};
  int code = CLI_OK;
  if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
    ftl_fail(&error, FTL_ERR_IO, folder, "cannot make this folder: %s", strerror(errno));
    return cli_report(&error, CLI_OUTPUT);
  }
  for (size_t k = 0; k < N_PICTURES && code == CLI_OK; k++) {
    char *path = join(folder, pictures[k].name);
    if (!path) code = no_memory();
    else if (made[k].text) code = save(&made[k], path);
    else printf("%s: not drawn, as the run has no %s\n", path, pictures[k].source);
    free(path);
  }
  return code;
}

static int check_pictures(const char *run, const char *folder) {
  ftl_paths paths = {0};
  char source[4096], made[4096];
  for (size_t k = 0; k < N_PICTURES; k++) {
    snprintf(source, sizeof source, "%s/%s", run, pictures[k].source);
    snprintf(made, sizeof made, "%s/%s", folder, pictures[k].name);
    ftl_paths_input(&paths, pictures[k].source, source);
    ftl_paths_output(&paths, pictures[k].name, made);
  }
  return cli_check_paths(&paths);
}

static int plot_run(const options *o) {
  ftl_error error = {0};
  struct stat info;
  if (stat(o->run, &info) != 0 || !S_ISDIR(info.st_mode)) {
    ftl_fail(&error, FTL_ERR_IO, o->run, "%s; give the folder that frozentl train has written",
             access(o->run, F_OK) == 0 ? "it is no folder" : strerror(errno));
    return cli_report(&error, CLI_INPUT);
  }
  picture made[N_PICTURES] = {0};
  char *real = realpath(o->run, NULL), *folder = o->output ? strdup(o->output) : join(o->run, "plots");
  int code = CLI_OK;
  if (!real || !folder) {
    code = no_memory();
  } else {
    const char *name = strrchr(real, '/');
    code = check_pictures(o->run, folder);
    if (code == CLI_OK) code = draw_all(o->run, name && name[1] ? name + 1 : real, made);
    if (code == CLI_OK) code = save_all(made, folder);
  }
  for (size_t k = 0; k < N_PICTURES; k++) free(made[k].text);
  free(real);
  free(folder);
  return code;
}

static int plot_curve(const options *o) {
  picture made = {0};
  const char *name = strrchr(o->curve, '/');
  ftl_paths paths = {0};
  ftl_paths_input(&paths, "--curve", o->curve);
  ftl_paths_output(&paths, "--output", o->output);
  int code = cli_check_paths(&paths);
  if (code == CLI_OK) code = draw(ftl_plot_curve, o->curve, name ? name + 1 : o->curve, &made);
  if (code == CLI_OK) code = save(&made, o->output);
  free(made.text);
  return code;
}

int cmd_plot(int argc, char **argv) {
  options o = {0};
  int code = cli_parse(&argp, "plot", argc, argv, &o);
  if (code != CLI_OK) return code;
  return o.curve ? plot_curve(&o) : plot_run(&o);
}
