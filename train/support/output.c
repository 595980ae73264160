#include "support/output.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define MAX_OPEN 16
static const char *volatile temporaries[MAX_OPEN]; /* for signal handlers only */
static const char *volatile folder;
static volatile int levels;

/* Calls nothing that a signal handler may not call. */
void ftl_output_remove_temporaries(void) {
  for (int k = 0; k < MAX_OPEN; k++)
    if (temporaries[k]) unlink(temporaries[k]);
  if (folder) ftl_output_remove_folders(folder, levels);
}

void ftl_output_remember_folder(const char *made, int n) {
  levels = n;
  folder = made;
}

static void on_signal(int number) {
  ftl_output_remove_temporaries();
  signal(number, SIG_DFL);
  raise(number);
}

void ftl_output_clean_on_signals(void) {
  const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
  for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
    if (signal(numbers[k], on_signal) == SIG_IGN) signal(numbers[k], SIG_IGN); /* nohup */
}

void ftl_output_remember(const char *temporary) {
  for (int k = 0; k < MAX_OPEN; k++)
    if (!temporaries[k]) {
      temporaries[k] = temporary;
      return;
    }
}

bool ftl_output_writing(void) {
  for (int k = 0; k < MAX_OPEN; k++) {
    const char *name = temporaries[k];
    const size_t length = name ? strlen(name) : 0;
    if (length > 4 && strcmp(name + length - 4, ".tmp") == 0) return true;
  }
  return false;
}

void ftl_output_forget(const char *temporary) {
  for (int k = 0; k < MAX_OPEN && temporary; k++)
    if (temporaries[k] == temporary) temporaries[k] = NULL;
}

static ftl_status fail_open(ftl_output_file *output, const char *path, ftl_error *error) {
  ftl_status status = errno == ENOMEM ? FTL_ERR_MEMORY : FTL_ERR_IO;
  ftl_fail(error, status, path, "cannot write it: %s", strerror(errno));
  ftl_output_discard(output);
  return status;
}

ftl_status ftl_output_open(const char *path, ftl_output_file *output, ftl_error *error) {
  struct stat info;
  memset(output, 0, sizeof *output);
  /* a link stays a link, and what it points to is replaced */
  char *real = realpath(path, NULL);
  bool device = strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0;
  output->path = real && !device ? real : strdup(path);
  if (output->path != real) free(real);
  if (!output->path) return fail_open(output, path, error);
  path = output->path;
  if (device || (stat(path, &info) == 0 && !S_ISREG(info.st_mode))) {
    output->stream = fopen(path, "w");
    return output->stream ? FTL_OK : fail_open(output, path, error);
  }
  output->temporary = malloc(strlen(path) + sizeof ".XXXXXX.tmp");
  if (!output->temporary) return fail_open(output, path, error);
  sprintf(output->temporary, "%s.XXXXXX.tmp", path);
  int descriptor = mkstemps(output->temporary, 4);
  if (descriptor < 0) {
    free(output->temporary);
    output->temporary = NULL;
    return fail_open(output, path, error);
  }
  ftl_output_remember(output->temporary);
  mode_t mask = umask(0); /* mkstemp makes files that only their owner reads */
  umask(mask);
  output->stream = fdopen(descriptor, "w");
  if (!output->stream || fchmod(descriptor, 0666 & ~mask) != 0) {
    if (!output->stream) close(descriptor);
    return fail_open(output, path, error);
  }
  return FTL_OK;
}

void ftl_output_begin_model(const char *path, ftl_output_file *output) {
  *output = (ftl_output_file){.temporary = malloc(strlen(path) + 32)};
  if (!output->temporary) return; /* a signal would leave it behind */
  sprintf(output->temporary, "%s.%ld.tmp", path, (long)getpid());
  ftl_output_remember(output->temporary);
}

void ftl_output_end_model(ftl_output_file *output) {
  ftl_output_forget(output->temporary);
  free(output->temporary);
  *output = (ftl_output_file){0};
}

ftl_status ftl_output_commit(ftl_output_file *output, ftl_error *error) {
  errno = 0;
  bool ok = fflush(output->stream) == 0 && !ferror(output->stream);
  if (ok && output->temporary) ok = fsync(fileno(output->stream)) == 0;
  int cause = errno;
  if (fclose(output->stream) != 0 && ok) {
    ok = false;
    cause = errno;
  }
  output->stream = NULL;
  if (ok && output->temporary && rename(output->temporary, output->path) != 0) {
    ok = false;
    cause = errno;
  }
  if (!ok) {
    errno = cause ? cause : EIO;
    return fail_open(output, output->path, error);
  }
  ftl_output_forget(output->temporary);
  free(output->temporary);
  free(output->path);
  memset(output, 0, sizeof *output);
  return FTL_OK;
}

void ftl_output_discard(ftl_output_file *output) {
  if (output->stream) fclose(output->stream);
  if (output->temporary) {
    unlink(output->temporary);
    ftl_output_forget(output->temporary);
  }
  free(output->temporary);
  free(output->path);
  memset(output, 0, sizeof *output);
}

ftl_status ftl_output_append(const char *path, FILE *to, ftl_error *error) {
  char buffer[1 << 14];
  size_t n;
  FILE *from = fopen(path, "rb");
  if (!from) return ftl_fail(error, FTL_ERR_IO, path, "cannot be opened: %s", strerror(errno));
  while ((n = fread(buffer, 1, sizeof buffer, from)) > 0) fwrite(buffer, 1, n, to);
  const bool bad = ferror(from);
  fclose(from);
  return bad ? ftl_fail(error, FTL_ERR_IO, path, "cannot be read: %s", strerror(errno)) : FTL_OK;
}

/* ---- folders ---- */

/* Where the part of `path` before its last name ends, slashes between left out; 0: there is none. */
static size_t above(const char *path, size_t length) {
  while (length > 0 && path[length - 1] == '/') length--;
  while (length > 0 && path[length - 1] != '/') length--;
  while (length > 0 && path[length - 1] == '/') length--;
  return length;
}

int ftl_output_make_folders(const char *path, int *made) {
  char part[PATH_MAX];
  struct stat info;
  const size_t length = strlen(path);
  size_t last = 0; /* where the last one that was made ends */
  int n = 0, code = 0;
  if (length == 0) return ENOENT;
  if (length >= sizeof part) return ENAMETOOLONG;
  for (size_t k = 1; k <= length && !code; k++) {
    if (path[k] != '/' && path[k] != '\0') continue;
    memcpy(part, path, k);
    part[k] = '\0';
    if (mkdir(part, 0777) == 0) n++, last = k;
    else if (path[k + strspn(path + k, "/")] == '\0') code = errno; /* the last one says what is wrong */
  }
  if (code && stat(path, &info) == 0) code = S_ISDIR(info.st_mode) ? 0 : ENOTDIR;
  part[last] = '\0';
  if (code) ftl_output_remove_folders(part, n);
  if (made) *made = code ? 0 : n;
  return code;
}

void ftl_output_remove_folders(const char *path, int made) {
  char part[PATH_MAX];
  size_t length = strlen(path);
  if (length >= sizeof part) return;
  memcpy(part, path, length + 1);
  for (; made > 0 && length > 0 && rmdir(part) == 0; made--) part[length = above(part, length)] = '\0';
}

ftl_status ftl_output_folder(const char *path, ftl_error *error) {
  const int code = ftl_output_make_folders(path, NULL);
  return code ? ftl_fail(error, FTL_ERR_IO, path, "the folder cannot be made: %s", strerror(code)) : FTL_OK;
}
