#include "cli/pictures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/python.h"
#include "support/output.h"
#include "base/error.h"

enum { MOST = 8, WORDS = 4 }; /* pictures; arguments for each */

static int save(const cli_picture *picture, const char *content, size_t size) {
  const int code = cli_save(picture->path, content, size);
  if (code == CLI_OK) printf("%s: %.1f kB\n", picture->path, (double)size / 1000);
  return code;
}

/* The beginning and size of each picture in what Python wrote (frozentl/plot/command.py); false if that is not whole.
 */
static bool take(const cli_python *run, int n, const char **content, size_t *size) {
  const char *at = run->text, *const end = run->text + run->size;
  for (int k = 0; k < n; k++) {
    int length = 0;
    if (sscanf(at, "picture %zu%n", &size[k], &length) != 1 || at[length] != '\n') return false;
    content[k] = at + length + 1;
    if (size[k] > (size_t)(end - content[k])) return false;
    at = content[k] + size[k];
  }
  return strcmp(at, "end\n") == 0;
}

static int save_all(int n, const cli_picture *pictures, const char *folder, const cli_python *run) {
  ftl_error error = {0};
  const char *content[MOST];
  size_t size[MOST];
  int code = CLI_OK;
  if (!take(run, n, content, size)) {
    ftl_fail(&error, FTL_ERR_IO, run->program, "what it has drawn is not whole");
    return cli_report(&error, CLI_INPUT);
  }
  if (folder && ftl_output_folder(folder, &error) != FTL_OK) return cli_report(&error, CLI_OUTPUT);
  for (int k = 0; k < n && code == CLI_OK; k++) code = save(&pictures[k], content[k], size[k]);
  return code;
}

int cli_draw(int n, const cli_picture *pictures, const char *folder) {
  const char *arguments[MOST * WORDS];
  char names[600] = "", doing[640], done[640];
  cli_python run = {0};
  for (int k = 0; k < n; k++) {
    const size_t used = strlen(names);
    arguments[WORDS * k] = pictures[k].kind;
    arguments[WORDS * k + 1] = pictures[k].source;
    arguments[WORDS * k + 2] = pictures[k].title;
    arguments[WORDS * k + 3] = pictures[k].form;
    snprintf(names + used, sizeof names - used, "%s%s", k ? ", " : "", pictures[k].source);
  }
  snprintf(doing, sizeof doing, "draw %s", names);
  snprintf(done, sizeof done, "drawn of %s", names);
  const cli_python_task task = {"matplotlib", "draw", doing, done};
  int code = cli_python_run("frozentl.plot.command", WORDS * n, arguments, &task, &run);
  if (code == CLI_OK) code = save_all(n, pictures, folder, &run);
  cli_python_free(&run);
  return code;
}
