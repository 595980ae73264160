/* Structures that a model samples itself, with its own answers as labels: what a surrogate is distilled from.

     starts   ftl_dataset_read, ftl_starts_add_crystal, _add_pair, _read_lammps (sampling/starts.h)
     plan     ftl_sampling_plan_make: jobs x starts x temperatures x repeats = runs
     run      ftl_sampling_execute: runs in parallel, frames into a folder; interrupted, it goes on from there
     choose   features of the candidates, by the caller; ftl_select_* (sampling/select.h)

   A run begins with a start, is changed as its job says (slab, vacancies, volume, strain, rattle, in this order), and
   gives a candidate every few steps of what its kind does. Its random numbers depend on the seed and the number of the
   run alone, so that neither threads nor interruptions change a bit of the result.

   Units: Angstrom, eV, fs, K. Labels as in FrozenTL's data sets: total energy (E0 included), forces, and stress where
   the structure is periodic in three directions. */
#ifndef FTL_SAMPLING_H
#define FTL_SAMPLING_H

#include <signal.h>

#include "data/dataset.h"
#include "sampling/structures.h"

/* ---- jobs ---- */

typedef enum {
  FTL_SAMPLING_DYNAMICS, /* Langevin dynamics at a temperature */
  FTL_SAMPLING_LAUNCH,   /* a slab at a temperature, then a molecule that flies onto it */
  FTL_SAMPLING_RATTLES,  /* no dynamics: each candidate is the start, strained and rattled anew */
  FTL_SAMPLING_APPROACH  /* no dynamics: a pair of neighbours is pushed together until the energy rises too far */
} ftl_sampling_kind;

typedef struct {
  int n;              /* atoms: 1 or 2 */
  int element[2];     /* atomic numbers */
  double bond;        /* Angstrom; of two atoms */
  double height;      /* of the centre of mass above the highest atom of the slab, Angstrom */
  double energy;      /* kinetic, of the centre of mass towards the surface along its normal, eV */
  double temperature; /* K, of rotation and vibration: kT/2 for each of the two rotations, kT for the vibration, which
                         starts at the bond length with all its energy kinetic */
  bool thermostat;    /* on the slab while the molecule is there; otherwise energy is conserved */
} ftl_sampling_molecule;

typedef struct {
  ftl_sampling_kind kind;
  const char *name; /* config_type of its candidates; NULL: one of "bulk-300K" (with each temperature), "surface-300K",
                       "cluster-300K", "vacancy-300K", "strain-300K", "volume-300K", "adsorbate-300K", "rattle",
                       "dimer"; of rattles without strain and rattle, which
                       are the starts themselves, the start's own, or "start" */
  int n_starts;     /* 0: all starts */
  const int *start; /* [n_starts] numbers of starts */
  int n_temperatures;        /* of dynamics and launches */
  const double *temperature; /* [n_temperatures], above 0 */
  int repeats;               /* runs per start and temperature */

  bool slab; /* the start becomes a slab; a launch needs that */
  ftl_slab_options surface;
  int vacancies;           /* atoms removed at random */
  double vacancy_fraction; /* the same as a part of the atoms, rounded */
  double volume; /* largest relative change of the volume; the repeats of a run are spread over both signs evenly */
  double strain; /* largest component of a random symmetric strain */
  double rattle; /* largest standard deviation of a displacement, Angstrom */

  int64_t equilibration;          /* steps before the first candidate; of a launch, before the molecule is there */
  int64_t steps;                  /* after that; candidates of rattles */
  int64_t every;                  /* steps from candidate to candidate */
  ftl_sampling_molecule molecule; /* of a launch */
  int pair[2];                    /* of an approach: atomic numbers; 0: any element */
  double push;                    /* Angstrom by which the pair comes closer from candidate to candidate */
  double rise;                    /* eV above the first energy at which an approach ends; that candidate is kept */
} ftl_sampling_job;

/* Sensible values for everything but starts, temperatures and the molecule's elements and bond. */
void ftl_sampling_job_defaults(ftl_sampling_kind kind, ftl_sampling_job *job);

typedef struct {
  uint64_t seed;
  double step;       /* fs; 0: as ftl_md_default_step says, for each run */
  double relaxation; /* fs, of the thermostat */
  double max_heat;   /* a run is cut when its temperature is so many times its target (more for few atoms) */
  double max_force;  /* eV/Angstrom, length of the force on an atom */
  int64_t margin;    /* candidates of the last steps before a cut are left out */

  /* of a surrogate that drives the dynamics: the model that it is to follow (NULL: none; model_id of the plan must tell
     it too). It labels the candidates, and a run is halted where the two differ; the frame where that is seen is a
     candidate */
  const ftl_model *teacher;
  double max_difference; /* eV/Angstrom, root mean square difference of the force components of a candidate */
  double max_gamma;      /* extrapolation grade of an atom, looked at every few steps; 0: not asked for */
} ftl_sampling_options;

void ftl_sampling_options_defaults(ftl_sampling_options *options);

/* ---- plan ---- */

#define FTL_SAMPLING_NAME 64

typedef struct {
  int job, start;
  double temperature; /* 0 without dynamics */
  int repeat;
  char config_type[FTL_SAMPLING_NAME];
  double work; /* atoms times steps at most: what the time is estimated by */
} ftl_sampling_run;

/* Refers to starts and jobs (and what these point to), which must outlive it; owns its runs. */
typedef struct {
  ftl_sampling_options options;
  const ftl_dataset *starts;
  const ftl_sampling_job *job;
  int n_jobs;
  int64_t n;
  ftl_sampling_run *run;       /* [n], jobs outermost, then starts, temperatures, repeats */
  char digest[FTL_SHA256_HEX]; /* of all that decides about the candidates */
} ftl_sampling_plan;

/* model_id: what tells the model from others, such as the SHA-256 of its file; part of the digest. Every start of every
   job is prepared once, so that what cannot be done is said before hours are spent. FTL_ERR_INPUT: values out of range,
   an element that the model lacks, a slab that cannot be cut; `where` names the job from 0 or the start.
   FTL_ERR_MEMORY. Free the plan also after a failure. */
ftl_status ftl_sampling_plan_make(const ftl_model *model, const char *model_id, const ftl_dataset *starts,
                                  const ftl_sampling_job *jobs, int n_jobs, const ftl_sampling_options *options,
                                  ftl_sampling_plan *plan, ftl_error *error);
void ftl_sampling_plan_free(ftl_sampling_plan *plan);

/* The structure that a run begins with (a launch: without its molecule); the caller's. `random` goes on from here. */
ftl_status ftl_sampling_prepare(const ftl_sampling_plan *plan, int64_t run, ftl_random *random, ftl_structure *made,
                                ftl_error *error);

/* ---- running ---- */

typedef enum {
  FTL_SAMPLING_DONE,   /* all steps; an approach: the energy rose as far as asked */
  FTL_SAMPLING_LEFT,   /* the molecule flew back above where it started, or as far through the slab */
  FTL_SAMPLING_HOT,    /* cut: the temperature blew up */
  FTL_SAMPLING_CLOSE,  /* cut: atoms closer than 0.6 times the sum of their covalent radii (not in an approach, where it
                          is half of that) */
  FTL_SAMPLING_FORCE,  /* cut: a force above the limit */
  FTL_SAMPLING_ENERGY, /* cut: the model's answer is not finite, or there is none */
  FTL_SAMPLING_GRADE,  /* halted: gamma above max_gamma */
  FTL_SAMPLING_DIFFERS, /* halted: the teacher's forces are others */
  FTL_SAMPLING_ENDS
} ftl_sampling_end;

/* "done", "left", "too hot", "atoms too close", "force too large", "no finite energy", "gamma too large", "differs from
   the model"; and what that means and what can be done, "" of a run that came to its end. Static storage. */
const char *ftl_sampling_end_name(ftl_sampling_end end);
const char *ftl_sampling_end_advice(ftl_sampling_end end);

typedef struct {
  char config_type[FTL_SAMPLING_NAME];
  int64_t runs, frames, end[FTL_SAMPLING_ENDS]; /* runs by how they ended */
  int64_t relaxed;                              /* runs whose start was relaxed first */
} ftl_sampling_row;

typedef struct {
  int n;
  ftl_sampling_row *row; /* [n] by config_type, in the order of the plan; finished runs only */
  int64_t *first;        /* [runs + 1]: candidates of run k are first[k] .. first[k+1]-1; NULL when interrupted */
  ftl_sampling_end *end; /* [runs]; NULL when interrupted */
  int64_t resumed;       /* runs that an earlier call had finished */
  bool interrupted;
} ftl_sampling_report;

void ftl_sampling_report_free(ftl_sampling_report *report);
/* All rows in one, without a config_type. */
ftl_sampling_row ftl_sampling_report_total(const ftl_sampling_report *report);

typedef struct {
  int64_t runs, done, frames; /* done: finished ones, those of earlier calls included */
  double part;                /* of the work, 0 to 1; within runs too */
  double seconds_left;        /* NAN while nothing is known */
} ftl_sampling_progress;

/* Calls come from one thread at a time, any of them, at most about once a second and after each run. */
typedef struct {
  void *context;
  void (*progress)(void *context, const ftl_sampling_progress *progress); /* may be NULL */
  const volatile sig_atomic_t *stop; /* becomes nonzero: unfinished runs are left, report.interrupted; may be NULL */
} ftl_sampling_host;

/* Runs the plan, or what is left of it, in `folder` (made if it is not there; its parent must be), on n_threads OpenMP
   threads (0: all) with one workspace of one thread each. In the folder:

     sampling.json    digest of the plan; when all is done also how each run ended, and its frames
     runs/000012.xyz  candidates of a finished run (REF_energy, REF_forces, REF_stress, config_type, run, step), and
     runs/000012.json how it ended, its frames and their SHA-256
     candidates.xyz   all of them in the order of the plan, when the last run is finished; runs/ goes then

   All are written atomically. Without an interruption *candidates (zero before the call) is what candidates.xyz holds,
   the caller's; FTL_OK with report.interrupted and no candidates otherwise, and the next call with the same plan and
   folder goes on. FTL_ERR_INPUT: the folder is of another plan. FTL_ERR_IO, FTL_ERR_MEMORY. */
ftl_status ftl_sampling_execute(const ftl_sampling_plan *plan, const ftl_model *model, const char *folder,
                                int n_threads, const ftl_sampling_host *host, ftl_dataset *candidates,
                                ftl_sampling_report *report, ftl_error *error);

#endif
