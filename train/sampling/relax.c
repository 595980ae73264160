/* Relaxation of a start by FIRE, with the masses of all atoms alike: only the positions at the end count. */
#include <math.h>
#include <string.h>

#include "sampling/dynamics.h"

/* Of the paper; lengths of a step in fs become Angstrom by atoms of 1 u whose force is 1 eV/Angstrom. */
static const double STEP = 1, MOST_STEP = 5, GROW = 1.1, SHRINK = 0.5, MIX = 0.1, LESS_MIX = 0.99;
static const double LONGEST = 0.1; /* Angstrom in a step, of an atom */
enum { PATIENCE = 5 };

typedef struct {
  double step, mix;
  int downhill; /* steps since the last one uphill */
} fire;

static double dot(const ftl_md *md, const double (*a)[3], const double (*b)[3]) {
  double sum = 0;
  for (int i = 0; i < md->structure->n; i++)
    for (int c = 0; c < 3; c++) sum += a[i][c] * b[i][c];
  return sum;
}

static void stop(ftl_md *md) { memset(md->velocity, 0, (size_t)md->structure->n * sizeof *md->velocity); }

/* Velocities turn towards the forces, as long as these do work. */
static void steer(ftl_md *md, fire *f) {
  const double(*v)[3] = (const double(*)[3])md->velocity, (*force)[3] = (const double(*)[3])md->forces;
  const double power = dot(md, v, force), scale = sqrt(dot(md, v, v) / fmax(dot(md, force, force), 1e-300));
  if (power <= 0) {
    stop(md);
    *f = (fire){.step = f->step * SHRINK, .mix = MIX};
    return;
  }
  for (int i = 0; i < md->structure->n; i++)
    for (int c = 0; c < 3; c++)
      md->velocity[i][c] = (1 - f->mix) * md->velocity[i][c] + f->mix * scale * md->forces[i][c];
  if (++f->downhill <= PATIENCE) return;
  f->step = fmin(f->step * GROW, MOST_STEP);
  f->mix *= LESS_MIX;
}

static void move(ftl_md *md, const fire *f) {
  double longest = 0;
  for (int i = 0; i < md->structure->n; i++)
    for (int c = 0; c < 3; c++) {
      md->velocity[i][c] += f->step * FTL_ACCELERATION * md->forces[i][c];
      longest = fmax(longest, fabs(f->step * md->velocity[i][c]));
    }
  const double scale = longest > LONGEST ? LONGEST / longest : 1;
  for (int i = 0; i < md->structure->n; i++)
    for (int c = 0; c < 3; c++) md->structure->position[i][c] += scale * f->step * md->velocity[i][c];
}

ftl_status ftl_md_relax(ftl_md *md, double max_force, int max_steps, ftl_error *error) {
  fire f = {.step = STEP, .mix = MIX};
  stop(md);
  ftl_status status = ftl_md_evaluate(md, error);
  for (int k = 0; k < max_steps && !status; k++) {
    const double force = ftl_md_largest_force(md);
    if (!(force > max_force)) break; /* also one that is not finite: the caller's to judge */
    steer(md, &f);
    move(md, &f);
    status = ftl_md_evaluate(md, error);
  }
  stop(md);
  return status;
}
