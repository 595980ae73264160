/* frozentl eval: a model on the frames of an XYZ file.

   Two passes over the file: a survey that reads and checks every frame (so that a mistake in the last one is told
   before hours of work), finds which elements are needed, and counts for the progress bar; then the evaluation, one
   frame in memory at a time. A pipe is read once, without a survey. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "data/answers.h"
#include "cli/cli.h"
#include "data/compare_answers.h"
#include "data/evaluator.h"
#include "data/label_survey.h"
#include "base/error.h"
#include "support/output.h"

typedef struct {
  const char *model, *data, *foundation, *head, *xyz, *json;
  ftl_label_names labels;
  ftl_words select;
  ftl_precision precision;
  int threads, repeat;
  bool quiet;
} options;

typedef struct {
  const options *o;
  ftl_evaluator *evaluator;
  bool all_heads;
  int head; /* asked for, or FTL_DEFAULT_HEAD */
  ftl_xyz_frame frame;
  ftl_labels labels;
  ftl_answer answer;
  ftl_error_table table;
  ftl_label_survey survey;
  ftl_selection select;
  ftl_selection_count selected;
  bool surveyed;             /* the survey is complete, and was reported */
  ftl_comparison comparison; /* of labels and answers, for findings */
  ftl_output_file xyz, json;
  int64_t frames, atoms, answers;
  double seconds; /* in the model */
  cli_progress progress;
  double done, total; /* atoms times heads */
} job;

enum { KEY_SELECT = 300, KEY_LABEL }; /* KEY_LABEL + ftl_label_kind */

static error_t parse_option(int key, char *argument, struct argp_state *state) {
  options *o = state->input;
  switch (key) {
  case 'H':
    o->head = argument;
    return 0;
  case 'F':
    o->foundation = argument;
    return 0;
  case 'o':
    o->xyz = argument;
    return 0;
  case 'j':
    o->json = argument;
    return 0;
  case 'l':
    if (strlen(argument) > 100) argp_error(state, "--labels takes a short prefix");
    o->labels.prefix = argument;
    return 0;
  case KEY_LABEL + FTL_LABEL_ENERGY:
  case KEY_LABEL + FTL_LABEL_FORCES:
  case KEY_LABEL + FTL_LABEL_STRESS:
  case KEY_LABEL + FTL_LABEL_VIRIAL:
    o->labels.name[key - KEY_LABEL] = argument;
    return 0;
  case KEY_SELECT:
    cli_words(state, argument, &o->select);
    return 0;
  case 'p':
    if (strcmp(argument, "double") == 0) o->precision = FTL_DOUBLE;
    else if (strcmp(argument, "mixed") == 0) o->precision = FTL_MIXED;
    else argp_error(state, "--precision is double or mixed, not '%s'", argument);
    return 0;
  case 't':
    o->threads = cli_integer(state, "--threads", argument, 1, 4096);
    return 0;
  case 'r':
    o->repeat = cli_integer(state, "--repeat", argument, 1, 1000000);
    return 0;
  case 'q':
    o->quiet = true;
    return 0;
  case ARGP_KEY_ARG:
    if (!o->model) o->model = argument;
    else if (!o->data) o->data = argument;
    else argp_error(state, "MODEL and DATA.xyz are all it takes, not also '%s'", argument);
    return 0;
  case ARGP_KEY_END:
    if (!o->data) argp_error(state, "it takes two files: MODEL and DATA.xyz");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_option option_list[] = {
    {"head", 'H', "NAME", 0,
     "the head that answers, or 'all'; default: the frame's own head=, or else the model's default", 0},
    {"foundation", 'F', "FILE", 0, CLI_FOUNDATION_HELP, 0},
    {"output", 'o', "OUT.xyz", 0,
     "write the frames with energy, stress, forces and node_energy (an atom's energy without E0, as in ASE's MACE "
     "calculator)",
     0},
    {"json", 'j', "OUT.json", 0,
     "write a list with, per frame: frame, head, energy, forces, node_energy, stress (3x3, or null without a cell "
     "that is periodic in three directions), and what the frame had: config_type, reference; frozentl plot draws it",
     0},
    {"labels", 'l', "PREFIX", 0,
     "labels to compare with: PREFIXenergy, PREFIXforces (or force), PREFIXstress or PREFIXvirial (or virials); "
     "default "
     "REF_, and '' means energy, forces, stress",
     0},
    {"labels-energy", KEY_LABEL + FTL_LABEL_ENERGY, "NAME", 0, "name of the energy, instead of the prefix's", 0},
    {"labels-forces", KEY_LABEL + FTL_LABEL_FORCES, "NAME", 0, "name of the column of forces", 0},
    {"labels-stress", KEY_LABEL + FTL_LABEL_STRESS, "NAME", 0, "name of the stress (eV/Angstrom^3, ASE's sign)", 0},
    {"labels-virial", KEY_LABEL + FTL_LABEL_VIRIAL, "NAME", 0, "name of the virial (eV, -stress * volume)", 0},
    {"select", KEY_SELECT, "KEY=VALUE,...", 0,
     "only frames whose comment line has this: head=pbe; several values of one key are alternatives, (none) stands for "
     "no such key",
     0},
    {"precision", 'p', "KIND", 0, "double (default) or mixed", 0},
    {"threads", 't', "N", 0, "threads to use; default: OMP_NUM_THREADS, or all cores", 0},
    {"repeat", 'r', "N", 0,
     "benchmark: evaluate each frame N times more and print the median time per atom and step, neighbour list "
     "included, and the memory used",
     0},
    {"quiet", 'q', NULL, 0, "no tables and no progress bar", 0},
    {0},
};
static const struct argp argp = {
    option_list,
    parse_option,
    "MODEL DATA.xyz",
    "Evaluates a MACE .model, a FrozenTL .ftl or a PACE .yace file on the frames of an extended XYZ file: energies "
    "(eV), forces "
    "(eV/Angstrom), energies per atom and stress (eV/Angstrom^3, ASE's sign). If the frames have labels (REF_energy, "
    "REF_forces, REF_stress), prints RMSE and MAE per config_type and in total: energy per atom in meV, forces in "
    "meV/Angstrom over all components, stress in meV/Angstrom^3 over its nine components."
    "\vDATA.xyz may be - for standard input. Output files appear complete or not at all; they may be no file that is "
    "read. Frames and atoms are counted "
    "from 0.\n\nExample: frozentl eval potential.ftl test.xyz -o answers.xyz",
    NULL,
    NULL,
    NULL};

/* ---- one frame ---- */

/* The frame's own head, when none was asked for and the model has several. */
static ftl_status choose_head(const job *j, int *head, ftl_error *error) {
  const char *name = ftl_xyz_value(&j->frame, "head");
  *head = j->head;
  if (j->o->head || !name || ftl_evaluator_n_heads(j->evaluator) == 1) return FTL_OK;
  ftl_status status = ftl_evaluator_find_head(j->evaluator, name, head, error);
  if (status) {
    char list[sizeof error->message];
    memcpy(list, error->message, sizeof list);
    ftl_xyz_where(&j->frame, j->frame.line + 1, error->where);
    snprintf(error->message, sizeof error->message, "the frame asks for a head of %s, but %.300s; choose with --head",
             j->o->model, list);
  }
  return status;
}

/* Everything that can be wrong with a frame, short of evaluating it. */
static ftl_status check_frame(job *j, ftl_error *error) {
  int head;
  ftl_status status = ftl_evaluator_check(j->evaluator, &j->frame, error);
  if (!status) status = ftl_labels_read(&j->frame, &j->o->labels, &j->labels, error);
  if (!status) status = ftl_xyz_once(&j->frame, "head", error);
  if (!status) status = ftl_xyz_once(&j->frame, "config_type", error);
  if (!status) status = choose_head(j, &head, error);
  if (status != FTL_OK || j->surveyed) return status;
  ftl_label_survey_add_head(&j->survey, ftl_xyz_value(&j->frame, "head"));
  return ftl_label_survey_add(&j->survey, &j->frame, &j->o->labels, &j->labels, error);
}

/* The next frame that is selected. */
static ftl_status next_frame(job *j, ftl_xyz_reader *reader, bool *end, ftl_error *error) {
  for (bool takes = false;;) {
    ftl_status status = ftl_xyz_read(reader, &j->frame, end, error);
    if (status != FTL_OK || *end) return status;
    FTL_TRY(ftl_selection_takes(&j->select, &j->frame, &takes, error));
    if (!j->surveyed) ftl_selection_add(&j->selected, &j->select, &j->frame, takes);
    if (takes) return FTL_OK;
  }
}

static void warn(void *context, const char *text) {
  (void)context;
  fflush(stdout);
  fprintf(stderr, "frozentl: warning: %s\n", text);
}

/* When all frames were seen: what cannot be, and what they have that is not compared with. */
static ftl_status report_survey(job *j, ftl_error *error) {
  const ftl_label_survey *s = &j->survey;
  const bool one_head = ftl_evaluator_n_heads(j->evaluator) == 1 || j->o->head;
  FTL_TRY(ftl_selection_require(&j->selected, &j->select, j->o->data, error));
  FTL_TRY(ftl_label_survey_require_names(s, &j->o->labels, "the frames", j->o->data, error));
  ftl_label_survey_report(s, &j->o->labels, j->o->data, false, true, warn, NULL);
  if (one_head && s->energy + s->forces + s->stress > 0)
    ftl_heads_report(&s->heads, &j->select, j->o->data, true, warn, NULL);
  j->surveyed = true;
  return FTL_OK;
}

static void print_benchmark(const job *j) {
  const ftl_answer *a = &j->answer;
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  if (j->answers == 0)
    printf("%-8s %-12s %9s %12s %16s %14s %10s\n", "frame", "head", "atoms", "ms/step", "ms/atom/step", "bytes/atom",
           "peak MB");
  printf("%-8lld %-12s %9d %12.4f %16.6f %14.0f %10.1f\n", (long long)j->frame.index, a->head, j->frame.n,
         1e3 * a->seconds, 1e3 * a->seconds / j->frame.n, a->bytes / j->frame.n, (double)usage.ru_maxrss / 1024);
  fflush(stdout);
}

static void print_energy(const job *j) {
  double largest = 0;
  for (int i = 0; i < j->frame.n; i++) {
    const double *f = j->answer.forces[i];
    largest = fmax(largest, sqrt(f[0] * f[0] + f[1] * f[1] + f[2] * f[2]));
  }
  printf("frame %lld: %d atoms, head %s, energy %.9f eV, largest force %.6f eV/A\n", (long long)j->frame.index,
         j->frame.n, j->answer.head, j->answer.energy, largest);
}

/* Names the file in an error of writing, and tells it from errors of reading. */
static int written(ftl_status status, const char *path, ftl_error *error) {
  if (!status) return CLI_OK;
  if (!*error->where) ftl_error_place(error, path);
  return cli_report(error, CLI_OUTPUT);
}

static int answer_frame(job *j, int head, ftl_error *error) {
  const bool labelled = j->labels.has_energy || j->labels.has_forces || j->labels.has_stress;
  ftl_status status = ftl_evaluator_run(j->evaluator, head, &j->frame, j->o->repeat, &j->answer, error);
  if (!status)
    status = ftl_error_table_add(&j->table, j->answer.head, ftl_xyz_value(&j->frame, "config_type"), j->frame.n,
                                 &j->labels, j->answer.energy, (const double(*)[3])j->answer.forces,
                                 j->answer.has_stress ? (const double(*)[3])j->answer.stress : NULL, error);
  if (!status && labelled && !j->all_heads)
    status = ftl_answer_compare(&j->comparison, strcmp(j->o->data, "-") == 0 ? "standard input" : j->o->data, &j->frame,
                                &j->labels, &j->answer, error);
  if (status) {
    cli_progress_end(&j->progress);
    return cli_report(error, CLI_INPUT);
  }
  if (j->o->repeat) print_benchmark(j);
  else if (!labelled && !j->o->quiet && !j->xyz.stream && !j->json.stream) print_energy(j);
  int code = CLI_OK;
  if (j->json.stream)
    code = written(ftl_answer_write_json(j->json.stream, &j->frame, &j->labels, &j->answer, j->answers == 0, error),
                   j->o->json, error);
  if (code == CLI_OK && j->xyz.stream)
    code = written(
        ftl_answer_write_xyz(j->xyz.stream, &j->frame, &j->answer, ftl_evaluator_n_heads(j->evaluator) > 1, error),
        j->o->xyz, error);
  j->answers++;
  j->seconds += j->answer.seconds;
  j->done += j->frame.n;
  cli_progress_update(&j->progress, j->done);
  return code;
}

/* ---- passes ---- */

static int survey(job *j, ftl_error *error) {
  ftl_xyz_reader *reader;
  bool end = false;
  ftl_status status = ftl_xyz_open(j->o->data, &reader, error);
  while (!status) {
    status = next_frame(j, reader, &end, error);
    if (status != FTL_OK || end) break;
    status = check_frame(j, error);
    j->total += (double)j->frame.n * (j->all_heads ? ftl_evaluator_n_heads(j->evaluator) : 1);
  }
  ftl_xyz_close(reader);
  if (!status) status = report_survey(j, error);
  if (status) return cli_report(error, CLI_INPUT);
  ftl_evaluator_only_seen(j->evaluator);
  return CLI_OK;
}

static int evaluate(job *j, ftl_error *error) {
  ftl_xyz_reader *reader;
  int code = CLI_OK;
  if (ftl_xyz_open(j->o->data, &reader, error) != FTL_OK) return cli_report(error, CLI_INPUT);
  cli_progress_start(&j->progress, "atoms", j->total, j->o->quiet || j->o->repeat);
  while (code == CLI_OK) {
    bool end;
    int head;
    ftl_status status = next_frame(j, reader, &end, error);
    if (!status && end) break;
    if (!status) status = check_frame(j, error);
    if (!status) status = choose_head(j, &head, error);
    if (status) {
      cli_progress_end(&j->progress);
      code = cli_report(error, CLI_INPUT);
      break;
    }
    int first = j->all_heads ? 0 : head, last = j->all_heads ? ftl_evaluator_n_heads(j->evaluator) - 1 : head;
    for (int h = first; code == CLI_OK && h <= last; h++) code = answer_frame(j, h, error);
    j->frames++;
    j->atoms += j->frame.n;
  }
  cli_progress_end(&j->progress);
  ftl_xyz_close(reader);
  if (code == CLI_OK && !j->surveyed && report_survey(j, error) != FTL_OK) code = cli_report(error, CLI_INPUT);
  if (code == CLI_OK && j->frames == 0) {
    ftl_fail(error, FTL_ERR_FORMAT, j->o->data, "it has no frames");
    code = cli_report(error, CLI_INPUT);
  }
  return code;
}

/* What errors may come from, when labels and answers do not belong together. */
static int print_findings(const job *j, ftl_error *error) {
  ftl_findings findings = {0};
  ftl_status status = ftl_comparison_units("data", &j->comparison, &findings, error);
  if (!status && !ftl_findings_have(&findings, FTL_FINDING_ENERGY_UNIT))
    status = ftl_comparison_zero("data", &j->comparison, NULL,
                                 "such energies compare as differences only; frozentl train --e0 fit adapts a model",
                                 NULL, &findings, error);
  fflush(stdout);
  for (int k = 0; !status && k < findings.n; k++) fprintf(stderr, "frozentl: warning: %s\n", findings.finding[k].text);
  ftl_findings_free(&findings);
  return status == FTL_OK ? CLI_OK : cli_report(error, CLI_INPUT);
}

static int open_outputs(job *j, ftl_error *error) {
  ftl_status status = FTL_OK;
  if (j->o->xyz) status = ftl_output_open(j->o->xyz, &j->xyz, error);
  if (!status && j->o->json) {
    status = ftl_output_open(j->o->json, &j->json, error);
    if (!status) return written(ftl_answers_begin_json(j->json.stream, error), j->o->json, error);
  }
  return status == FTL_OK ? CLI_OK : cli_report(error, CLI_OUTPUT);
}

static int close_outputs(job *j, ftl_error *error) {
  int code = CLI_OK;
  if (j->xyz.stream) code = written(ftl_output_commit(&j->xyz, error), j->o->xyz, error);
  if (code == CLI_OK && j->json.stream) {
    code = written(ftl_answers_end_json(j->json.stream, error), j->o->json, error);
    if (code == CLI_OK) code = written(ftl_output_commit(&j->json, error), j->o->json, error);
  }
  return code;
}

static int run(job *j, ftl_error *error) {
  struct stat info;
  int code = CLI_OK;
  if (ftl_evaluator_open_with(j->o->model, j->o->foundation, j->o->precision, j->o->threads, &j->evaluator, error) !=
      FTL_OK)
    return cli_report(error, CLI_INPUT);
  j->all_heads = j->o->head && strcmp(j->o->head, "all") == 0;
  j->head = FTL_DEFAULT_HEAD;
  if (j->o->head && !j->all_heads && ftl_evaluator_find_head(j->evaluator, j->o->head, &j->head, error) != FTL_OK)
    return cli_report(error, CLI_INPUT);
  if (stat(j->o->data, &info) != 0 || S_ISREG(info.st_mode)) {
    if (strcmp(j->o->data, "-") != 0) code = survey(j, error);
  }
  if (code == CLI_OK) code = open_outputs(j, error);
  if (code == CLI_OK) code = evaluate(j, error);
  if (code == CLI_OK) code = close_outputs(j, error);
  if (code == CLI_OK && j->o->repeat)
    ftl_evaluator_write_stage_times(j->evaluator, j->done * (j->o->repeat + 1), stdout);
  if (code != CLI_OK || j->o->quiet || j->o->repeat) return code;
  if (ftl_error_table_has_labels(&j->table)) ftl_error_table_print(&j->table, stdout);
  char counts[400];
  ftl_label_survey_count(&j->survey, counts);
  printf("%lld frame%s, %lld atom%s, %s; %.3f s in the model: %.4f ms per atom\n", (long long)j->frames,
         j->frames == 1 ? "" : "s", (long long)j->atoms, j->atoms == 1 ? "" : "s", counts, j->seconds,
         1e3 * j->seconds / (j->done > 0 ? j->done : 1));
  ftl_label_survey_advise(&j->survey, counts); /* again: the warning may be many lines above */
  if (*counts) printf("not compared with: %s\n", counts);
  return print_findings(j, error);
}

static int check_paths(const options *o) {
  ftl_paths paths = {0};
  ftl_paths_model(&paths, "MODEL", o->model, o->foundation);
  ftl_paths_input(&paths, "DATA.xyz", o->data);
  ftl_paths_output(&paths, "--output", o->xyz);
  ftl_paths_output(&paths, "--json", o->json);
  return cli_check_paths(&paths);
}

int cmd_eval(int argc, char **argv) {
  options o = {.precision = FTL_DOUBLE};
  ftl_error error = {0};
  int code = cli_parse(&argp, "eval", argc, argv, &o);
  if (code == CLI_OK) code = check_paths(&o);
  if (code != CLI_OK) return code;
  job j = {.o = &o, .select = {o.select.n, o.select.item}};
  if (ftl_selection_check(&j.select, &error) != FTL_OK) code = cli_report(&error, CLI_INPUT);
  if (code == CLI_OK) cli_warn_of_threads(o.threads);
  if (code == CLI_OK) code = run(&j, &error);
  ftl_output_discard(&j.xyz);
  ftl_output_discard(&j.json);
  ftl_error_table_free(&j.table);
  ftl_comparison_free(&j.comparison);
  ftl_answer_free(&j.answer);
  ftl_labels_free(&j.labels);
  ftl_xyz_frame_free(&j.frame);
  ftl_evaluator_free(j.evaluator);
  cli_words_free(&o.select);
  return code;
}
