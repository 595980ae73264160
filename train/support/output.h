/* Files that appear complete or not at all: written under a temporary name next to their place, then renamed.

   Something that exists and is no regular file (a pipe, /dev/stdout, /dev/null) is written directly; a symbolic link
   stays and what it points to is replaced. Errors:
   FTL_ERR_IO, with the path as `where`, and FTL_ERR_MEMORY. */
#ifndef FTL_OUTPUT_H
#define FTL_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "frozentl.h"

typedef struct {
  FILE *stream; /* write here; NULL when not open */
  char *path, *temporary;
} ftl_output_file;

ftl_status ftl_output_open(const char *path, ftl_output_file *output, ftl_error *error);
/* Flushes, syncs and renames; on failure nothing is left behind. Closes in any case. */
ftl_status ftl_output_commit(ftl_output_file *output, ftl_error *error);
/* Makes a folder, and those above it, if they are not there. FTL_ERR_IO. */
ftl_status ftl_output_folder(const char *path, ftl_error *error);
/* The same for callers with a sentence of their own: 0, or the errno (ENOTDIR: it is a file), and then nothing was
   made. `made`, which may be NULL, is how many folders were, the last of them `path`; ftl_output_remove_folders removes
   so many again, from the last upwards, as long as nothing is in them. It calls nothing that a signal handler may not
   call. */
int ftl_output_make_folders(const char *path, int *made);
void ftl_output_remove_folders(const char *path, int made);
/* The content of a file, to a stream whose errors are the caller's to look for. FTL_ERR_IO: it cannot be read. */
ftl_status ftl_output_append(const char *path, FILE *to, ftl_error *error);
/* Closes and removes the temporary file. Allowed on a zero or closed output. */
void ftl_output_discard(ftl_output_file *output);

/* Files that go when a signal ends the program: temporary ones, and the lock of a run. The name is the caller's, and
   lives until it is forgotten. */
void ftl_output_remember(const char *temporary);
void ftl_output_forget(const char *temporary);
void ftl_output_remember_folder(const char *path, int made); /* goes too, if it is empty then; NULL: none */
void ftl_output_remove_temporaries(void);                    /* all of them; for signal handlers */
bool ftl_output_writing(void);                               /* a temporary file (.tmp) is open; for signal handlers */

/* Around a call of core that writes the model file PATH, which it does by way of PATH.PID.tmp. */
void ftl_output_begin_model(const char *path, ftl_output_file *output);
void ftl_output_end_model(ftl_output_file *output);

/* Makes SIGINT, SIGTERM and SIGHUP remove the temporary files of open outputs before the program dies of them. */
void ftl_output_clean_on_signals(void);

#endif
