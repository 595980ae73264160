/* Pictures that python/frozentl/plot draws: asked for, taken over, and written. */
#ifndef FTL_CLI_PICTURES_H
#define FTL_CLI_PICTURES_H

#include <stdbool.h>
#include <stddef.h>

/* One picture. Texts are the caller's. */
typedef struct {
  const char *kind;   /* of the module frozentl.plot.command: "history", "parity", ... */
  const char *source; /* file that it is made from */
  const char *title;
  const char *path; /* where it goes */
  const char *form; /* "svg", "pdf" or "png" */
} cli_picture;

/* Draws all, then writes all, and prints a line for each. An exit code, after saying what is wrong: CLI_INPUT for a
   source that cannot be drawn, CLI_OUTPUT without a Python that has matplotlib (the sources are named) and for a file
   that cannot be written. `folder` is made when all have been drawn; NULL: none. */
int cli_draw(int n, const cli_picture *pictures, const char *folder);

#endif
