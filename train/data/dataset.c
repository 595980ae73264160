#include "data/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/isolated.h"
#include "data/xyz_internal.h"
#include "base/array.h"
#include "base/error.h"

typedef struct {
  const ftl_dataset_options *options;
  ftl_dataset *dataset;
  ftl_xyz_frame frame;
  ftl_labels labels;
  ftl_selection_count selected;
  int64_t absurd; /* frames with a force above max_force */
  char first_absurd[512];
  char first_place[256];
} reading;

void ftl_structure_free(ftl_structure *structure) {
  free(structure->path);
  free(structure->atomic_number);
  free(structure->position);
  free(structure->config_type);
  free(structure->head);
  free(structure->atom_energy);
  ftl_labels_free(&structure->labels);
  memset(structure, 0, sizeof *structure);
}

static void free_structures(ftl_dataset *dataset, int64_t first) {
  for (int64_t s = first; s < dataset->n; s++) ftl_structure_free(&dataset->structure[s]);
  if (first < dataset->n) dataset->n = first;
}

void ftl_dataset_free(ftl_dataset *dataset) {
  if (!dataset) return;
  free_structures(dataset, 0);
  for (int k = 0; k < dataset->n_files; k++) free(dataset->file[k].path);
  free(dataset->structure);
  free(dataset->file);
  memset(dataset, 0, sizeof *dataset);
}

/* ---- one frame ---- */

static ftl_status read_weight(const ftl_xyz_frame *frame, const char *key, double *weight, ftl_error *error) {
  *weight = 1;
  if (!ftl_xyz_value(frame, key)) return FTL_OK;
  ftl_status status = ftl_xyz_once(frame, key, error);
  if (!status) status = ftl_xyz_real(frame, key, weight, error);
  if (!status && *weight < 0)
    return ftl_xyz_fail(frame, frame->line + 1, error, "%s=%g is negative; a weight is 0 or more", key, *weight);
  return status;
}

static ftl_status read_weights(const reading *r, ftl_structure *structure, ftl_error *error) {
  const ftl_xyz_frame *frame = &r->frame;
  ftl_status status = read_weight(frame, "config_weight", &structure->weight, error);
  if (!status) status = read_weight(frame, "config_energy_weight", &structure->energy_weight, error);
  if (!status) status = read_weight(frame, "config_forces_weight", &structure->forces_weight, error);
  if (!status) status = read_weight(frame, "config_stress_weight", &structure->stress_weight, error);
  const bool none = strcmp(structure->config_type, FTL_NO_CONFIG_TYPE) == 0;
  for (int k = 0; k < r->options->n_configs; k++) {
    const char *name = r->options->config[k];
    if (strcmp(name, structure->config_type) == 0 || (none && strcmp(name, "Default") == 0))
      structure->weight *= r->options->config_weight[k];
  }
  return status;
}

/* The first force above max_force, if there is one, goes into the count and the message. */
static bool is_absurd(reading *r) {
  const double limit = r->options->max_force;
  if (!(limit > 0) || !r->labels.has_forces) return false;
  for (int i = 0; i < r->frame.n; i++) {
    const double *f = r->labels.forces[i];
    const double length = sqrt(f[0] * f[0] + f[1] * f[1] + f[2] * f[2]);
    if (length <= limit) continue;
    if (r->absurd++ == 0) {
      ftl_xyz_where(&r->frame, ftl_xyz_atom_line(&r->frame, i), r->first_place);
      snprintf(r->first_absurd, sizeof r->first_absurd, "atom %d (%s) has a force of %g eV/A", i,
               ftl_element_symbol(r->frame.atomic_number[i]), length);
    }
    return true;
  }
  return false;
}

static void *copy(const void *data, size_t bytes) {
  void *fresh = malloc(bytes);
  if (fresh) memcpy(fresh, data, bytes);
  return fresh;
}

/* Takes over the labels: their forces belong to the structure. */
static ftl_status fill(reading *r, ftl_structure *structure, ftl_error *error) {
  const ftl_xyz_frame *frame = &r->frame;
  const char *type = ftl_xyz_value(frame, "config_type"), *head = ftl_xyz_value(frame, "head");
  const size_t n = (size_t)frame->n;
  *structure = (ftl_structure){.frame = frame->index,
                               .line = frame->line,
                               .n = frame->n,
                               .has_cell = frame->has_cell,
                               .volume = ftl_frame_volume(frame)};
  structure->path = strdup(frame->path);
  structure->atomic_number = copy(frame->atomic_number, n * sizeof *frame->atomic_number);
  structure->position = copy(frame->position, n * sizeof *frame->position);
  structure->config_type = strdup(type ? type : FTL_NO_CONFIG_TYPE);
  structure->head = head ? strdup(head) : NULL;
  if (!structure->path || !structure->atomic_number || !structure->position || !structure->config_type ||
      (head && !structure->head))
    return ftl_no_memory(error, frame->path, "structures");
  memcpy(structure->cell, frame->cell, sizeof structure->cell);
  memcpy(structure->pbc, frame->pbc, sizeof structure->pbc);
  structure->isolated = ftl_isolated_alone(structure);
  FTL_TRY(read_weights(r, structure, error));
  structure->labels = r->labels;
  structure->stress_without_volume = r->labels.stress_without_volume;
  ftl_labels *other = r->labels.has_forces ? &r->labels : &structure->labels;
  other->forces = NULL;
  other->room = 0;
  return FTL_OK;
}

/* Whether the frame is asked for, and what it has; keys that mean something stand once. */
static ftl_status look_at_frame(reading *r, bool *wanted, ftl_error *error) {
  const ftl_dataset_options *o = r->options;
  FTL_TRY(ftl_selection_takes(&o->select, &r->frame, wanted, error));
  ftl_selection_add(&r->selected, &o->select, &r->frame, *wanted);
  if (!*wanted) return FTL_OK;
  FTL_TRY(ftl_xyz_once(&r->frame, "config_type", error));
  FTL_TRY(ftl_xyz_once(&r->frame, "head", error));
  FTL_TRY(ftl_labels_read(&r->frame, &o->labels, &r->labels, error));
  return ftl_label_survey_add(&r->dataset->survey, &r->frame, &o->labels, &r->labels, error);
}

static ftl_status take_frame(reading *r, ftl_error *error) {
  ftl_dataset *dataset = r->dataset;
  bool wanted;
  ftl_status status = look_at_frame(r, &wanted, error);
  if (status != FTL_OK || !wanted || is_absurd(r)) return status;
  status = FTL_GROW(dataset->structure, dataset->room, (size_t)dataset->n + 1, "the structures", error);
  if (!status) {
    ftl_structure *structure = &dataset->structure[dataset->n];
    status = fill(r, structure, error);
    if (!status && !structure->isolated) ftl_label_survey_add_head(&dataset->survey, structure->head);
    if (!status) dataset->n++;
    else ftl_structure_free(structure);
  }
  FTL_TRY(status);
  dataset->file[dataset->n_files - 1].frames++;
  return FTL_OK;
}

/* ---- files ---- */

static ftl_status add_file(ftl_dataset *dataset, const char *path, ftl_error *error) {
  struct stat info;
  if (strcmp(path, "-") == 0 || (stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)))
    return ftl_fail(error, FTL_ERR_INPUT, path,
                    "is not a regular file; a data set is read twice (once for its SHA-256): save it to a file first");
  char *owned = strdup(path);
  if (!owned) return ftl_no_memory(error, path, "a file name");
  ftl_dataset_file *file = &dataset->file[dataset->n_files++];
  *file = (ftl_dataset_file){.path = owned};
  return FTL_OK;
}

static ftl_status read_file(reading *r, const char *path, ftl_error *error) {
  ftl_xyz_reader *reader = NULL;
  ftl_status status = add_file(r->dataset, path, error);
  if (!status) status = ftl_xyz_open(path, &reader, error); /* before the digest: it knows folders */
  if (!status) status = ftl_sha256_file(path, r->dataset->file[r->dataset->n_files - 1].sha256, error);
  bool end = false;
  while (!status) {
    status = ftl_xyz_read(reader, &r->frame, &end, error);
    if (status != FTL_OK || end) break;
    status = take_frame(r, error);
  }
  ftl_xyz_close(reader);
  return status;
}

ftl_status ftl_dataset_read(char *const *paths, int n_paths, const ftl_dataset_options *options, ftl_dataset *dataset,
                            ftl_error *error) {
  ftl_dataset_options effective = options ? *options : (ftl_dataset_options){0};
  reading r = {.options = &effective, .dataset = dataset};
  dataset->file = calloc((size_t)n_paths + 1, sizeof *dataset->file);
  if (!dataset->file) return ftl_no_memory(error, NULL, "a list of files");
  ftl_status status = ftl_selection_check(&effective.select, error);
  for (int k = 0; !status && k < n_paths; k++) status = read_file(&r, paths[k], error);
  if (!status) status = ftl_selection_require(&r.selected, &effective.select, paths[0], error);
  if (!status && r.absurd > 0 && !effective.drop_absurd)
    status = ftl_fail(error, FTL_ERR_INPUT, r.first_place,
                      "%s, above the limit of %g; %lld frame%s like this: correct or remove them, leave them out with "
                      "large_forces: drop (--large-forces drop), or raise the limit with max_force (--max-force)",
                      r.first_absurd, effective.max_force, (long long)r.absurd, r.absurd == 1 ? " is" : "s are");
  if (!status && r.absurd > 0) {
    dataset->dropped = r.absurd;
    snprintf(dataset->first_dropped, sizeof dataset->first_dropped, "%s: %.200s", r.first_place, r.first_absurd);
  }
  ftl_xyz_frame_free(&r.frame);
  ftl_labels_free(&r.labels);
  return status;
}

/* ---- parts of a set ---- */

void ftl_dataset_truncate(ftl_dataset *dataset, int64_t n) { free_structures(dataset, n < 0 ? 0 : n); }

static ftl_status copy_files(const ftl_dataset *from, ftl_dataset *into, ftl_error *error) {
  into->file = calloc((size_t)from->n_files + 1, sizeof *into->file);
  bool good = into->file != NULL;
  into->survey = from->survey;
  for (int k = 0; good && k < from->n_files; k++) {
    into->file[k] = from->file[k];
    into->file[k].frames = 0;
    into->file[k].path = strdup(from->file[k].path);
    good = into->file[k].path != NULL;
    into->n_files = k + good;
  }
  return good ? FTL_OK : ftl_no_memory(error, NULL, "a list of files");
}

ftl_status ftl_dataset_move(ftl_dataset *dataset, const bool *moved, ftl_dataset *into, ftl_error *error) {
  size_t count = 0;
  for (int64_t s = 0; s < dataset->n; s++) count += moved[s];
  FTL_TRY(into->file ? FTL_OK : copy_files(dataset, into, error));
  FTL_TRY(FTL_GROW(into->structure, into->room, (size_t)into->n + count, "the structures", error));
  int64_t kept = 0;
  for (int64_t s = 0; s < dataset->n; s++) {
    if (moved[s]) into->structure[into->n++] = dataset->structure[s];
    else dataset->structure[kept++] = dataset->structure[s];
  }
  dataset->n = kept;
  return FTL_OK;
}

int64_t ftl_dataset_remove_isolated(ftl_dataset *dataset) {
  int64_t kept = 0, removed = 0;
  for (int64_t s = 0; s < dataset->n; s++) {
    if (dataset->structure[s].isolated) ftl_structure_free(&dataset->structure[s]), removed++;
    else dataset->structure[kept++] = dataset->structure[s];
  }
  dataset->n = kept;
  return removed;
}

/* ---- about a set ---- */

void ftl_dataset_count_labels(const ftl_dataset *dataset, ftl_label_counts *counts) {
  *counts = (ftl_label_counts){0};
  for (int64_t s = 0; s < dataset->n; s++) {
    const ftl_labels *labels = &dataset->structure[s].labels;
    counts->energy += labels->has_energy;
    counts->forces += labels->has_forces;
    counts->stress += labels->has_stress;
    counts->stress_without_volume += dataset->structure[s].stress_without_volume;
    counts->none += !labels->has_energy && !labels->has_forces && !labels->has_stress;
  }
}

void ftl_dataset_describe_labels(const ftl_dataset *dataset, char text[400]) {
  ftl_label_survey now = dataset->survey; /* the names are those of all that was read */
  ftl_label_counts counts;
  ftl_dataset_count_labels(dataset, &counts);
  now.energy = counts.energy;
  now.forces = counts.forces;
  now.stress = counts.stress;
  ftl_label_survey_count(&now, text);
}

int64_t ftl_dataset_atoms(const ftl_dataset *dataset) {
  int64_t atoms = 0;
  for (int64_t s = 0; s < dataset->n; s++) atoms += dataset->structure[s].n;
  return atoms;
}

int ftl_dataset_largest(const ftl_dataset *dataset) {
  int largest = 0;
  for (int64_t s = 0; s < dataset->n; s++)
    if (dataset->structure[s].n > largest) largest = dataset->structure[s].n;
  return largest;
}

void ftl_structure_where(const ftl_structure *structure, int atom, char where[256]) {
  const ftl_xyz_frame place = {.path = structure->path, .index = structure->frame, .line = structure->line};
  ftl_xyz_where(&place, atom < 0 ? structure->line : ftl_xyz_atom_line(&place, atom), where);
}

ftl_status ftl_dataset_digest(const ftl_dataset *dataset, char sha256[FTL_SHA256_HEX], ftl_error *error) {
  const size_t length = FTL_SHA256_HEX - 1;
  if (dataset->n_files == 1) {
    memcpy(sha256, dataset->file[0].sha256, FTL_SHA256_HEX);
    return FTL_OK;
  }
  char *all = malloc((size_t)dataset->n_files * length + 1);
  if (!all) return ftl_no_memory(error, NULL, "the digest of a data set");
  for (int k = 0; k < dataset->n_files; k++) memcpy(all + (size_t)k * length, dataset->file[k].sha256, length);
  ftl_sha256(all, (size_t)dataset->n_files * length, sha256);
  free(all);
  return FTL_OK;
}
