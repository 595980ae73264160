/* frozentl eval: answers are written and printed. */
#include "cli/eval.h"
#include "cli/trust_output.h"

#include <math.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/error.h"

static void print_benchmark(const cli_eval *j) {
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

static void print_energy(const cli_eval *j) {
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
  if (status == FTL_OK) return CLI_OK;
  if (!*error->where) ftl_error_place(error, path);
  return cli_report(error, CLI_OUTPUT);
}

int cli_eval_write_answer(cli_eval *j, ftl_error *error) {
  const bool labelled = j->labels.has_energy || j->labels.has_forces || j->labels.has_stress;
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
  return code;
}

int cli_eval_open_outputs(cli_eval *j, ftl_error *error) {
  ftl_status status = FTL_OK;
  if (j->o->xyz) status = ftl_output_open(j->o->xyz, &j->xyz, error);
  if (status == FTL_OK && j->o->json) {
    status = ftl_output_open(j->o->json, &j->json, error);
    if (status == FTL_OK) return written(ftl_answers_begin_json(j->json.stream, error), j->o->json, error);
  }
  return status == FTL_OK ? CLI_OK : cli_report(error, CLI_OUTPUT);
}

int cli_eval_close_outputs(cli_eval *j, ftl_error *error) {
  int code = CLI_OK;
  if (j->xyz.stream) code = written(ftl_output_commit(&j->xyz, error), j->o->xyz, error);
  if (code == CLI_OK && j->json.stream) {
    code = written(ftl_answers_end_json(j->json.stream, error), j->o->json, error);
    if (code == CLI_OK) code = written(ftl_output_commit(&j->json, error), j->o->json, error);
  }
  return code;
}

/* What errors may come from, when labels and answers do not belong together. */
static int print_findings(const cli_eval *j, ftl_error *error) {
  ftl_findings findings = {0};
  ftl_status status = ftl_comparison_units("data", &j->comparison, &findings, error);
  if (status == FTL_OK && !ftl_findings_have(&findings, FTL_FINDING_ENERGY_UNIT))
    status = ftl_comparison_zero("data", &j->comparison, NULL,
                                 "such energies compare as differences only; frozentl train --e0 fit adapts a model",
                                 NULL, &findings, error);
  fflush(stdout);
  for (int k = 0; status == FTL_OK && k < findings.n; k++)
    fprintf(stderr, "frozentl: warning: %s\n", findings.finding[k].text);
  ftl_findings_free(&findings);
  return status == FTL_OK ? CLI_OK : cli_report(error, CLI_INPUT);
}

/* How well the model told its errors. */
static ftl_status print_trust(const cli_eval *j, ftl_error *error) {
  ftl_calibration_result energy, force;
  FTL_TRY(ftl_calibration_measure(&j->energy_errors, &energy, error));
  FTL_TRY(ftl_calibration_measure(&j->force_errors, &force, error));
  if (energy.n + force.n > 0) {
    cli_print_calibration_head();
    cli_print_calibration("energy per atom", &energy, "meV");
    cli_print_calibration("forces", &force, "meV/Angstrom");
  }
  if (j->answer.extrapolation)
    printf("extrapolation: grades up to %.2f, %lld of %.0f atoms above 1\n", j->extrapolation,
           (long long)j->extrapolating, j->done);
  return FTL_OK;
}

int cli_eval_summary(cli_eval *j, ftl_error *error) {
  if (ftl_error_table_has_labels(&j->table)) ftl_error_table_print(&j->table, stdout);
  if (j->o->trust && print_trust(j, error) != FTL_OK) return cli_report(error, CLI_MEMORY);
  char counts[400];
  ftl_label_survey_count(&j->survey, counts);
  printf("%lld frame%s, %lld atom%s, %s; %.3f s in the model: %.4f ms per atom\n", (long long)j->frames,
         j->frames == 1 ? "" : "s", (long long)j->atoms, j->atoms == 1 ? "" : "s", counts, j->seconds,
         1e3 * j->seconds / (j->done > 0 ? j->done : 1));
  ftl_label_survey_advise(&j->survey, counts); /* again: the warning may be many lines above */
  if (*counts) printf("not compared with: %s\n", counts);
  return print_findings(j, error);
}
