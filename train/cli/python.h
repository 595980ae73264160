/* A Python for what is not in C: found, and a module of the package frozentl run in it. */
#ifndef FTL_CLI_PYTHON_H
#define FTL_CLI_PYTHON_H

#include <stdbool.h>
#include <stddef.h>

#include "frozentl.h"

/* What a program has written on its standard output, and how it ended. Zero-initialise; free with cli_python_free. */
typedef struct {
  char *text; /* [size], and a zero behind it */
  size_t size;
  int code;       /* exit code */
  char last[200]; /* last line of its standard error */
  char *program;  /* which Python it was; NULL: none that has what it needs */
} cli_python;

/* A module may end with it: this Python lacks a package that it needs. */
#define CLI_PYTHON_LACKS 90

/* What is asked of Python, for sentences. */
typedef struct {
  const char *package;      /* of PyPI, that it needs: "matplotlib" */
  const char *verb;         /* "it failed to `draw`" */
  const char *doing, *done; /* "found no Python to `draw log.csv`", "nothing can be `drawn of log.csv`" */
} cli_python_task;

/* Runs main() of `module` with arguments[n] in the first Python that does not end with CLI_PYTHON_LACKS: that of
   FROZENTL_PYTHON alone if it is set; build/venv of the source tree that the program was built in; the one beside the
   program, which is pip's; python3 in PATH. The package is taken from the source tree or the program's share/frozentl,
   if it is there, so that program and package are of one version. CLI_OK when it ended with 0; otherwise the exit code
   for this program, after a sentence: of a module that ended with 1 after "refuse FILE", a tab and a sentence, that
   one. */
int cli_python_run(const char *module, int n, const char *const *arguments, const cli_python_task *task,
                   cli_python *run);
void cli_python_free(cli_python *run);

/* The path of this program; false, with errno, where that cannot be told. */
bool cli_own_path(char *path, size_t room);

#endif
