#include "data/labels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "data/xyz_internal.h"

double ftl_frame_volume(const ftl_xyz_frame *frame) {
  const double(*c)[3] = frame->cell;
  if (!frame->has_cell || !frame->pbc[0] || !frame->pbc[1] || !frame->pbc[2]) return 0;
  return fabs(c[0][0] * (c[1][1] * c[2][2] - c[1][2] * c[2][1]) - c[0][1] * (c[1][0] * c[2][2] - c[1][2] * c[2][0]) +
              c[0][2] * (c[1][0] * c[2][1] - c[1][1] * c[2][0]));
}

/* A key of the comment line with numbers in it. */
static bool is_filled(const ftl_xyz_frame *frame, const char *key, bool *blank) {
  if (!key) return false;
  const bool none = ftl_xyz_is_blank(ftl_xyz_value(frame, key));
  *blank |= none;
  return !none;
}

static ftl_status read_stress(const ftl_xyz_frame *frame, const ftl_label_keys *keys, ftl_labels *labels,
                              ftl_error *error) {
  const char *stress = keys->key[FTL_LABEL_STRESS], *virial = keys->key[FTL_LABEL_VIRIAL];
  const bool has_stress = is_filled(frame, stress, &labels->blank_stress);
  const double volume = ftl_frame_volume(frame);
  ftl_status status = FTL_OK;
  labels->has_virial = is_filled(frame, virial, &labels->blank_stress);
  labels->has_stress = volume > 0 && (has_stress || labels->has_virial);
  labels->stress_without_volume = !(volume > 0) && (has_stress || labels->has_virial);
  labels->blank_stress &= !labels->has_stress && !labels->stress_without_volume;
  if (labels->has_virial) status = ftl_xyz_matrix(frame, virial, labels->virial, error);
  if (!status && has_stress) return ftl_xyz_matrix(frame, stress, labels->stress, error);
  for (int k = 0; !status && labels->has_stress && k < 9; k++)
    labels->stress[k / 3][k % 3] = -labels->virial[k / 3][k % 3] / volume;
  return status;
}

ftl_status ftl_labels_read(const ftl_xyz_frame *frame, const ftl_label_names *names, ftl_labels *labels,
                           ftl_error *error) {
  ftl_label_keys keys;
  FTL_TRY(ftl_label_keys_find(frame, names, &keys, error));
  const char *energy = keys.key[FTL_LABEL_ENERGY], *forces = keys.key[FTL_LABEL_FORCES];
  labels->blank_energy = labels->blank_stress = false;
  labels->blank_forces = forces && ftl_xyz_column_is_blank(frame, forces);
  labels->has_energy = is_filled(frame, energy, &labels->blank_energy);
  labels->has_forces = forces && !labels->blank_forces;
  ftl_status status = FTL_OK;
  if (labels->has_energy) status = ftl_xyz_real(frame, energy, &labels->energy, error);
  if (!status && labels->has_forces) {
    status = FTL_GROW(labels->forces, labels->room, (size_t)frame->n, "labels", error);
    if (!status) status = ftl_xyz_column(frame, forces, 3, labels->forces[0], error);
  }
  return status ? status : read_stress(frame, &keys, labels, error);
}

void ftl_labels_free(ftl_labels *labels) {
  free(labels->forces);
  memset(labels, 0, sizeof *labels);
}

/* ---- sums ---- */

static void add(ftl_error_sum *sum, double difference) {
  sum->n++;
  sum->square += difference * difference;
  sum->absolute += fabs(difference);
}

static void join(ftl_error_sum *sum, const ftl_error_sum *other) {
  sum->n += other->n;
  sum->square += other->square;
  sum->absolute += other->absolute;
}

static ftl_error_row *find_row(ftl_error_table *table, const char *head, const char *config_type, ftl_error *error) {
  for (int k = 0; k < table->n; k++)
    if (strcmp(table->row[k].head, head) == 0 && strcmp(table->row[k].config_type, config_type) == 0)
      return &table->row[k];
  if (FTL_GROW(table->row, table->room, (size_t)table->n + 1, "labels", error) != FTL_OK) return NULL;
  ftl_error_row *row = &table->row[table->n];
  memset(row, 0, sizeof *row);
  row->head = strdup(head);
  row->config_type = strdup(config_type);
  if (!row->head || !row->config_type) {
    free(row->head);
    free(row->config_type);
    ftl_no_memory(error, NULL, "the table of errors");
    return NULL;
  }
  table->n++;
  return row;
}

ftl_status ftl_error_table_add(ftl_error_table *table, const char *head, const char *config_type, int n,
                               const ftl_labels *labels, double energy, const double (*forces)[3],
                               const double (*stress)[3], ftl_error *error) {
  ftl_error_row *row = find_row(table, head, config_type ? config_type : "(none)", error);
  if (!row) return FTL_ERR_MEMORY;
  row->frames++;
  row->atoms += n;
  if (labels->has_energy) add(&row->energy, (energy - labels->energy) / n);
  for (int i = 0; labels->has_forces && i < n; i++)
    for (int k = 0; k < 3; k++) add(&row->forces, forces[i][k] - labels->forces[i][k]);
  for (int k = 0; labels->has_stress && stress && k < 9; k++)
    add(&row->stress, stress[k / 3][k % 3] - labels->stress[k / 3][k % 3]);
  return FTL_OK;
}

ftl_error_row ftl_error_table_total(const ftl_error_table *table, const char *head) {
  ftl_error_row total = {.head = "total", .config_type = "total"};
  for (int k = 0; k < table->n; k++) {
    const ftl_error_row *row = &table->row[k];
    if (head && strcmp(row->head, head) != 0) continue;
    total.frames += row->frames;
    total.atoms += row->atoms;
    join(&total.energy, &row->energy);
    join(&total.forces, &row->forces);
    join(&total.stress, &row->stress);
  }
  return total;
}

double ftl_error_rmse(const ftl_error_sum *sum) { return sum->n > 0 ? sqrt(sum->square / sum->n) : NAN; }
double ftl_error_mae(const ftl_error_sum *sum) { return sum->n > 0 ? sum->absolute / sum->n : NAN; }

/* ---- the table ---- */

static bool has_labels(const ftl_error_row *row) { return row->energy.n + row->forces.n + row->stress.n > 0; }

bool ftl_error_table_has_labels(const ftl_error_table *table) {
  for (int k = 0; k < table->n; k++)
    if (has_labels(&table->row[k])) return true;
  return false;
}

static void print_sum(FILE *stream, const ftl_error_sum *sum) {
  if (sum->n == 0) fprintf(stream, " | %10s %10s", "-", "-");
  else fprintf(stream, " | %10.3f %10.3f", 1000 * ftl_error_rmse(sum), 1000 * ftl_error_mae(sum));
}

static void print_row(FILE *stream, const ftl_error_row *row, int width) {
  fprintf(stream, "%-*s %7lld %9lld", width, row->config_type, (long long)row->frames, (long long)row->atoms);
  print_sum(stream, &row->energy);
  print_sum(stream, &row->forces);
  print_sum(stream, &row->stress);
  putc('\n', stream);
}

void ftl_error_table_print(const ftl_error_table *table, FILE *stream) {
  int width = 11;
  bool several = false;
  for (int k = 0; k < table->n; k++) {
    int length = (int)strlen(table->row[k].config_type);
    if (length > width) width = length;
    several |= strcmp(table->row[k].head, table->row[0].head) != 0;
  }
  for (int first = 0; first < table->n; first++) {
    const char *head = table->row[first].head;
    bool seen = false;
    for (int k = 0; k < first; k++) seen |= strcmp(table->row[k].head, head) == 0;
    if (seen) continue;
    if (several) fprintf(stream, "head %s\n", head);
    fprintf(stream, "%-*s %7s %9s | %21s | %21s | %21s\n", width, "", "", "", "energy, meV/atom", "forces, meV/A",
            "stress, meV/A^3");
    fprintf(stream, "%-*s %7s %9s", width, "config_type", "frames", "atoms");
    for (int k = 0; k < 3; k++) fprintf(stream, " | %10s %10s", "RMSE", "MAE");
    putc('\n', stream);
    for (int k = first; k < table->n; k++)
      if (strcmp(table->row[k].head, head) == 0) print_row(stream, &table->row[k], width);
    const ftl_error_row total = ftl_error_table_total(table, head);
    print_row(stream, &total, width);
  }
}

void ftl_error_table_free(ftl_error_table *table) {
  for (int k = 0; k < table->n; k++) {
    free(table->row[k].head);
    free(table->row[k].config_type);
  }
  free(table->row);
  memset(table, 0, sizeof *table);
}
