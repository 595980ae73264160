#define _GNU_SOURCE /* pipe2 */
#include "cli/python.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/cli.h"

extern char **environ;

#define LONGEST 4096

/* Where the program is, and the package that belongs to it: "" where it is not. */
typedef struct {
  char beside[LONGEST], package[LONGEST], venv[LONGEST];
} places;

/* FOLDER + END, if that is a file of which `wanted` holds; the name without the last `drop` characters. */
static bool is_there(const char *folder, const char *end, size_t drop, int wanted, char found[LONGEST]) {
  const int length = snprintf(found, LONGEST, "%s%s", folder, end);
  const bool there = length > 0 && length < LONGEST && access(found, wanted) == 0;
  found[there ? (size_t)length - drop : 0] = '\0';
  return there;
}

bool cli_own_path(char *path, size_t room) {
  const ssize_t length = readlink("/proc/self/exe", path, room - 1);
  path[length > 0 ? length : 0] = '\0';
  return length > 0;
}

static void look_around(places *p) {
  static const char marker[] = "/frozentl/plot/command.py";
  char folder[LONGEST];
  *p = (places){0};
  if (!cli_own_path(folder, sizeof folder)) return;
  for (char *end; (end = strrchr(folder, '/')) && !*p->package;) {
    *end = '\0';
    if (!*p->beside) strcpy(p->beside, folder);
    if (is_there(folder, "/python/frozentl/plot/command.py", sizeof marker - 1, R_OK, p->package))
      is_there(folder, "/build/venv/bin/python", 0, X_OK, p->venv);
    else is_there(folder, "/share/frozentl/python/frozentl/plot/command.py", sizeof marker - 1, R_OK, p->package);
  }
}

/* Reads a descriptor to its end. */
static ftl_status read_all(int descriptor, cli_python *run, ftl_error *error) {
  char block[1 << 16];
  FILE *stream = open_memstream(&run->text, &run->size);
  ssize_t n = 1;
  bool ok = stream != NULL;
  while (n != 0) { /* to the end in any case, or the program would wait for us */
    n = read(descriptor, block, sizeof block);
    if (n < 0 && errno != EINTR) break;
    if (n > 0 && ok) ok = fwrite(block, 1, (size_t)n, stream) == (size_t)n;
  }
  if (stream && fclose(stream) != 0) ok = false;
  if (!ok) return ftl_no_memory(error, NULL, "what Python has drawn");
  return n < 0 ? ftl_fail(error, FTL_ERR_IO, NULL, "cannot read what Python has drawn: %s", strerror(errno)) : FTL_OK;
}

static void read_last_line(FILE *stream, char last[200]) {
  char line[200];
  rewind(stream);
  while (fgets(line, sizeof line, stream)) {
    line[strcspn(line, "\n")] = '\0';
    if (*line) strcpy(last, line);
  }
}

/* Starts argv[0], which is looked for in PATH if it is only a name; its errors go to a file without a name. */
static int start(char **argv, const int pipe_[2], FILE *errors, pid_t *child) {
  posix_spawn_file_actions_t actions;
  int failed = posix_spawn_file_actions_init(&actions);
  if (failed) return failed;
  failed = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (!failed) failed = posix_spawn_file_actions_adddup2(&actions, pipe_[1], STDOUT_FILENO);
  if (!failed) failed = posix_spawn_file_actions_adddup2(&actions, fileno(errors), STDERR_FILENO);
  if (!failed) failed = posix_spawnp(child, argv[0], &actions, NULL, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  return failed;
}

static ftl_status run_once(char **argv, cli_python *run, ftl_error *error) {
  int pipe_[2], state = 0;
  pid_t child;
  FILE *errors = tmpfile();
  if (!errors || pipe2(pipe_, O_CLOEXEC) != 0) {
    if (errors) fclose(errors);
    return ftl_fail(error, FTL_ERR_IO, NULL, "cannot start Python: %s", strerror(errno));
  }
  free(run->text);
  run->text = NULL;
  const int failed = start(argv, pipe_, errors, &child);
  close(pipe_[1]);
  ftl_status status = failed ? FTL_OK : read_all(pipe_[0], run, error);
  close(pipe_[0]);
  if (!failed)
    while (waitpid(child, &state, 0) < 0 && errno == EINTR) continue;
  read_last_line(errors, run->last);
  fclose(errors);
  run->code = failed ? CLI_PYTHON_LACKS : WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
  if (run->code == 127) run->code = CLI_PYTHON_LACKS; /* there is no such program */
  return status;
}

/* In Python: without the working directory in its path, where files of any name may lie. */
#define BEGIN                                                                                                          \
  "import sys\n"                                                                                                       \
  "folder = sys.argv.pop(1)\n"                                                                                         \
  "sys.path[:] = [folder] * bool(folder) + [p for p in sys.path if p]\n"                                               \
  "try:\n"                                                                                                             \
  "    from %s import main\n"                                                                                          \
  "except ImportError as error:\n"                                                                                     \
  "    print(error, file=sys.stderr)\n"                                                                                \
  "    sys.exit(90)\n"                                                                                                 \
  "sys.exit(main())\n"

static ftl_status run_first(const char *module, int n, const char *const *arguments, cli_python *run,
                            ftl_error *error) {
  places p;
  char text[sizeof BEGIN + 100], beside[LONGEST];
  char dash_b[] = "-B", dash_c[] = "-c";
  const char *chosen = getenv("FROZENTL_PYTHON");
  char **argv = calloc((size_t)n + 6, sizeof *argv);
  if (!argv) return ftl_no_memory(error, NULL, "starting Python");
  look_around(&p);
  is_there(p.beside, "/python3", 0, X_OK, beside);
  snprintf(text, sizeof text, BEGIN, module);
  const bool only = chosen && *chosen;
  const char *const programs[] = {only ? chosen : p.venv, only ? "" : beside, only ? "" : "python3"};
  ftl_status status = FTL_OK;
  run->code = CLI_PYTHON_LACKS;
  for (size_t k = 0; k < sizeof programs / sizeof *programs && !status; k++) {
    if (!*programs[k]) continue;
    argv[0] = (char *)programs[k];
    argv[1] = dash_b;
    argv[2] = dash_c;
    argv[3] = text;
    argv[4] = p.package;
    for (int a = 0; a < n; a++) argv[5 + a] = (char *)arguments[a]; /* which posix_spawn leaves as they are */
    status = run_once(argv, run, error);
    if (status != FTL_OK || run->code == CLI_PYTHON_LACKS) continue;
    run->program = strdup(programs[k]);
    if (!run->program) status = ftl_no_memory(error, NULL, "starting Python");
    break;
  }
  free(argv);
  return status;
}

static ftl_status refused(cli_python *run, const cli_python_task *task, ftl_error *error) {
  char *line = run->text, *tab;
  if (run->code != 1 || !line || strncmp(line, "refuse ", 7) != 0 || !(tab = strchr(line, '\t')))
    return ftl_fail(error, FTL_ERR_IO, run->program, "it failed to %s (exit code %d): %s", task->verb, run->code,
                    run->last);
  *tab = '\0';
  tab[1 + strcspn(tab + 1, "\n")] = '\0';
  return ftl_fail(error, FTL_ERR_FORMAT, line + 7, "%s", tab + 1);
}

static ftl_status missing(const cli_python_task *task, ftl_error *error) {
  const char *chosen = getenv("FROZENTL_PYTHON");
  if (chosen && *chosen)
    return ftl_fail(error, FTL_ERR_IO, NULL,
                    "FROZENTL_PYTHON is %.200s, which does not start or has no %s, so nothing can be %s: install it "
                    "there (pip install %s)",
                    chosen, task->package, task->done, task->package);
  return ftl_fail(error, FTL_ERR_IO, NULL,
                  "found no Python with %s to %s: install it (pip install %s), or name a Python that has it in "
                  "FROZENTL_PYTHON",
                  task->package, task->doing, task->package);
}

int cli_python_run(const char *module, int n, const char *const *arguments, const cli_python_task *task,
                   cli_python *run) {
  ftl_error error = {0};
  if (run_first(module, n, arguments, run, &error) != FTL_OK) return cli_report(&error, CLI_OUTPUT);
  if (!run->program) {
    missing(task, &error);
    return cli_report(&error, CLI_OUTPUT);
  }
  if (run->code == 0) return CLI_OK;
  refused(run, task, &error);
  return cli_report(&error, CLI_INPUT);
}

void cli_python_free(cli_python *run) {
  free(run->text);
  free(run->program);
  *run = (cli_python){0};
}
