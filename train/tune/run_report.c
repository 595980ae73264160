/* What a run leaves for people at its end: errors of the best model, and its answers for parity plots. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/output.h"
#include "data/error_csv.h"
#include "tune/train_run.h"
#include "base/error.h"

/* A structure of train that is the user's own, or of replay. */
typedef struct {
  const char *name;
  ftl_dataset *dataset;
  ftl_graphs *graphs;
  const int *head;
  ftl_predictions *predictions; /* of the whole dataset; those from `first` to `last` are the set's */
  int64_t first, last;
} set;

/* ---- CSV ---- */

static void print_pair(FILE *stream, int64_t frame, const char *config, const char *quantity, double reference,
                       double prediction) {
  fprintf(stream, "%lld,", (long long)frame);
  ftl_csv_name(stream, config);
  fprintf(stream, ",%s", quantity);
  ftl_csv_real(stream, reference);
  ftl_csv_real(stream, prediction);
  putc('\n', stream);
}

static void print_pairs(FILE *stream, int64_t frame, const ftl_structure *structure, const ftl_prediction *p) {
  const ftl_labels *labels = &structure->labels;
  const char *config = structure->config_type;
  if (labels->has_energy)
    print_pair(stream, frame, config, "energy", labels->energy / structure->n, p->energy / structure->n);
  for (int i = 0; labels->has_forces && i < 3 * structure->n; i++)
    print_pair(stream, frame, config, "force", labels->forces[i / 3][i % 3], p->forces[i / 3][i % 3]);
  for (int k = 0; labels->has_stress && k < 9; k++)
    print_pair(stream, frame, config, "stress", labels->stress[k / 3][k % 3],
               -p->virial[k / 3][k % 3] / structure->volume);
}

static ftl_status write_pairs(ftl_run *run, const set *part, const char *file, ftl_error *error) {
  ftl_output_file out;
  char *path = ftl_run_path(run, file);
  if (!path) return ftl_no_memory(error, NULL, "a path");
  ftl_status status = ftl_output_open(path, &out, error);
  free(path);
  if (status) return ftl_run_written(run, status);
  fputs("frame,config_type,quantity,reference,prediction\n", out.stream);
  for (int64_t k = part->first; k < part->last; k++) {
    const ftl_prediction prediction = ftl_predictions_get(part->predictions, k);
    print_pairs(out.stream, k - part->first, &part->dataset->structure[k], &prediction);
  }
  return ftl_run_written(run, ftl_output_commit(&out, error));
}

/* ---- tables ---- */

static ftl_status tabulate(const set *part, ftl_error_table *table, ftl_error *error) {
  ftl_dataset some = *part->dataset;
  ftl_predictions answers = *part->predictions;
  some.structure += part->first;
  some.n = part->last - part->first;
  answers.first += part->first;
  answers.n = some.n;
  return ftl_evaluate_errors(&some, &answers, part->name, table, error);
}

static ftl_status show(const ftl_run *run, const ftl_error_table *table, const char *name, ftl_error *error) {
  char *text = NULL;
  size_t size;
  FILE *stream = open_memstream(&text, &size);
  if (!stream) return ftl_no_memory(error, NULL, "the table of errors");
  fprintf(stream, "\n%s\n", name);
  ftl_error_table_print(table, stream);
  const bool ok = fclose(stream) == 0;
  if (ok && size > 0) text[size - 1] = '\0';
  if (ok && run->s.host->show) run->s.host->show(run->s.host->context, text);
  free(text);
  return FTL_OK;
}

static ftl_status write_errors(ftl_run *run, const set *part, int n, ftl_error *error) {
  ftl_output_file out;
  char *path = ftl_run_path(run, "errors.csv");
  if (!path) return ftl_no_memory(error, NULL, "a path");
  ftl_status status = ftl_run_written(run, ftl_output_open(path, &out, error));
  free(path);
  FTL_TRY(status);
  ftl_error_csv_begin(out.stream);
  for (int k = 0; !status && k < n; k++) {
    ftl_error_table table = {0};
    status = tabulate(&part[k], &table, error);
    if (!status) ftl_error_csv_set(out.stream, part[k].name, &table);
    if (!status) status = show(run, &table, part[k].name, error);
    ftl_error_table_free(&table);
  }
  if (!status) return ftl_run_written(run, ftl_output_commit(&out, error));
  ftl_output_discard(&out);
  return status;
}

static ftl_status use_best(ftl_run *run, ftl_error *error) {
  ftl_setup *s = &run->s;
  ftl_lora_pairs pairs = {0};
  ftl_status status = ftl_run_put_best(run, &pairs, error);
  ftl_lora_pairs_free(&pairs);
  FTL_TRY(status);
  ftl_parameters_get(&s->parameters, s->source, run->gradient); /* free by now */
  return ftl_network_set(s->network, run->gradient, error);
}

ftl_status ftl_run_report(ftl_run *run, ftl_error *error) {
  ftl_setup *s = &run->s;
  ftl_predictions train = {0}, test = {0};
  set part[4];
  int n = 0;
  part[n++] = (set){"train", &s->sets.train, &s->train, s->train_head, &train, 0, s->own};
  if (s->sets.train.n > s->own)
    part[n++] = (set){"replay", &s->sets.train, &s->train, s->train_head, &train, s->own, s->sets.train.n};
  part[n++] = (set){"valid", &s->sets.valid, &s->valid, s->own_head, &run->valid, 0, s->sets.valid.n};
  if (s->sets.test.n > 0) part[n++] = (set){"test", &s->sets.test, &s->test, s->own_head, &test, 0, s->sets.test.n};
  ftl_status status = use_best(run, error);
  for (int k = 0; !status && k < n; k++)
    if (part[k].first == 0)
      status = ftl_evaluate(&s->team, part[k].graphs, part[k].head, FTL_ANSWER_LABELLED, part[k].predictions, error);
  if (ftl_run_writes()) {
    if (!status) status = write_errors(run, part, n, error);
    for (int k = 0; !status && k < n; k++) {
      if (strcmp(part[k].name, "valid") == 0) status = write_pairs(run, &part[k], "predictions-valid.csv", error);
      if (strcmp(part[k].name, "test") == 0) status = write_pairs(run, &part[k], "predictions-test.csv", error);
    }
  }
  ftl_predictions_free(&train);
  ftl_predictions_free(&test);
  return status;
}
