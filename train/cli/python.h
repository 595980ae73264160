/* A Python for what is not in C: found, and a module of the package frozentl run in it. */
#ifndef FTL_CLI_PYTHON_H
#define FTL_CLI_PYTHON_H

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

/* Runs main() of `module` with arguments[n] in the first Python that does not end with CLI_PYTHON_LACKS: that of
   FROZENTL_PYTHON alone if it is set; build/venv of the source tree that the program was built in; the one beside the
   program, which is pip's; python3 in PATH. The package is taken from the source tree or the program's share/frozentl,
   if it is there, so that program and package are of one version. FTL_ERR_IO, FTL_ERR_MEMORY; that there is no such
   Python is no error here. */
ftl_status cli_python_run(const char *module, int n, const char *const *arguments, cli_python *run, ftl_error *error);
void cli_python_free(cli_python *run);

/* Fills `error` with why it is of no use: of a module that has ended with 1 after "refuse FILE", a tab and a sentence,
   that sentence; of another failure to `doing` ("draw"), its last words. */
ftl_status cli_python_refused(cli_python *run, const char *doing, ftl_error *error);
/* Likewise where there is no Python with `package`, to `doing` ("draw log.csv"), so that nothing can be `done` ("drawn
   of log.csv"). */
ftl_status cli_python_missing(const char *package, const char *doing, const char *done, ftl_error *error);

#endif
