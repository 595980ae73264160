/* Which runs there are. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "sampling/sampling_internal.h"
#include "sampling/starts.h"

void ftl_sampling_options_defaults(ftl_sampling_options *options) {
  *options = (ftl_sampling_options){.relaxation = 100, .max_heat = 3, .max_force = 50, .margin = 20};
}

void ftl_sampling_job_defaults(ftl_sampling_kind kind, ftl_sampling_job *job) {
  *job = (ftl_sampling_job){.kind = kind,
                            .repeats = 1,
                            .surface = {.miller = {0, 0, 1}, .layers = 4, .vacuum = 15},
                            .equilibration = 200,
                            .steps = 1000,
                            .every = 50,
                            .molecule = {.n = 2, .height = 5, .energy = 0.5, .temperature = 300},
                            .push = 0.05,
                            .rise = 10};
  job->slab = kind == FTL_SAMPLING_LAUNCH;
  if (kind == FTL_SAMPLING_LAUNCH) job->every = 10, job->surface.width = 8;
  if (kind == FTL_SAMPLING_RATTLES) job->steps = 10, job->rattle = 0.1, job->strain = 0.03;
}

static bool is_hot(const ftl_sampling_job *job) {
  return job->kind == FTL_SAMPLING_DYNAMICS || job->kind == FTL_SAMPLING_LAUNCH;
}

/* ---- checks ---- */

static ftl_status refuse(int job, const char *what, double value, const char *range, ftl_error *error) {
  char where[64];
  snprintf(where, sizeof where, "job %d", job);
  return ftl_fail(error, FTL_ERR_INPUT, where, "%s is %g; it must be %s", what, value, range);
}

typedef struct {
  const char *what;
  double value, low, high;
  const char *range;
} bound;

static ftl_status check_bounds(int job, const bound *list, size_t n, ftl_error *error) {
  for (size_t k = 0; k < n; k++)
    if (!(list[k].value >= list[k].low && list[k].value <= list[k].high))
      return refuse(job, list[k].what, list[k].value, list[k].range, error);
  return FTL_OK;
}

static ftl_status check_common(int k, const ftl_sampling_job *job, ftl_error *error) {
  const bound list[] = {
      {"repeats", job->repeats, 1, 1e6, "1 or more"},
      {"vacancies", job->vacancies, 0, 1e6, "0 or more"},
      {"the fraction of vacancies", job->vacancy_fraction, 0, 0.9, "0 to 0.9"},
      {"volume", job->volume, 0, 0.9, "0 to 0.9"},
      {"strain", job->strain, 0, 0.5, "0 to 0.5"},
      {"rattle", job->rattle, 0, 2, "0 to 2 A"},
      {"equilibration", (double)job->equilibration, 0, 1e9, "0 or more steps"},
      {"steps", (double)job->steps, 1, 1e9, "1 or more"},
      {"every", (double)job->every, 1, 1e9, "1 or more steps"},
      {"the number of layers", job->surface.layers, 0, 1000, "0 to 1000"},
      {"vacuum", job->surface.vacuum, 0, 1000, "0 to 1000 A"},
      {"the width of a slab", job->surface.width, 0, 1000, "0 to 1000 A"},
  };
  return check_bounds(k, list, sizeof list / sizeof *list, error);
}

static ftl_status check_kind(int k, const ftl_sampling_job *job, const ftl_model *model, ftl_error *error) {
  const ftl_sampling_molecule *m = &job->molecule;
  const bound launch[] = {
      {"the number of atoms of the molecule", m->n, 1, 2, "1 or 2"},
      {"the bond of the molecule", m->n == 2 ? m->bond : 1, 0.1, 10, "0.1 to 10 A"},
      {"the height of the molecule", m->height, 0.5, 100, "0.5 to 100 A"},
      {"the energy of the molecule", m->energy, 0, 1000, "0 to 1000 eV"},
      {"the temperature of the molecule", m->temperature, 0, 1e5, "0 to 100000 K"},
      {"whether the start becomes a slab", job->slab, 1, 1, "so for a launch"},
  };
  const bound approach[] = {{"push", job->push, 1e-4, 1, "0.0001 to 1 A"},
                            {"rise", job->rise, 1e-3, 1e4, "above 0 eV"}};
  if (job->kind == FTL_SAMPLING_APPROACH) return check_bounds(k, approach, 2, error);
  if (job->kind != FTL_SAMPLING_LAUNCH) return FTL_OK;
  ftl_status status = check_bounds(k, launch, sizeof launch / sizeof *launch, error);
  for (int i = 0; !status && i < m->n; i++)
    if (ftl_model_species(model, m->element[i]) < 0)
      status =
          refuse(k, "the atomic number of an atom of the molecule", m->element[i], "an element of the model", error);
  return status;
}

/* Stands in the comment line of a frame without quotes. */
static bool is_name(const char *text) {
  return *text && strlen(text) < FTL_SAMPLING_NAME && !strpbrk(text, " \t\r\n\"'\\=,{}[]");
}

static ftl_status check_job(int k, const ftl_sampling_job *job, const ftl_dataset *starts, const ftl_model *model,
                            ftl_error *error) {
  ftl_status status = check_common(k, job, error);
  if (!status) status = check_kind(k, job, model, error);
  for (int s = 0; !status && s < job->n_starts; s++)
    if (job->start[s] < 0 || job->start[s] >= starts->n)
      status = refuse(k, "the number of a start", job->start[s], "one of those there are", error);
  for (int t = 0; !status && is_hot(job) && t < job->n_temperatures; t++)
    if (!(job->temperature[t] > 0 && job->temperature[t] < 1e5))
      status = refuse(k, "a temperature", job->temperature[t], "above 0 and below 100000 K", error);
  if (!status && is_hot(job) && job->n_temperatures < 1)
    status = refuse(k, "the number of temperatures", job->n_temperatures, "1 or more", error);
  if (!status && job->name && !is_name(job->name))
    status = refuse(k, "the length of its name", (double)strlen(job->name),
                    "1 to 63, without spaces, quotes, brackets, commas and =", error);
  return status;
}

static ftl_status check_options(const ftl_sampling_options *o, ftl_error *error) {
  if (!(o->step >= 0 && o->step <= 20) || !(o->relaxation > 0) || !(o->max_heat > 1) || !(o->max_force > 0) ||
      o->margin < 0 || (o->teacher && !(o->max_difference > 0)) || !(o->max_gamma >= 0))
    return ftl_fail(error, FTL_ERR_INPUT, "sampling",
                    "a step of %g fs, a relaxation of %g fs, cuts at %g times the temperature and %g eV/A and a margin "
                    "of %lld steps: one of them is out of range",
                    o->step, o->relaxation, o->max_heat, o->max_force, (long long)o->margin);
  return FTL_OK;
}

static ftl_status check_elements(const ftl_dataset *starts, const ftl_model *model, ftl_error *error) {
  char where[256];
  for (int64_t s = 0; s < starts->n; s++)
    for (int i = 0; i < starts->structure[s].n; i++) {
      const int z = starts->structure[s].atomic_number[i];
      if (ftl_model_species(model, z) >= 0) continue;
      ftl_structure_where(&starts->structure[s], i, where);
      return ftl_fail(error, FTL_ERR_INPUT, where, "atom %d of start %lld is %s, which the model does not know", i,
                      (long long)s, ftl_element_symbol(z));
    }
  if (starts->n > 0) return FTL_OK;
  return ftl_fail(error, FTL_ERR_INPUT, "sampling", "there is no structure to start from");
}

/* ---- runs ---- */

/* Rattles that change nothing. */
static bool is_start_itself(const ftl_sampling_job *job) {
  return job->kind == FTL_SAMPLING_RATTLES && job->strain == 0 && job->rattle == 0;
}

static const char *name_of(const ftl_sampling_job *job, const ftl_structure *start) {
  const int open = !start->pbc[0] + !start->pbc[1] + !start->pbc[2];
  if (job->kind == FTL_SAMPLING_LAUNCH) return "adsorbate";
  if (is_start_itself(job))
    return strcmp(start->config_type, FTL_NO_CONFIG_TYPE) != 0 && is_name(start->config_type) ? start->config_type
                                                                                              : "start";
  if (job->kind == FTL_SAMPLING_RATTLES) return "rattle";
  if (job->kind == FTL_SAMPLING_APPROACH) return "dimer";
  if (job->slab || open == 1) return "surface";
  if (open > 1) return "cluster";
  if (job->vacancies > 0 || job->vacancy_fraction > 0) return "vacancy";
  if (job->strain > 0) return "strain";
  return job->volume > 0 ? "volume" : "bulk";
}

static int starts_of(const ftl_sampling_job *job, const ftl_dataset *starts) {
  return job->n_starts > 0 ? job->n_starts : (int)starts->n;
}

static int temperatures_of(const ftl_sampling_job *job) { return is_hot(job) ? job->n_temperatures : 1; }

static void name_run(const ftl_sampling_plan *plan, ftl_sampling_run *run) {
  const ftl_sampling_job *job = &plan->job[run->job];
  const char *name = name_of(job, &plan->starts->structure[run->start]);
  if (job->name) snprintf(run->config_type, sizeof run->config_type, "%s", job->name);
  else if (!is_hot(job)) snprintf(run->config_type, sizeof run->config_type, "%s", name);
  else snprintf(run->config_type, sizeof run->config_type, "%s-%gK", name, run->temperature);
}

static void list_runs(ftl_sampling_plan *plan) {
  for (int k = 0; k < plan->n_jobs; k++) {
    const ftl_sampling_job *job = &plan->job[k];
    for (int s = 0; s < starts_of(job, plan->starts); s++)
      for (int t = 0; t < temperatures_of(job); t++)
        for (int r = 0; r < job->repeats; r++) {
          ftl_sampling_run *run = &plan->run[plan->n++];
          *run = (ftl_sampling_run){.job = k,
                                    .start = job->n_starts > 0 ? job->start[s] : s,
                                    .temperature = is_hot(job) ? job->temperature[t] : 0,
                                    .repeat = r};
          name_run(plan, run);
        }
  }
}

/* What a run may take at most, as far as it can be known: an approach is a few dozen steps. */
static double steps_of(const ftl_sampling_job *job) {
  if (job->kind == FTL_SAMPLING_APPROACH) return 1.5 / job->push;
  return (double)(job->steps + (is_hot(job) ? job->equilibration : 0));
}

/* The first of each job and start is made, and its size counted for all of them. */
static ftl_status try_runs(ftl_sampling_plan *plan, ftl_error *error) {
  ftl_status status = FTL_OK;
  double atoms = 0;
  for (int64_t k = 0; !status && k < plan->n; k++) {
    ftl_sampling_run *run = &plan->run[k];
    if (k == 0 || run[-1].job != run->job || run[-1].start != run->start) {
      ftl_random random;
      ftl_structure made;
      ftl_sampling_seed(plan, k, &random);
      status = ftl_sampling_prepare(plan, k, &random, &made, error);
      atoms = made.n;
      ftl_structure_free(&made);
    }
    run->work = atoms * steps_of(&plan->job[run->job]);
  }
  return status;
}

/* ---- digest ---- */

static void digest_job(FILE *text, const ftl_sampling_job *j) {
  const ftl_slab_options *s = &j->surface;
  const ftl_sampling_molecule *m = &j->molecule;
  fprintf(text, "job %d %s %d %d %a %a %a %a", (int)j->kind, j->name ? j->name : "", j->repeats, j->vacancies,
          j->vacancy_fraction, j->volume, j->strain, j->rattle);
  if (j->slab)
    fprintf(text, " slab %d %d %d %d %a %a", s->miller[0], s->miller[1], s->miller[2], s->layers, s->vacuum, s->width);
  fprintf(text, " steps %lld %lld %lld", (long long)j->equilibration, (long long)j->steps, (long long)j->every);
  if (j->kind == FTL_SAMPLING_LAUNCH)
    fprintf(text, " molecule %d %d %d %a %a %a %a %d", m->n, m->element[0], m->element[1], m->bond, m->height,
            m->energy, m->temperature, m->thermostat);
  if (j->kind == FTL_SAMPLING_APPROACH) fprintf(text, " pair %d %d %a %a", j->pair[0], j->pair[1], j->push, j->rise);
  fputc('\n', text);
}

static void digest_start(FILE *text, const ftl_structure *s) {
  fprintf(text, "start %d %d %d %d", s->n, s->pbc[0], s->pbc[1], s->pbc[2]);
  for (int k = 0; k < 9; k++) fprintf(text, " %a", s->cell[k / 3][k % 3]);
  for (int i = 0; i < s->n; i++)
    fprintf(text, " %d %a %a %a", s->atomic_number[i], s->position[i][0], s->position[i][1], s->position[i][2]);
  fputc('\n', text);
}

static ftl_status make_digest(ftl_sampling_plan *plan, const char *model_id, ftl_error *error) {
  const ftl_sampling_options *o = &plan->options;
  char *memory = NULL;
  size_t size = 0;
  FILE *text = open_memstream(&memory, &size);
  if (text) {
    fprintf(text, "sampling 2\nmodel %s\noptions %llu %a %a %a %a %lld %a %a\n", model_id, (unsigned long long)o->seed,
            o->step, o->relaxation, o->max_heat, o->max_force, (long long)o->margin, o->max_difference, o->max_gamma);
    for (int k = 0; k < plan->n_jobs; k++) digest_job(text, &plan->job[k]);
    for (int64_t s = 0; s < plan->starts->n; s++) digest_start(text, &plan->starts->structure[s]);
    for (int64_t k = 0; k < plan->n; k++) {
      const ftl_sampling_run *run = &plan->run[k];
      fprintf(text, "run %d %d %a %d\n", run->job, run->start, run->temperature, run->repeat);
    }
    if (fclose(text) == 0) ftl_sha256(memory, size, plan->digest);
  }
  free(memory);
  if (plan->digest[0]) return FTL_OK;
  return ftl_no_memory(error, "sampling", "the plan of the sampling");
}

/* ---- all of it ---- */

static ftl_status make_runs(ftl_sampling_plan *plan, ftl_error *error) {
  double n = 0;
  for (int k = 0; k < plan->n_jobs; k++) {
    const ftl_sampling_job *job = &plan->job[k];
    n += (double)starts_of(job, plan->starts) * temperatures_of(job) * job->repeats;
  }
  if (!(n >= 1 && n <= 1e6))
    return ftl_fail(error, FTL_ERR_INPUT, "sampling", "%.0f runs are planned; 1 to 1000000 are possible", n);
  plan->run = calloc((size_t)n, sizeof *plan->run);
  if (!plan->run) return ftl_no_memory(error, "sampling", "%.0f runs", n);
  list_runs(plan);
  return FTL_OK;
}

ftl_status ftl_sampling_plan_make(const ftl_model *model, const char *model_id, const ftl_dataset *starts,
                                  const ftl_sampling_job *jobs, int n_jobs, const ftl_sampling_options *options,
                                  ftl_sampling_plan *plan, ftl_error *error) {
  *plan = (ftl_sampling_plan){.options = *options, .starts = starts, .job = jobs, .n_jobs = n_jobs};
  FTL_TRY(check_options(options, error));
  FTL_TRY(check_elements(starts, model, error));
  for (int k = 0; k < n_jobs; k++) FTL_TRY(check_job(k, &jobs[k], starts, model, error));
  FTL_TRY(make_runs(plan, error));
  FTL_TRY(try_runs(plan, error));
  return make_digest(plan, model_id, error);
}

void ftl_sampling_plan_free(ftl_sampling_plan *plan) {
  free(plan->run);
  plan->run = NULL;
  plan->n = 0;
}
