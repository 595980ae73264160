/* What a run says and writes. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/error_csv.h"
#include "files/yace_writer.h"
#include "support/output.h"
#include "files/surrogate_file.h"
#include "base/error.h"
#include "base/printable.h"
#include "surrogate/fit_run_internal.h"
#include "surrogate/rounds.h"
#include "surrogate/student.h"

static void say_row(const ftl_surrogate_state *run, const char *name, int64_t n, const ftl_fit_errors *e) {
  if (n == 0) return;
  char part[3][32];
  const double factor[3] = {1e3, 1e3, 1e3};
  for (int k = 0; k < 3; k++)
    snprintf(part[k], sizeof part[k], e->n[k] ? "%.2f" : "-", e->n[k] ? e->rmse[k] * factor[k] : 0);
  ftl_surrogate_say(run, "%-10s %10lld %12s %12s %14s", name, (long long)n, part[0], part[1], part[2]);
}

ftl_status ftl_surrogate_show_table(const ftl_surrogate_state *run, const char *title, const ftl_error_table *table,
                                    ftl_error *error) {
  char *text = NULL;
  size_t size = 0;
  FILE *stream = open_memstream(&text, &size);
  if (!stream) return ftl_no_memory(error, NULL, "the table of errors");
  fprintf(stream, "\n%s\n", title);
  ftl_error_table_print(table, stream);
  const bool ok = fclose(stream) == 0;
  if (ok && size > 0) text[size - 1] = '\0'; /* the last line ends where it is shown */
  if (ok) run->host->say(run->host->context, text);
  free(text);
  return ok ? FTL_OK : ftl_no_memory(error, NULL, "the table of errors");
}

static const char *const set_names[3] = {"fitted", "held back", "valid"};

/* What a potential is to be measured by: the errors of the one that it learned from, where both are known. */
static void say_ratio(const ftl_surrogate_state *run) {
  const ftl_error_row mine = ftl_error_table_total(&run->table[2], NULL), *teacher = &run->teacher_on_valid;
  const double energy = ftl_error_rmse(&mine.energy) / ftl_error_rmse(&teacher->energy),
               forces = ftl_error_rmse(&mine.forces) / ftl_error_rmse(&teacher->forces);
  if (isfinite(energy)) ftl_surrogate_say(run, "on valid: %.2f times the model's error of energies", energy);
  if (isfinite(forces)) ftl_surrogate_say(run, "on valid: %.2f times the model's error of forces", forces);
}

static ftl_status show_tables(const ftl_surrogate_state *run, ftl_error *error) {
  ftl_status status = FTL_OK;
  for (int k = 1; k < 3 && !status; k++)
    if (ftl_error_table_has_labels(&run->table[k]))
      status = ftl_surrogate_show_table(run, set_names[k], &run->table[k], error);
  if (!status) say_ratio(run);
  return status;
}

ftl_status ftl_surrogate_say_errors(const ftl_surrogate_state *run, ftl_error *error) {
  static const char *const kinds[] = {[FTL_SOLVE_RIDGE] = "ridge",
                                      [FTL_SOLVE_CV] = "cross-validated ridge",
                                      [FTL_SOLVE_EVIDENCE] = "ridge of largest evidence",
                                      [FTL_SOLVE_ARD] = "automatic relevance determination"};
  const ftl_solution *s = &run->solution;
  if (!ftl_student_is_network(run->recipe))
    ftl_surrogate_say(run,
                      "%s: %d functions kept, of which the data fix %.0f and the prior the rest (its strength %.2e; "
                      "condition %.1e)",
                      kinds[run->recipe->solver.kind], s->kept, s->effective, s->lambda, s->condition);
  ftl_surrogate_say(run, "%-10s %10s %12s %12s %14s", "RMSE", "structures", "meV/atom", "meV/A", "virial meV/atom");
  say_row(run, set_names[0], run->n_measured, &run->on_train);
  say_row(run, set_names[1], run->held.n, &run->on_held);
  say_row(run, set_names[2], run->valid.n, &run->on_valid);
  return show_tables(run, error);
}

/* ---- report.json, which is in the metadata of model.ftl too ---- */

static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

static json_t *errors_json(int64_t n, const ftl_fit_errors *e) {
  return json_pack("{s:I, s:o, s:o, s:o}", "structures", (json_int_t)n, "energy_per_atom", number(e->rmse[0]), "forces",
                   number(e->rmse[1]), "virial_per_atom", number(e->rmse[2]));
}

static json_t *fit_json(const ftl_surrogate_state *run) {
  const ftl_solution *s = &run->solution;
  const int n = run->n_fitted;
  return json_pack("{s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o}", "functions", n, "kept", s->kept, "rank", s->rank,
                   "effective", number(s->effective), "condition", number(s->condition), "strength", number(s->lambda),
                   "log_evidence", number(s->log_evidence), "cv_error", number(s->cv_error));
}

static json_t *row_json(const ftl_error_row *row) {
  return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "structures", (json_int_t)row->frames, "energy_rmse",
                   number(ftl_error_rmse(&row->energy)), "energy_mae", number(ftl_error_mae(&row->energy)),
                   "forces_rmse", number(ftl_error_rmse(&row->forces)), "forces_mae",
                   number(ftl_error_mae(&row->forces)), "stress_rmse", number(ftl_error_rmse(&row->stress)),
                   "stress_mae", number(ftl_error_mae(&row->stress)));
}

static json_t *walls_json(const ftl_surrogate_state *run) {
  json_t *list = json_array();
  for (int k = 0; k < run->n_walls; k++) {
    const ftl_wall *w = &run->wall[k];
    char pair[16];
    snprintf(pair, sizeof pair, "%s-%s", ftl_element_symbol(run->elements[w->mu]),
             ftl_element_symbol(run->elements[w->nu]));
    json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:f, s:f}", "pair", pair, "from", w->from, "rim", w->rim,
                                          "fall", w->fall, "at", w->at));
  }
  return list;
}

/* {"held_back": {"bulk": {...}}} */
static json_t *tables_json(const ftl_surrogate_state *run) {
  static const char *const keys[3] = {"fitted", "held_back", "valid"};
  json_t *sets = json_object();
  for (int k = 0; k < 3; k++) {
    const ftl_error_table *table = &run->table[k];
    json_t *set = json_object();
    for (int r = 0; r < table->n; r++) {
      char type[200];
      snprintf(type, sizeof type, "%s", table->row[r].config_type);
      json_object_set_new(set, ftl_printable(type, ""), row_json(&table->row[r]));
    }
    if (table->n > 0) json_object_set(sets, keys[k], set);
    json_decref(set);
  }
  return sets;
}

static json_t *recipe_json(const ftl_surrogate_state *run) {
  json_t *object = json_object();
  const ftl_option_table *table = run->recipe->options.table;
  for (int k = 0; k < table->n && object; k++) {
    if (table->option[k].type == FTL_OPTION_PATH || table->option[k].type == FTL_OPTION_PATHS) continue;
    char *text = ftl_options_text(&run->recipe->options, &table->option[k]);
    if (text && *text) json_object_set_new(object, table->option[k].key, json_string(text));
    free(text);
  }
  return object;
}

static json_t *findings_json(const ftl_surrogate_state *run) {
  json_t *list = json_array();
  for (int k = 0; k < run->findings.n; k++) json_array_append_new(list, json_string(run->findings.finding[k].text));
  return list;
}

/* As many decimals as errors mean: what a run goes on with is in rounds.json. */
static json_t *rounds_json(const ftl_surrogate_state *run) {
  json_t *list = json_array();
  for (int k = 0; k < run->n_rounds; k++) json_array_append_new(list, ftl_round_record(run, k));
  return list;
}

static json_t *report_json(const ftl_surrogate_state *run) {
  json_t *report = json_object(), *sources = json_object(), *errors = json_object();
  if (*run->model_sha256) json_object_set_new(sources, "model_sha256", json_string(run->model_sha256));
  if (*run->data_sha256) json_object_set_new(sources, "data_sha256", json_string(run->data_sha256));
  if (run->n_candidates > 0) {
    json_object_set_new(sources, "candidates", json_integer((json_int_t)run->n_candidates));
    json_object_set_new(sources, "sampled", json_integer((json_int_t)run->n_sampled));
  }
  json_object_set_new(errors, "fitted", errors_json(run->n_measured, &run->on_train));
  if (run->held.n > 0) json_object_set_new(errors, "held_back", errors_json(run->held.n, &run->on_held));
  if (run->valid.n > 0) json_object_set_new(errors, "valid", errors_json(run->valid.n, &run->on_valid));
  json_object_set_new(report, "sources", sources);
  json_object_set_new(report, "e0", json_string(run->e0_from));
  if (!ftl_student_is_network(run->recipe)) json_object_set_new(report, "fit", fit_json(run));
  json_object_set_new(report, "errors_eV_Angstrom", errors);
  json_object_set_new(report, "by_type_eV_Angstrom", tables_json(run));
  if (run->teacher_on_valid.frames > 0)
    json_object_set_new(report, "model_on_valid_eV_Angstrom", row_json(&run->teacher_on_valid));
  if (run->n_walls > 0) json_object_set_new(report, "walls_eV_Angstrom", walls_json(run));
  if (run->n_rounds > 0) json_object_set_new(report, "rounds", rounds_json(run));
  json_object_set_new(report, "findings", findings_json(run));
  json_object_set_new(report, "recipe", recipe_json(run));
  return report;
}

/* ---- files ---- */

static ftl_status open_output(const ftl_surrogate_state *run, const char *name, ftl_output_file *file,
                              ftl_error *error) {
  char *path = ftl_surrogate_path(run, name);
  ftl_status status = path ? ftl_output_open(path, file, error) : ftl_no_memory(error, NULL, "a path");
  free(path);
  return status;
}

static ftl_status close_output(ftl_status status, ftl_output_file *file, ftl_error *error) {
  if (!status) return ftl_output_commit(file, error);
  ftl_output_discard(file);
  return status;
}

static ftl_status write_yace(const ftl_surrogate_state *run, ftl_error *error) {
  ftl_ace_file file;
  ftl_output_file output = {0};
  FTL_TRY(ftl_surrogate_file(&run->surrogate, run->surrogate.coefficient, &file, error));
  ftl_status status = open_output(run, "model.yace", &output, error);
  if (!status) status = ftl_ace_file_write(&file, run->recipe->spline_bins, NULL, output.stream, error);
  status = close_output(status, &output, error);
  ftl_ace_file_free(&file);
  return status;
}

static ftl_status write_text(const ftl_surrogate_state *run, const char *text, ftl_error *error) {
  ftl_output_file output = {0};
  ftl_status status = open_output(run, "report.json", &output, error);
  if (!status) fprintf(output.stream, "%s\n", text);
  return close_output(status, &output, error);
}

static ftl_status write_errors(const ftl_surrogate_state *run, ftl_error *error) {
  ftl_output_file output = {0};
  ftl_status status = open_output(run, "errors.csv", &output, error);
  if (!status) ftl_error_csv_begin(output.stream);
  for (int k = 0; k < 3 && !status; k++)
    if (run->table[k].n > 0) ftl_error_csv_set(output.stream, set_names[k], &run->table[k]);
  return close_output(status, &output, error);
}

static char *report_text(const ftl_surrogate_state *run) {
  json_t *report = report_json(run);
  char *text = report ? json_dumps(report, JSON_INDENT(2) | JSON_REAL_PRECISION(8) | JSON_ENSURE_ASCII) : NULL;
  json_decref(report);
  return text;
}

/* The report is the sign that a run is complete, and comes last. */
static ftl_status write_reports(const ftl_surrogate_state *run, const char *text, ftl_error *error) {
  ftl_status status = write_errors(run, error);
  return status ? status : write_text(run, text, error);
}

ftl_status ftl_surrogate_write_report(ftl_surrogate_state *run, ftl_error *error) {
  char *text = report_text(run);
  if (!text) return ftl_no_memory(error, NULL, "the report of a run");
  run->unwritten = true;
  ftl_status status = write_reports(run, text, error);
  free(text);
  return status;
}

ftl_status ftl_surrogate_write_all(ftl_surrogate_state *run, ftl_error *error) {
  char *text = report_text(run), *ftl = ftl_surrogate_path(run, "model.ftl");
  ftl_status status = text && ftl ? FTL_OK : ftl_no_memory(error, NULL, "the report of a fit");
  run->unwritten = status == FTL_OK;          /* from here on failures are of files */
  const bool linear = !run->surrogate.second; /* .ftl stores no other */
  if (!status && linear) {
    ftl_output_file file;
    ftl_output_begin_model(ftl, &file);
    status = ftl_surrogate_write(&run->surrogate, ftl, text, error);
    ftl_output_end_model(&file);
  }
  if (!status) status = write_yace(run, error);
  if (!status) status = write_reports(run, text, error);
  if (!status)
    ftl_surrogate_say(run, "wrote %s/%smodel.yace, errors.csv and report.json", run->recipe->output,
                      linear ? "model.ftl, " : "");
  free(text);
  free(ftl);
  return status;
}
