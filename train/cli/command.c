#include "cli/command.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "base/error.h"
#include "cli/option_flags.h"

typedef struct {
  const cli_command *command;
  cli_given *given;
  cli_flags flags;
  int n;
} parse;

/* The table's sentences begin with the key; the user wrote the flag. */
static void refuse(const cli_flag *flag, const ftl_error *error, struct argp_state *state) {
  const size_t length = strlen(flag->key);
  if (error->code == FTL_ERR_MEMORY) argp_failure(state, CLI_MEMORY, 0, "%s", error->message);
  if (strncmp(error->message, flag->key, length) == 0) argp_error(state, "%s%s", flag->name, error->message + length);
  argp_error(state, "%s: %s", flag->name, error->message);
}

static void finish(parse *p, struct argp_state *state) {
  ftl_error error = {0};
  for (int k = 0; k < p->flags.n; k++) {
    const cli_flag *flag = &p->flags.given[k];
    if (ftl_options_set(&p->given->options, flag->key, flag->text, flag->name, &error) != FTL_OK)
      refuse(flag, &error, state);
  }
  if (p->n < p->command->least) argp_error(state, "%s", p->command->missing);
  if (p->command->check) p->command->check(p->given, state);
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
  parse *p = state->input;
  if (cli_flags_parse(&p->flags, key, argument, state)) return 0;
  switch (key) {
  case ARGP_KEY_ARG:
    if (p->n == p->command->most) argp_error(state, "%s, not also '%s'", p->command->extra, argument);
    p->given->file[p->n++] = argument;
    return 0;
  case ARGP_KEY_END:
    finish(p, state);
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

int cli_command_run(const cli_command *command, int argc, char **argv, void *values,
                    int (*run)(const cli_given *given)) {
  cli_given given = {0};
  parse p = {.command = command, .given = &given};
  ftl_error error = {0};
  int code;
  if (ftl_options_make(&given.options, &command->table, values, &error) != FTL_OK ||
      !cli_flags_start(&p.flags, &command->table, NULL, NULL)) {
    ftl_fail(&error, FTL_ERR_MEMORY, NULL, "no memory for the options");
    code = cli_report(&error, CLI_MEMORY);
  } else {
    const struct argp argp = {
        .options = p.flags.list, .parser = parse_option, .args_doc = command->files, .doc = command->doc};
    code = cli_parse(&argp, command->table.command, argc, argv, &p);
  }
  cli_flags_end(&p.flags);
  if (code == CLI_OK) code = run(&given);
  ftl_options_free(&given.options);
  return code;
}
