#include "surrogate/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tune/split.h"
#include "base/array.h"
#include "base/error.h"
#include "sampling/starts.h"

/* ---- starts ---- */

/* sample.n_starts of them, a fair part in the order of the files, without labels. */
static ftl_status add_part(const ftl_dataset *from, const ftl_surrogate_recipe *r, ftl_dataset *starts,
                           ftl_error *error) {
  const int64_t n = from->n < r->sample.n_starts ? from->n : r->sample.n_starts;
  FTL_TRY(FTL_GROW(starts->structure, starts->room, starts->n + n + 1, "starting structures", error));
  int64_t *order = malloc(((size_t)from->n + 1) * sizeof *order);
  bool *chosen = calloc((size_t)from->n + 1, sizeof *chosen);
  ftl_status status = order && chosen ? FTL_OK : ftl_no_memory(error, NULL, "a list of starts");
  if (!status) status = ftl_split_order(from, (uint64_t)r->seed, order, error);
  for (int64_t k = 0; k < n && !status; k++) chosen[order[k]] = true;
  for (int64_t k = 0; k < from->n && !status; k++) {
    if (!chosen[k]) continue;
    status = ftl_structure_copy(&from->structure[k], &starts->structure[starts->n], error);
    if (!status) starts->n++;
  }
  free(order);
  free(chosen);
  return status;
}

static ftl_status add_files(const ftl_surrogate_recipe *r, ftl_dataset *starts, ftl_error *error) {
  ftl_dataset read = {0};
  const ftl_dataset_options options = {.labels = {.prefix = r->labels}};
  ftl_status status = ftl_dataset_read(r->sample.starts.item, r->sample.starts.n, &options, &read, error);
  if (!status) status = add_part(&read, r, starts, error);
  ftl_dataset_free(&read);
  return status;
}

static ftl_status bad_crystal(const char *word, ftl_error *error) {
  return ftl_fail(error, FTL_ERR_INPUT, NULL,
                  "sample.crystals: '%.80s' is not like fcc:3.6:Cu:3x3x3 or hcp:2.93:4.66:Ti=0.9+Al=0.1:3x3x2", word);
}

/* "Ti=0.9+Al=0.1" */
static ftl_status read_composition(char *text, const char *word, int *element, double *fraction, int *n,
                                   ftl_error *error) {
  char *rest = NULL;
  *n = 0;
  for (char *part = strtok_r(text, "+", &rest); part; part = strtok_r(NULL, "+", &rest)) {
    char *equals = strchr(part, '='), *end = NULL;
    if (*n == FTL_MAX_ELEMENTS) return bad_crystal(word, error);
    fraction[*n] = 1;
    if (equals) {
      *equals = '\0';
      fraction[*n] = strtod(equals + 1, &end);
      if (end == equals + 1 || *end) return bad_crystal(word, error);
    }
    if ((element[(*n)++] = ftl_atomic_number(part)) == 0)
      return ftl_fail(error, FTL_ERR_INPUT, NULL, "sample.crystals: '%.20s' in '%.80s' is no chemical symbol", part,
                      word);
  }
  return *n > 0 ? FTL_OK : bad_crystal(word, error);
}

static ftl_status add_crystal(const char *word, uint64_t seed, ftl_dataset *starts, ftl_error *error) {
  char text[256], *part[6], *rest = NULL, *end;
  int n = 0, element[FTL_MAX_ELEMENTS], repeat[3], used = 0;
  double fraction[FTL_MAX_ELEMENTS];
  ftl_crystal crystal = {.element = element, .fraction = fraction, .seed = seed};
  snprintf(text, sizeof text, "%s", word);
  if (strlen(word) >= sizeof text) return bad_crystal(word, error);
  for (char *p = strtok_r(text, ":", &rest); p && n < 6; p = strtok_r(NULL, ":", &rest)) part[n++] = p;
  if (n != 4 && n != 5) return bad_crystal(word, error);
  crystal.name = part[0];
  crystal.a = strtod(part[1], &end);
  if (*end) return bad_crystal(word, error);
  if (n == 5) {
    crystal.c = strtod(part[2], &end);
    if (*end) return bad_crystal(word, error);
  }
  if (sscanf(part[n - 1], "%dx%dx%d%n", &repeat[0], &repeat[1], &repeat[2], &used) != 3 || part[n - 1][used])
    return bad_crystal(word, error);
  memcpy(crystal.repeat, repeat, sizeof repeat);
  FTL_TRY(read_composition(part[n - 2], word, element, fraction, &crystal.n_elements, error));
  return ftl_starts_add_crystal(&crystal, starts, error);
}

static ftl_status add_lammps(const ftl_surrogate_recipe *r, ftl_dataset *starts, ftl_error *error) {
  int element[FTL_MAX_ELEMENTS], n = r->sample.lammps_elements.n;
  if (n > FTL_MAX_ELEMENTS) return ftl_fail(error, FTL_ERR_INPUT, NULL, "sample.lammps_elements has too many words");
  for (int k = 0; k < n; k++)
    if ((element[k] = ftl_atomic_number(r->sample.lammps_elements.item[k])) == 0)
      return ftl_fail(error, FTL_ERR_INPUT, NULL, "sample.lammps_elements: '%.20s' is no chemical symbol",
                      r->sample.lammps_elements.item[k]);
  for (int k = 0; k < r->sample.lammps.n; k++)
    FTL_TRY(ftl_starts_read_lammps(r->sample.lammps.item[k], element, n, starts, error));
  return FTL_OK;
}

static ftl_status make_starts(const ftl_surrogate_recipe *r, const ftl_dataset *data, ftl_dataset *starts,
                              ftl_error *error) {
  ftl_status status = FTL_OK;
  if (r->sample.starts.n > 0) status = add_files(r, starts, error);
  else if (data && data->n > 0) status = add_part(data, r, starts, error);
  for (int k = 0; k < r->sample.crystals.n && !status; k++)
    status = add_crystal(r->sample.crystals.item[k], (uint64_t)r->seed + (uint64_t)k, starts, error);
  if (!status) status = add_lammps(r, starts, error);
  if (!status && starts->n == 0)
    status = ftl_fail(error, FTL_ERR_INPUT, NULL,
                      "there is nothing to start sampling from: give sample.starts, sample.crystals, sample.lammps or "
                      "data");
  return status;
}

/* ---- jobs ---- */

/* "H-H" or "H" */
static ftl_status read_molecule(const char *text, double bond, ftl_sampling_molecule *molecule, ftl_error *error) {
  char first[4] = "", second[4] = "";
  int used = 0;
  const bool pair = text && strchr(text, '-');
  if (pair) sscanf(text, "%3[A-Za-z]-%3[A-Za-z]%n", first, second, &used);
  else if (text) sscanf(text, "%3[A-Za-z]%n", first, &used);
  *molecule = (ftl_sampling_molecule){
      .n = pair ? 2 : 1, .element = {ftl_atomic_number(first), ftl_atomic_number(second)}, .bond = bond};
  if (used > 0 && !text[used] && molecule->element[0] && (!pair || molecule->element[1])) return FTL_OK;
  return ftl_fail(error, FTL_ERR_INPUT, NULL, "sample.molecule: '%.20s' is no atom or pair of atoms like H-H",
                  text ? text : "");
}

static ftl_status read_plane(const char *text, int miller[3], ftl_error *error) {
  int used = 0;
  if (sscanf(text, "%d_%d_%d%n", &miller[0], &miller[1], &miller[2], &used) == 3 && !text[used]) return FTL_OK;
  return ftl_fail(error, FTL_ERR_INPUT, NULL, "sample.surfaces: '%.30s' is no plane like 0_0_1", text);
}

enum { BULK, STRAIN, VACANCY, SURFACE, ADSORBATE, RATTLE, DIMER, START, N };

static ftl_status find_job(const char *word, int *which, ftl_error *error) {
  static const char *const words[N] = {"bulk", "strain", "vacancy", "surface", "adsorbate", "rattle", "dimer", "start"};
  for (*which = 0; *which < N; ++*which)
    if (strcmp(words[*which], word) == 0) return FTL_OK;
  return ftl_fail(error, FTL_ERR_INPUT, NULL,
                  "sample.jobs: '%.30s' is none of bulk, strain, vacancy, surface, adsorbate, rattle, dimer, start",
                  word);
}

ftl_status ftl_jobs_check_words(const ftl_surrogate_recipe *recipe, ftl_error *error) {
  ftl_status status = FTL_OK;
  int which;
  for (int k = 0; !status && k < recipe->sample.jobs.n; k++)
    status = find_job(recipe->sample.jobs.item[k], &which, error);
  return status;
}

static const ftl_sampling_kind kinds[N] = {FTL_SAMPLING_DYNAMICS, FTL_SAMPLING_DYNAMICS, FTL_SAMPLING_DYNAMICS,
                                           FTL_SAMPLING_DYNAMICS, FTL_SAMPLING_LAUNCH,   FTL_SAMPLING_RATTLES,
                                           FTL_SAMPLING_APPROACH, FTL_SAMPLING_RATTLES};

static bool is_dynamics(ftl_sampling_kind kind) { return kind == FTL_SAMPLING_DYNAMICS || kind == FTL_SAMPLING_LAUNCH; }

bool ftl_jobs_have_dynamics(const ftl_surrogate_recipe *recipe) {
  int which;
  for (int k = 0; k < recipe->sample.jobs.n; k++)
    if (find_job(recipe->sample.jobs.item[k], &which, NULL) == FTL_OK && is_dynamics(kinds[which])) return true;
  return false;
}

void ftl_jobs_of_round(const ftl_surrogate_recipe *r, int round, ftl_jobs *jobs) {
  int n = 0;
  for (int k = 0; k < jobs->n; k++) {
    if (!is_dynamics(jobs->job[k].kind)) continue;
    jobs->job[n] = jobs->job[k];
    jobs->job[n].steps = r->round.steps;
    jobs->job[n++].every = r->round.every;
  }
  jobs->n = n;
  jobs->options.seed = (uint64_t)r->seed + (uint64_t)round;
}

static ftl_sampling_job common_job(const ftl_surrogate_recipe *r, ftl_sampling_kind kind, const ftl_jobs *jobs) {
  ftl_sampling_job job;
  ftl_sampling_job_defaults(kind, &job);
  job.repeats = (int)r->sample.repeats;
  if (is_dynamics(kind)) {
    job.temperature = jobs->temperature;
    job.n_temperatures = r->sample.temperatures.n;
    job.equilibration = r->sample.equilibration;
    job.steps = r->sample.steps;
    job.every = r->sample.every;
  }
  return job;
}

/* One job, or one for each plane; returns how many. */
static ftl_status make_job(const ftl_surrogate_recipe *r, const char *word, ftl_jobs *jobs, ftl_error *error) {
  int which;
  FTL_TRY(find_job(word, &which, error));
  ftl_sampling_job job = common_job(r, kinds[which], jobs);
  if (which == STRAIN || which == RATTLE) job.strain = r->sample.strain;
  if (which == STRAIN) job.volume = r->sample.volume;
  if (which == RATTLE) job.rattle = r->sample.rattle, job.steps = r->sample.rattles;
  if (which == START) job.strain = job.rattle = 0, job.steps = job.repeats = 1;
  if (which == VACANCY) job.vacancies = (int)r->sample.vacancies;
  ftl_status status = FTL_OK;
  if (which == ADSORBATE) {
    status = read_molecule(r->sample.molecule, r->sample.bond, &job.molecule, error);
    job.molecule.height = r->sample.height;
    job.molecule.energy = r->sample.energy;
  }
  const bool slab = which == SURFACE || which == ADSORBATE;
  if (!status && slab && r->sample.layers > 0 && r->sample.surfaces.n == 0)
    status = ftl_fail(error, FTL_ERR_INPUT, NULL, "the job %s needs sample.surfaces, planes like 0_0_1", word);
  const int n_planes = slab && r->sample.layers > 0 ? r->sample.surfaces.n : 1;
  for (int k = 0; k < n_planes && !status; k++) {
    job.slab = slab;
    job.surface.layers = (int)r->sample.layers;
    job.surface.vacuum = r->sample.vacuum;
    job.surface.width = r->sample.width;
    if (slab && r->sample.layers > 0) status = read_plane(r->sample.surfaces.item[k], job.surface.miller, error);
    if (!status) jobs->job[jobs->n++] = job;
  }
  return status;
}

static ftl_status read_temperatures(const ftl_words *words, double *temperature, ftl_error *error) {
  for (int k = 0; k < words->n; k++) {
    char *end;
    temperature[k] = strtod(words->item[k], &end);
    if (*end || !(temperature[k] > 0))
      return ftl_fail(error, FTL_ERR_INPUT, NULL, "sample.temperatures: '%.30s' is no temperature above 0",
                      words->item[k]);
  }
  return FTL_OK;
}

ftl_status ftl_jobs_make(const ftl_surrogate_recipe *r, const ftl_dataset *data, ftl_jobs *jobs, ftl_error *error) {
  *jobs = (ftl_jobs){0};
  ftl_sampling_options_defaults(&jobs->options);
  jobs->options.seed = (uint64_t)r->seed;
  jobs->options.step = r->sample.step;
  jobs->options.max_force = r->sample.max_force;
  jobs->temperature = calloc((size_t)r->sample.temperatures.n + 1, sizeof *jobs->temperature);
  jobs->job = calloc((size_t)r->sample.jobs.n * ((size_t)r->sample.surfaces.n + 1) + 1, sizeof *jobs->job);
  if (!jobs->temperature || !jobs->job) return ftl_no_memory(error, NULL, "the sampling");
  FTL_TRY(read_temperatures(&r->sample.temperatures, jobs->temperature, error));
  for (int k = 0; k < r->sample.jobs.n; k++) FTL_TRY(make_job(r, r->sample.jobs.item[k], jobs, error));
  return make_starts(r, data, &jobs->starts, error);
}

void ftl_jobs_free(ftl_jobs *jobs) {
  ftl_dataset_free(&jobs->starts);
  free(jobs->job);
  free(jobs->temperature);
  *jobs = (ftl_jobs){0};
}
