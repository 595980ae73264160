/* The command `frozentl`: one subcommand per cmd_*.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cli/cli.h"
#include "support/output.h"

static const struct {
  const char *name, *summary;
  int (*run)(int argc, char **argv);
} commands[] = {
    {"info", "what a model file holds", cmd_info},
    {"convert", "a model to FrozenTL's .ftl format, or a part of it", cmd_convert},
    {"merge", "a delta and its foundation to a full .ftl", cmd_merge},
    {"diff", "what differs between two models: architecture, tensors, groups", cmd_diff},
    {"eval", "energies, forces and stresses of structures, and errors against labels", cmd_eval},
    {"estimate", "time and memory of a run that is planned", cmd_estimate},
    {"doctor", "what this machine lacks for running: LAMMPS, MPI, the plugin", cmd_doctor},
    {"foundation", "published foundation models, listed and fetched", cmd_foundation},
    {"train", "fine-tune a foundation model, or train a new one", cmd_train},
    {"trust", "teach a model to tell its errors, from the data it was trained on", cmd_trust},
    {"fit", "fit a linear ACE potential to labelled structures", cmd_fit},
    {"distill", "distil a model into a fast linear ACE potential", cmd_distill},
    {"select", "which of many structures to label next", cmd_select},
    {"plot", "pictures of a training run: losses, errors, parity, learning curves", cmd_plot},
};
#define N_COMMANDS (sizeof commands / sizeof *commands)

static void help(FILE *stream) {
  fputs("Usage: frozentl COMMAND [OPTION...]\n"
        "MACE interatomic potentials in C.\n\nCommands:\n",
        stream);
  for (size_t k = 0; k < N_COMMANDS; k++) fprintf(stream, "  %-10s %s\n", commands[k].name, commands[k].summary);
  fputs("\n  frozentl COMMAND --help   options of a command, with examples\n"
        "  frozentl --version        the version\n"
        "\nExit codes: 0 done; 1 an input (model, data) is missing, wrong or not supported; 2 the command\n"
        "line is wrong; 3 a result cannot be written; 4 out of memory; 5 training diverged; 6 training (or a\n"
        "fit) was interrupted; 7 two models differ (diff).\n",
        stream);
}

static void print_version(FILE *stream, struct argp_state *state) {
  (void)state;
  fprintf(stream, "%s\n", ftl_version());
}

/* A result on stdout that did not get out is a failure too. */
static int finish(int code) {
  if ((fflush(stdout) != 0 || ferror(stdout)) && code == CLI_OK) {
    fputs("frozentl: cannot write to standard output\n", stderr);
    return CLI_OUTPUT;
  }
  return code;
}

/* The stack grows as it is used, and a program that gets no more of it is killed: what commands need is taken now. */
enum { STACK = 1 << 20, PAGE = 4096 };
__attribute__((noinline)) static void use_stack(void) {
  volatile char room[STACK];
  for (int k = STACK - PAGE; k >= 0; k -= PAGE) room[k] = 0;
  (void)room[0];
}

static bool take_stack(void) {
  void *as_much = mmap(NULL, 2 * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (as_much == MAP_FAILED) return false;
  munmap(as_much, 2 * STACK);
  use_stack();
  return true;
}

int main(int argc, char **argv) {
  argp_program_version_hook = print_version;
  argp_err_exit_status = CLI_USAGE;
  if (!cli_guard_streams() || !take_stack()) {
    fputs("frozentl: no memory to start the program\n", stderr);
    return CLI_MEMORY;
  }
  ftl_output_clean_on_signals();
  const char *name = argc > 1 ? argv[1] : "";
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "-?") == 0 || strcmp(name, "help") == 0) {
    help(stdout);
    return finish(CLI_OK);
  }
  if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
    print_version(stdout, NULL);
    return finish(CLI_OK);
  }
  for (size_t k = 0; k < N_COMMANDS; k++)
    if (strcmp(name, commands[k].name) == 0) return finish(commands[k].run(argc - 1, argv + 1));
  if (*name) {
    fprintf(stderr, "frozentl: '%s' is not a command: it takes", name);
    for (size_t k = 0; k < N_COMMANDS; k++) fprintf(stderr, "%s %s", k ? "," : "", commands[k].name);
    fputs("\nTry 'frozentl --help'.\n", stderr);
  } else {
    help(stderr);
  }
  return CLI_USAGE;
}
