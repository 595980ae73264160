/* frozentl merge: a delta with its foundation to a file that needs no foundation. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/command.h"
#include "model/architecture.h"
#include "base/error.h"

typedef struct {
  char *out, *foundation;
  bool force;
} options;

#define FTL_VALUES options
#include "support/option_table.h"

static const ftl_option rows[] = {
    PATH(out, .key = "output", .flag = "output", .letter = 'o', .value = "FULL.ftl", .doc = "the file to write"),
    PATH(foundation, .key = "foundation", .flag = "foundation", .letter = 'F', .doc = CLI_FOUNDATION_HELP),
    SWITCH(force, .key = "force", .flag = "force", .letter = 'f', .doc = "replace FULL.ftl if it exists"),
};

static void check(const cli_given *given, struct argp_state *state) {
  const options *o = given->options.values;
  if (!o->out) argp_error(state, "-o FULL.ftl says where to write");
}

static const cli_command command_line = {
    .table = {.command = "merge", .option = rows, .n = sizeof rows / sizeof *rows},
    .files = "DELTA.ftl -o FULL.ftl",
    .doc = "Writes a delta, which holds only what was trained, with the rest of its foundation as one full .ftl file. "
           "Energies are the same to the bit; the training summary stays in the file."
           "\vFULL.ftl appears complete or not at all.\n\nExample: frozentl merge run/model.ftl -o h2cu.ftl "
           "--foundation mace.model",
    .least = 1,
    .most = 1,
    .missing = "which DELTA?",
    .extra = "one DELTA at a time",
    .check = check};

static int check_paths(const options *o, const char *in) {
  ftl_paths paths = {0};
  ftl_paths_model(&paths, "DELTA", in, o->foundation);
  ftl_paths_output(&paths, "--output", o->out);
  return cli_check_paths(&paths);
}

static int merge(const cli_given *given) {
  const options *o = given->options.values;
  const char *in = given->file[0];
  ftl_error error = {0};
  ftl_source *source = NULL;
  struct stat info;
  int code = check_paths(o, in);
  if (code == CLI_OK && !o->force) code = cli_refuse_existing(o->out);
  if (code != CLI_OK) return code;
  ftl_status status = ftl_source_read_with(in, o->foundation, &source, &error);
  if (status == FTL_OK && !source->delta)
    status = ftl_fail(&error, FTL_ERR_INPUT, in, "it is no delta but a full model: there is nothing to merge");
  if (status != FTL_OK) code = cli_report(&error, CLI_INPUT);
  else if (cli_write_model(source, o->out, &error) != FTL_OK) code = cli_report(&error, CLI_OUTPUT);
  else if (stat(o->out, &info) == 0) printf("%s: %.1f kB\n", o->out, (double)info.st_size / 1000);
  ftl_source_free(source);
  return code;
}

int cmd_merge(int argc, char **argv) {
  options o = {0};
  return cli_command_run(&command_line, argc, argv, &o, merge);
}
