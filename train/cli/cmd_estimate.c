/* frozentl estimate: time and memory of a run that is planned, from a short measurement on this machine. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/command.h"
#include "data/findings/find.h"
#include "data/selection.h"
#include "base/clock.h"
#include "base/error.h"
#include "engine/workspace.h"

enum {
  MEASURED_ATOMS = 400
}; /* a structure is repeated up to about so many, so that surfaces of the cell do not count */

typedef struct {
  const char *model, *data;
  char *foundation, *head;
  ftl_words select;
  int precision; /* ftl_precision */
  int64_t threads, ranks, steps;
  double atoms, timestep; /* atoms 0: of the structure */
} options;

#define FTL_VALUES options
#include "support/option_table.h"
#include "data/data_options.h"

static const ftl_option rows[] = {
    REAL(atoms, 1, 1e12, .key = "atoms", .flag = "atoms", .letter = 'a', .value = "N",
         .doc = "atoms of the run; default: those of the structure"),
    INTEGER(ranks, 1, 10000000, .key = "ranks", .initial = "1", .flag = "ranks", .letter = 'n',
            .doc = "MPI ranks that share the atoms"),
    INTEGER(threads, 1, 4096, .key = "threads", .initial = "1", .flag = "threads", .letter = 't',
            .doc = "threads of a rank"),
    INTEGER(steps, 1, 2000000000, .key = "steps", .initial = "1000000", .flag = "steps", .letter = 's',
            .doc = "steps of the run"),
    REAL(timestep, 1e-6, 1000, .key = "timestep", .initial = "1", .flag = "timestep", .letter = 'd', .value = "FS",
         .doc = "femtoseconds a step"),
    WORDS(select, .key = "select", .flag = "select", .value = "KEY=VALUE,...",
          .doc = "the first structure whose comment line has this (head=pbe); default: the first of all"),
    PRECISION(precision),
    TEXT(head, .key = "head", .flag = "head", .letter = 'H', .value = "NAME", .doc = "the head that is evaluated"),
    PATH(foundation, .key = "foundation", .flag = "foundation", .letter = 'F', .doc = CLI_FOUNDATION_HELP),
};

static void check(const cli_given *given, struct argp_state *state) {
  options *o = given->options.values;
  (void)state;
  o->model = given->file[0];
  o->data = given->file[1];
}

static const cli_command command_line = {
    .table = {.command = "estimate", .option = rows, .n = sizeof rows / sizeof *rows},
    .files = "MODEL DATA.xyz",
    .doc = "Says how long a run with a model would take and how much memory, from a few evaluations of the first "
           "structure of DATA.xyz, repeated to some hundred atoms where it is periodic."
           "\vThe time is for cores like those of this machine, and without what ranks tell each other: with some "
           "thousand atoms a rank that is little. Memory is the potential's, without LAMMPS' own (about 1 kB an atom)."
           "\n\nExample: frozentl estimate h2cu.ftl slab.xyz --atoms 100000 --ranks 64 --timestep 0.25",
    .least = 2,
    .most = 2,
    .missing = "it takes two files: MODEL and DATA.xyz",
    .extra = "MODEL and DATA.xyz are all it takes",
    .check = check};

/* ---- the measurement ---- */

typedef struct {
  int n, copies[3];
  int *species;
  double (*position)[3];
  double cell[3][3];
} sample;

static void free_sample(sample *s) {
  free(s->species);
  free(s->position);
}

/* Copies along the shortest periodic vector first. */
static void choose_copies(const ftl_xyz_frame *frame, sample *s) {
  for (int a = 0; a < 3; a++) s->copies[a] = 1;
  double n = frame->n;
  while (n < MEASURED_ATOMS) {
    int shortest = -1;
    double least = INFINITY;
    for (int a = 0; a < 3; a++) {
      const double *v = frame->cell[a];
      double length = s->copies[a] * sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
      if (!frame->pbc[a] || length >= least) continue;
      least = length;
      shortest = a;
    }
    if (shortest < 0) return;
    n = n / s->copies[shortest] * (s->copies[shortest] + 1);
    s->copies[shortest]++;
  }
}

static ftl_status make_sample(const ftl_xyz_frame *frame, const ftl_model *model, sample *s, ftl_error *error) {
  choose_copies(frame, s);
  s->n = frame->n * s->copies[0] * s->copies[1] * s->copies[2];
  s->species = malloc((size_t)s->n * sizeof *s->species);
  s->position = malloc((size_t)s->n * sizeof *s->position);
  if (!s->species || !s->position) return ftl_no_memory(error, NULL, "a sample of the structure");
  for (int a = 0; a < 3; a++)
    for (int c = 0; c < 3; c++) s->cell[a][c] = frame->cell[a][c] * s->copies[a];
  int at = 0;
  for (int u = 0; u < s->copies[0]; u++)
    for (int v = 0; v < s->copies[1]; v++)
      for (int w = 0; w < s->copies[2]; w++)
        for (int i = 0; i < frame->n; i++, at++) {
          s->species[at] = ftl_model_species(model, frame->atomic_number[i]);
          for (int c = 0; c < 3; c++)
            s->position[at][c] =
                frame->position[i][c] + u * frame->cell[0][c] + v * frame->cell[1][c] + w * frame->cell[2][c];
        }
  return FTL_OK;
}

/* Seconds of a step: the fastest of some, as anything else on the machine only slows it. */
static ftl_status measure(const sample *s, const int pbc[3], ftl_workspace *ws, double *seconds, ftl_error *error) {
  double *forces = malloc(3 * (size_t)s->n * sizeof *forces), spent = 0;
  if (!forces) return ftl_no_memory(error, NULL, "forces");
  ftl_result result = {.forces = forces};
  ftl_status status = FTL_OK;
  *seconds = INFINITY;
  for (int k = 0; (k < 3 || spent < 1) && k < 1000 && !status; k++) {
    double began = ftl_seconds();
    status = ftl_compute(ws, s->n, s->species, (const double(*)[3])s->position, (const double(*)[3])s->cell, pbc,
                         &result, error);
    double took = ftl_seconds() - began;
    if (k > 0) *seconds = fmin(*seconds, took); /* the first makes buffers */
    spent += took;
  }
  free(forces);
  return status;
}

/* ---- the answer ---- */

static void print_duration(const char *what, double seconds) {
  if (seconds < 120) printf("%s %.3g s", what, seconds);
  else if (seconds < 2 * 3600) printf("%s %.3g min", what, seconds / 60);
  else if (seconds < 48 * 3600) printf("%s %.3g h", what, seconds / 3600);
  else printf("%s %.3g days", what, seconds / 86400);
}

static double atoms_of_run(const options *o, const ftl_xyz_frame *frame) {
  return o->atoms > 0 ? (double)o->atoms : frame->n;
}
static double atoms_of_rank(const options *o, const ftl_xyz_frame *frame) {
  return ceil(atoms_of_run(o, frame) / (double)o->ranks);
}

/* A workspace keeps messages of so many atoms and no more: of the sample, the same part as of a rank of the run, so
   that time and memory grow with the number of atoms from one to the other. */
static void keep_as_in_run(const options *o, const ftl_xyz_frame *frame, const sample *s, ftl_workspace *ws) {
  const double part = s->n / atoms_of_rank(o, frame);
  if (part < 1) ws->keep_bytes = (size_t)((double)ws->keep_bytes * part);
}

static void print_estimate(const options *o, const ftl_xyz_frame *frame, const sample *s, const ftl_model_info *info,
                           double seconds, double bytes) {
  double atoms = atoms_of_run(o, frame), share = atoms_of_rank(o, frame), step = seconds / s->n * share;
  double per_atom = bytes / s->n, memory = per_atom * share;
  double machine = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGE_SIZE);
  printf("measured   %d atoms (%d of the structure, %d x %d x %d copies), %s, %s, %lld thread%s\n", s->n, frame->n,
         s->copies[0], s->copies[1], s->copies[2], info->precision == FTL_MIXED ? "mixed" : "double", info->kernel_isa,
         (long long)o->threads, o->threads > 1 ? "s" : "");
  printf("a step     %.4g ms an atom\n", 1e3 * seconds / s->n);
  printf("the run    %.0f atoms on %lld rank%s: %.4g ms a step, %.4g ns a day at %g fs\n", atoms, (long long)o->ranks,
         o->ranks > 1 ? "s" : "", 1e3 * step, 86400 / step * o->timestep * 1e-6, o->timestep);
  print_duration("          ", step * (double)o->steps);
  printf(" for %lld steps\n", (long long)o->steps);
  printf("memory     %.2f kB an atom, %.3g MB a rank", per_atom / 1e3, memory / 1e6);
  printf(o->ranks > 1 ? ", %.3g GB in all\n" : "\n", memory * (double)o->ranks / 1e9);
  if (memory > 0.9 * machine)
    printf("           more than this machine has (%.3g GB): use more ranks on more nodes\n", machine / 1e9);
  if (share < 200 && o->ranks > 1)
    printf("           %.0f atoms a rank are few: ranks will wait for each other, and fewer do as well\n", share);
}

/* The first structure, or the first that is selected. */
static ftl_status read_first(const options *o, ftl_xyz_frame *frame, ftl_error *error) {
  const ftl_selection select = {o->select.n, o->select.item};
  ftl_selection_count count = {0};
  ftl_xyz_reader *reader = NULL;
  bool end = false, takes = false;
  ftl_status status = ftl_selection_check(&select, error);
  if (!status) status = ftl_xyz_open(o->data, &reader, error);
  while (!status && !takes) {
    status = ftl_xyz_read(reader, frame, &end, error);
    if (status != FTL_OK || end) break;
    status = ftl_selection_takes(&select, frame, &takes, error);
    ftl_selection_add(&count, &select, frame, takes);
  }
  if (!status) status = ftl_selection_require(&count, &select, o->data, error);
  if (!status && !takes) status = ftl_fail(error, FTL_ERR_FORMAT, o->data, "it has no frames");
  ftl_xyz_close(reader);
  frame->path = o->data;
  return status;
}

/* Too many neighbours, of coordinates that are no Angstrom, give a time that means nothing. */
static ftl_status warn_of_geometry(const ftl_xyz_frame *frame, ftl_error *error) {
  ftl_findings findings = {0};
  ftl_structure view = {.path = (char *)frame->path,
                        .frame = frame->index,
                        .line = frame->line,
                        .n = frame->n,
                        .atomic_number = frame->atomic_number,
                        .position = frame->position,
                        .has_cell = frame->has_cell};
  memcpy(view.cell, frame->cell, sizeof view.cell);
  memcpy(view.pbc, frame->pbc, sizeof view.pbc);
  const ftl_dataset one = {.n = 1, .structure = &view};
  ftl_status status = ftl_find_geometry("data", &one, &findings, error);
  for (int k = 0; !status && k < findings.n; k++) fprintf(stderr, "frozentl: warning: %s\n", findings.finding[k].text);
  ftl_findings_free(&findings);
  return status;
}

/* The elements of the structure, each once. */
static int elements_of(const ftl_xyz_frame *frame, int elements[119]) {
  bool seen[119] = {false};
  int n = 0;
  for (int i = 0; i < frame->n; i++)
    if (!seen[frame->atomic_number[i]]) {
      seen[frame->atomic_number[i]] = true;
      elements[n++] = frame->atomic_number[i];
    }
  return n;
}

static int estimate(const cli_given *given) {
  const options *o = given->options.values;
  ftl_error error = {0};
  int code = CLI_OK, elements[119];
  cli_warn_of_threads((int)o->threads);
  ftl_xyz_frame frame = {0};
  ftl_model *model = NULL;
  ftl_workspace *ws = NULL;
  ftl_model_info info = {0};
  sample s = {0};
  double seconds = 0;
  ftl_status status = read_first(o, &frame, &error);
  if (status == FTL_OK) status = warn_of_geometry(&frame, &error);
  if (status == FTL_OK) {
    ftl_open_options open = {(ftl_precision)o->precision, o->head, elements, elements_of(&frame, elements),
                             o->foundation};
    status = ftl_model_open(o->model, &open, &model, &error);
  }
  if (status == FTL_OK) status = ftl_workspace_new(model, (int)o->threads, &ws, &error);
  if (status == FTL_OK) status = make_sample(&frame, model, &s, &error);
  if (status == FTL_OK) keep_as_in_run(o, &frame, &s, ws);
  if (status == FTL_OK) status = measure(&s, frame.pbc, ws, &seconds, &error);
  if (status == FTL_OK) {
    ftl_model_get_info(model, &info);
    print_estimate(o, &frame, &s, &info, seconds, (double)ftl_workspace_bytes(ws));
  } else {
    code = cli_report(&error, CLI_INPUT);
  }
  free_sample(&s);
  ftl_workspace_free(ws);
  ftl_model_free(model);
  ftl_xyz_frame_free(&frame);
  return code;
}

int cmd_estimate(int argc, char **argv) {
  options o = {0};
  return cli_command_run(&command_line, argc, argv, &o, estimate);
}
