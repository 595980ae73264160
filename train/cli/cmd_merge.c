/* frozentl merge: a delta with its foundation to a file that needs no foundation. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "model/architecture.h"
#include "base/error.h"

typedef struct {
  const char *in, *out, *foundation;
  bool force;
} options;

static error_t parse_option(int key, char *argument, struct argp_state *state) {
  options *o = state->input;
  switch (key) {
  case 'o':
    o->out = argument;
    return 0;
  case 'F':
    o->foundation = argument;
    return 0;
  case 'f':
    o->force = true;
    return 0;
  case ARGP_KEY_ARG:
    if (o->in) argp_error(state, "one DELTA at a time, not also '%s'", argument);
    o->in = argument;
    return 0;
  case ARGP_KEY_END:
    if (!o->in) argp_error(state, "which DELTA?");
    if (!o->out) argp_error(state, "-o FULL.ftl says where to write");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_option option_list[] = {
    {"output", 'o', "FULL.ftl", 0, "the file to write", 0},
    {"foundation", 'F', "FILE", 0, CLI_FOUNDATION_HELP, 0},
    {"force", 'f', NULL, 0, "replace FULL.ftl if it exists", 0},
    {0},
};
static const struct argp argp = {option_list,
                                 parse_option,
                                 "DELTA.ftl -o FULL.ftl",
                                 "Writes a delta, which holds only what was trained, with the rest of its foundation "
                                 "as one full .ftl file. Energies "
                                 "are the same to the bit; the training summary stays in the file."
                                 "\vFULL.ftl appears complete or not at all.\n\nExample: frozentl merge run/model.ftl "
                                 "-o h2cu.ftl --foundation mace.model",
                                 NULL,
                                 NULL,
                                 NULL};

static int check_paths(const options *o) {
  ftl_paths paths = {0};
  ftl_paths_model(&paths, "DELTA", o->in, o->foundation);
  ftl_paths_output(&paths, "--output", o->out);
  return cli_check_paths(&paths);
}

int cmd_merge(int argc, char **argv) {
  options o = {0};
  ftl_error error = {0};
  ftl_source *source = NULL;
  struct stat info;
  int code = cli_parse(&argp, "merge", argc, argv, &o);
  if (code == CLI_OK) code = check_paths(&o);
  if (code != CLI_OK) return code;
  if (!o.force && lstat(o.out, &info) == 0) {
    ftl_fail(&error, FTL_ERR_IO, o.out, "it exists; choose another name, or --force to replace it");
    return cli_report(&error, CLI_OUTPUT);
  }
  ftl_status status = ftl_source_read_with(o.in, o.foundation, &source, &error);
  if (!status && !source->delta)
    status = ftl_fail(&error, FTL_ERR_INPUT, o.in, "it is no delta but a full model: there is nothing to merge");
  if (status) code = cli_report(&error, CLI_INPUT);
  else if (cli_write_model(source, o.out, &error) != FTL_OK) code = cli_report(&error, CLI_OUTPUT);
  else if (stat(o.out, &info) == 0) printf("%s: %.1f kB\n", o.out, (double)info.st_size / 1000);
  ftl_source_free(source);
  return code;
}
