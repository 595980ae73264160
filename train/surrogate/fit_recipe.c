/* The table of options of fits and distillations. */
#include "surrogate/fit_recipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define FTL_VALUES ftl_surrogate_recipe
#include "support/option_table.h"

#include "data/data_options.h"

CHOICES(radial_words, FTL_ACE_SBESSEL + 1, [FTL_ACE_SBESSEL] = "bessel", [FTL_ACE_CHEB_EXP_COS] = "chebexpcos",
        [FTL_ACE_CHEB_POW] = "chebpow", [FTL_ACE_CHEB_LINEAR] = "cheblinear");
CHOICES(solver_words, FTL_SOLVE_ARD + 1, [FTL_SOLVE_RIDGE] = "ridge", [FTL_SOLVE_CV] = "cv",
        [FTL_SOLVE_EVIDENCE] = "evidence", [FTL_SOLVE_ARD] = "ard");
CHOICES(scale_words, FTL_N_SCALES, [FTL_SCALE_DATA] = "data", [FTL_SCALE_FIXED] = "fixed");
CHOICES(select_words, FTL_N_SELECTS, [FTL_SELECT_BY_VOLUME] = "volume", [FTL_SELECT_BY_DISTANCE] = "distance");

static const ftl_option options[] = {
    PATH(output, .key = "output", .needed = true, .flag = "output", .letter = 'o', .value = "RUN", .when = "",
         .doc = "folder of the run: it is made, and gets the potential and a report"),
    PATHS(data, .key = "data", .flag = "data", .letter = 'd', .when = "",
          .doc = "reference structures to fit, extended XYZ; distill adds them to those it samples"),
    PATHS(valid, .key = "valid", .flag = "valid", .when = "",
          .doc = "reference structures to report errors on; nothing is fitted to them"),
    LABEL_OPTIONS("data|valid|sample.starts", 0),
    WORDS(select, .key = "select", .flag = "select", .value = "KEY=VALUE,...", .when = "data|valid",
          .doc =
              "only structures of data and valid whose comment line has this: head=pbe; several values of one key are "
              "alternatives, (none) stands for no such key"),
    INTEGER(frames, 1, 1e9, .key = "frames", .flag = "frames", .when = "data",
            .doc = "fit N structures of data only, drawn by seed, each config_type in proportion; of one seed, the "
                   "larger part contains the smaller"),
    LARGE_FORCES("data|valid"),
    CHECKS("fits", "fitted"),
    REAL(holdout, 0, 0.5, .key = "holdout", .initial = "0.05", .when = "",
         .doc = "fraction of the structures, drawn by seed and config_type, that errors are measured on instead of "
                "fitted, at "
                "least 4 (a quarter of few); the uncertainty is scaled to them"),
    WORDS(elements, .key = "elements", .flag = "elements", .when = "",
          .doc = "elements of the potential, as symbols; by default those of the structures"),
    RATES(e0, -1e9, 1e9, .key = "e0", .flag = "e0", .value = "EL=X,...", .when = "",
          .doc = "energies of free atoms, eV; by default those of the model (distill), of isolated atoms in data, or "
                 "fitted to compositions"),

    TEXT(basis.n, .key = "basis.n", .initial = "8/5/3/2", .flag = "n", .value = "N1/N2/...", .when = "",
         .doc = "radial functions of the factors of a function, by its rank 1, 2, ... (body order 2, 3, ...; up to 5); "
                "for many "
                "elements less, by default, so that there are no more than max_functions"),
    TEXT(basis.l, .key = "basis.l", .initial = "4/3/2", .flag = "l", .value = "L2/L3/...", .when = "",
         .doc = "largest l of the factors, by rank from 2 on; by default as n"),
    WORDS(basis.blocks, .key = "basis.blocks", .flag = "block", .value = "EL-EL=N1/N2/...:L2/L3/...,...", .when = "",
          .doc = "other n and l for functions of exactly these elements, the centre's included: Ti=12/8/5/3:5/4/3; "
                 "H@H-Cu=... for those around H; the first that fits counts"),
    REAL(basis.degree, 0, 1000, .key = "basis.degree", .initial = "0", .flag = "degree", .when = "",
         .doc = "largest sum over factors of n + degree_l l, n from 1; 0: any"),
    REAL(basis.degree_l, 0, 100, .key = "basis.degree_l", .initial = "1", .when = "basis.degree>0",
         .doc = "what l counts in the degree"),
    INTEGER(basis.max_species, 0, 5, .key = "basis.max_species", .initial = "0", .when = "",
            .doc = "different neighbour elements in one function; 0: any"),
    CHOICE(basis.radial, radial_words, .key = "basis.radial", .initial = "bessel", .when = "",
           .doc = "radial functions, as PACE names them (docs/ace.md)"),
    REAL(basis.lambda, -100, 100, .key = "basis.lambda", .initial = "3", .when = "basis.radial=chebexpcos|chebpow",
         .doc = "exponent of the radial functions"),
    REAL(basis.cutoff, 0.1, 20, .key = "basis.cutoff", .initial = "5", .flag = "cutoff", .when = "",
         .doc = "cutoff, Angstrom"),
    RATES(basis.cutoffs, 0.1, 20, .key = "basis.cutoffs", .flag = "cutoffs", .value = "EL-EL=X,...", .when = "",
          .doc = "shorter cutoffs of pairs, Angstrom: the shorter, the finer the same number of radial functions"),
    REAL(basis.dcut, 1e-3, 20, .key = "basis.dcut", .initial = "0.5", .when = "",
         .doc = "width of the smooth outer cutoff of chebexpcos, and of ZBL, Angstrom"),
    INTEGER(basis.max_functions, 1, 2e4, .key = "basis.max_functions", .initial = "5000", .when = "",
            .doc = "a larger basis is refused"),

    REAL(embedding.exponent, 0.1, 3, .key = "embedding.exponent", .flag = "embedding", .value = "M", .when = "",
         .doc = "a second density that goes through F(rho) = FinnisSinclairShiftedScaled with this exponent (0.5: the "
                "square "
                "root of an embedded atom); without it energies are linear"),
    INTEGER(embedding.rank, 1, 5, .key = "embedding.rank", .initial = "2", .when = "embedding.exponent",
            .doc = "largest rank of the functions of the second density"),
    INTEGER(
        embedding.steps, 1, 100, .key = "embedding.steps", .initial = "20", .when = "embedding.exponent",
        .doc = "Gauss-Newton steps at most; each costs as much as the equations of the linear fit, with more unknowns"),
    REAL(inner.fraction, 0.1, 1, .key = "inner.fraction", .initial = "0.95", .when = "",
         .doc = "ZBL repulsion takes over below this part of the shortest distance of a pair in the structures, or of "
                "the sum of covalent radii for a pair without"),
    REAL(inner.width, 1e-3, 2, .key = "inner.width", .initial = "0.2", .when = "",
         .doc = "Angstrom over which it does"),

    REAL(weights.energy, 0, 1e9, .key = "weights.energy", .initial = "30", .when = "",
         .doc = "weight of an energy, 1/eV, divided by the root of the number of atoms"),
    REAL(weights.forces, 0, 1e9, .key = "weights.forces", .initial = "1", .when = "",
         .doc = "weight of a force component, Angstrom/eV"),
    REAL(weights.stress, 0, 1e9, .key = "weights.stress", .initial = "1", .when = "",
         .doc = "weight of a virial component, 1/eV, divided by the root of the number of atoms"),
    RATES(weights.configs, 0, 1e9, .key = "weights.configs", .when = "",
          .doc = "factors of the squared errors of structures by config_type"),
    REAL(smooth.power, 0.1, 10, .key = "smooth.power", .initial = "3", .when = "",
         .doc = "p of the smoothness prior: a function with factors (n, l) is penalised by 1 + sum of smooth.n n^p + "
                "smooth.l l^p, n from 0"),
    REAL(smooth.n, 0, 1e6, .key = "smooth.n", .initial = "0.3", .when = "", .doc = "see smooth.power"),
    REAL(smooth.l, 0, 1e6, .key = "smooth.l", .initial = "0.03", .when = "", .doc = "see smooth.power"),
    CHOICE(smooth.scale, scale_words, .key = "smooth.scale", .initial = "fixed", .when = "solver.kind=evidence|cv",
           .doc =
               "how large coefficients are expected to be, but for smoothness: all alike (fixed), or the smaller the "
               "larger their functions are on the data (data; always with ridge and ard)"),
    CHOICE(solver.kind, solver_words, .key = "solver.kind", .initial = "evidence", .flag = "solver", .when = "",
           .doc = "ridge with a given strength, one found by cross-validation or by evidence, or automatic relevance "
                  "determination, which leaves functions out"),
    BOOL(solver.e0, .key = "solver.e0", .when = "",
         .doc =
             "E0 are found with the coefficients, from e0 on: smaller errors, but energies of free atoms are lost; by "
             "default of fit, where they are neither given nor those of isolated atoms, so that none are known"),
    REAL(solver.lambda, 0, 1, .key = "solver.lambda", .initial = "1e-10", .when = "solver.kind=ridge",
         .doc = "strength, in units of the largest squared singular value"),
    REAL(solver.max_ratio, 0, 1e30, .key = "solver.max_ratio", .initial = "0", .when = "solver.kind=ard",
         .doc = "functions are left out whose strength is so many times the smallest, 1 or more; 0: 1e8, or 1e13 with "
                "solver.functions, which then says how many stay"),
    INTEGER(
        solver.functions, 0, 20000, .key = "solver.functions", .initial = "0", .when = "solver.kind=ard",
        .doc = "at most so many functions are kept: those that cost least accuracy go, a few at a time; 0: any number"),
    INTEGER(solver.folds, 2, 100, .key = "solver.folds", .initial = "5", .when = "solver.kind=cv",
            .doc = "parts of the data, each predicted from the others"),
    INTEGER(uncertainty.committee, 0, 1000, .key = "uncertainty.committee", .initial = "16", .when = "",
            .doc = "draws from the posterior that the .ftl keeps; their spread is the uncertainty"),
    BOOL(uncertainty.gamma, .key = "uncertainty.gamma", .initial = "true", .when = "",
         .doc = "the .ftl keeps an active set, for the extrapolation grade"),
    REAL(spline_bins, 1e-5, 0.1, .key = "spline_bins", .initial = "0.001", .when = "",
         .doc = "deltaSplineBins of the .yace: grid of the radial splines, Angstrom"),
    INTEGER(seed, 0, 9e15, .key = "seed", .initial = "1", .flag = "seed", .when = "", .doc = "of all random numbers"),
    INTEGER(threads, 0, 4096, .key = "threads", .initial = "0", .flag = "threads", .letter = 't', .when = "",
            .doc = "0: all processors"),
    /* from here on distill only */
    PATH(model, .key = "model", .model = true, .needed = true, .flag = "model", .letter = 'm', .when = "",
         .doc = "the model that is distilled, a file or the name of a published one (frozentl foundation --list)"),
    PATH(foundation, .key = "foundation", .model = true, .flag = "foundation", .when = "",
         .doc = "if the model is a delta: the file of its foundation, or its name"),
    TEXT(head, .key = "head", .flag = "head", .value = "NAME", .when = "",
         .doc = "head of the model that is evaluated"),
    TEXT(student, .key = "student", .flag = "student", .value = "ace|mace:IRREPS[,KEY=VALUE...]", .when = "",
         .doc = "what learns from the model: a linear ACE (ace, also by default), or a MACE with these hidden irreps "
                "and options of scratch of frozentl train: mace:32x0e,layers=1,r_max=5; the rest as there"),
    INTEGER(learning.epochs, 1, 1e9, .key = "student.epochs", .flag = "student-epochs", .when = "student",
            .doc = "how often a MACE is trained on every structure; by default as often as gives about 60000 steps, 10 "
                   "to 500"),
    WORDS(learning.train, .key = "student.train", .flag = "student-train", .value = "KEY=VALUE,...", .when = "student",
          .doc = "other options of frozentl train for a MACE: optimiser.lr=0.005,loss.energy=1000,ema=0.999"),
    REAL(weights.data, 0, 1e9, .key = "weights.data", .initial = "1", .when = "data",
         .doc = "factor of the squared errors of data, beside those of sampled structures"),
    REAL(
        weights.atoms, 0, 1e9, .key = "weights.atoms", .initial = "0", .when = "",
        .doc =
            "weight of the energy that the model gives to a single atom of sampled structures, 1/eV; 0: these energies "
            "are not fitted"),
    PATHS(sample.starts, .key = "sample.starts", .flag = "starts", .when = "",
          .doc = "structures that sampling starts from, extended XYZ; by default those of data"),
    INTEGER(sample.n_starts, 1, 1e6, .key = "sample.n_starts", .initial = "20", .flag = "n-starts",
            .when = "sample.starts|data", .doc = "so many of them, drawn by seed, each config_type in proportion"),
    WORDS(sample.crystals, .key = "sample.crystals", .flag = "crystal", .value = "KIND:A[:C]:EL[+EL=X...]:NxNxN,...",
          .when = "", .doc = "generated crystals as further starts: hcp:2.93:4.66:Ti=0.86+Al=0.10+V=0.04:3x3x2"),
    PATHS(sample.lammps, .key = "sample.lammps", .when = "", .doc = "LAMMPS data files (atom_style atomic) as starts"),
    WORDS(sample.lammps_elements, .key = "sample.lammps_elements", .needed = true, .when = "sample.lammps",
          .doc = "elements of the atom types of the data files"),
    WORDS(sample.jobs, .key = "sample.jobs", .initial = "bulk,strain,vacancy", .flag = "jobs", .when = "",
          .doc = "what is done with starts: bulk, strain, vacancy, surface, adsorbate (molecular dynamics), rattle, "
                 "dimer (pairs pushed together), start (as they are)"),
    WORDS(sample.temperatures, .key = "sample.temperatures", .initial = "300,900", .flag = "temperatures",
          .when = "sample.jobs=bulk|strain|vacancy|surface|adsorbate", .doc = "of the molecular dynamics, K"),
    INTEGER(sample.repeats, 1, 1000, .key = "sample.repeats", .initial = "1", .when = "",
            .doc = "runs for each start and temperature"),
    INTEGER(sample.equilibration, 0, 1e7, .key = "sample.equilibration", .initial = "50",
            .when = "sample.jobs=bulk|strain|vacancy|surface|adsorbate", .doc = "steps before the first frame"),
    INTEGER(sample.steps, 1, 1e8, .key = "sample.steps", .initial = "200", .flag = "steps",
            .when = "sample.jobs=bulk|strain|vacancy|surface|adsorbate", .doc = "steps after that"),
    INTEGER(sample.every, 1, 1e7, .key = "sample.every", .initial = "20",
            .when = "sample.jobs=bulk|strain|vacancy|surface|adsorbate", .doc = "steps from frame to frame"),
    REAL(sample.step, 0, 20, .key = "sample.step", .initial = "0",
         .when = "sample.jobs=bulk|strain|vacancy|surface|adsorbate",
         .doc = "time step, fs; 0: by the lightest element"),
    REAL(sample.volume, 0, 0.5, .key = "sample.volume", .initial = "0.06", .when = "sample.jobs=strain",
         .doc = "largest relative change of the volume in strain"),
    REAL(sample.strain, 0, 0.3, .key = "sample.strain", .initial = "0.03", .when = "sample.jobs=strain|rattle",
         .doc = "largest component of the random strain in strain and rattle"),
    REAL(sample.rattle, 0, 1, .key = "sample.rattle", .initial = "0.15", .when = "sample.jobs=rattle",
         .doc = "largest standard deviation of a displacement in rattle, Angstrom"),
    INTEGER(sample.rattles, 1, 1e6, .key = "sample.rattles", .initial = "10", .when = "sample.jobs=rattle",
            .doc = "candidates of a start in rattle"),
    INTEGER(sample.vacancies, 1, 1e6, .key = "sample.vacancies", .initial = "1", .when = "sample.jobs=vacancy",
            .doc = "atoms removed in vacancy"),
    WORDS(sample.surfaces, .key = "sample.surfaces", .initial = "0_0_1", .value = "H_K_L,...",
          .when = "sample.jobs=surface|adsorbate sample.layers>0",
          .doc = "planes of surface and adsorbate, in the vectors of the start's cell"),
    INTEGER(sample.layers, 0, 1000, .key = "sample.layers", .initial = "5", .when = "sample.jobs=surface|adsorbate",
            .doc = "least layers of a slab; 0: the start is one"),
    REAL(sample.vacuum, 1, 1000, .key = "sample.vacuum", .initial = "12", .when = "sample.jobs=surface|adsorbate",
         .doc = "above and below a slab together, Angstrom"),
    REAL(sample.width, 0, 1000, .key = "sample.width", .initial = "0", .when = "sample.jobs=surface|adsorbate",
         .doc = "a slab is repeated until it is so wide, Angstrom"),
    TEXT(sample.molecule, .key = "sample.molecule", .value = "EL-EL", .when = "sample.jobs=adsorbate",
         .doc = "molecule or atom of adsorbate, such as H-H"),
    REAL(sample.bond, 0.1, 10, .key = "sample.bond", .initial = "0.74", .when = "sample.molecule",
         .doc = "its bond length, Angstrom"),
    REAL(sample.height, 0.5, 20, .key = "sample.height", .initial = "4", .when = "sample.molecule",
         .doc = "where it starts above the surface, Angstrom"),
    REAL(sample.energy, 0, 100, .key = "sample.energy", .initial = "0.6", .when = "sample.molecule",
         .doc = "its kinetic energy towards the surface, eV"),
    REAL(sample.max_force, 0.1, 1e4, .key = "sample.max_force", .initial = "30", .when = "",
         .doc = "a run ends at a larger force, eV/Angstrom"),
    INTEGER(sample.frames, 1, 1e7, .key = "sample.frames", .initial = "500", .flag = "sampled-frames", .when = "",
            .doc = "frames chosen from the candidates"),
    CHOICE(sample.select, select_words, .key = "sample.select", .initial = "volume", .when = "",
           .doc = "choose frames whose descriptors span the largest volume (D-optimal), or that are farthest apart"),
    CHOICE(sample.precision, precision_words, .key = "sample.precision", .initial = "mixed", .when = "",
           .doc = "of the model in sampling"),
    INTEGER(rounds, 0, 100, .key = "rounds", .initial = "0", .flag = "rounds", .when = "",
            .doc =
                "after the fit, so many rounds at most: molecular dynamics with the surrogate, frames of it labelled "
                "by the model, and a fit to all"),
    REAL(round.gamma, 1, 1e6, .key = "round.gamma", .initial = "5", .when = "rounds>0",
         .doc = "a run of a round is halted at a larger extrapolation grade; the frame is a candidate"),
    REAL(round.difference, 0.1, 1e6, .key = "round.difference", .initial = "3", .when = "rounds>0",
         .doc = "a run of a round is halted where the surrogate's forces differ from the model's by so many times the "
                "RMSE of what is held back"),
    INTEGER(round.steps, 1, 1e8, .key = "round.steps", .initial = "1000", .when = "rounds>0",
            .doc = "steps of the dynamics of a round, behind sample.equilibration"),
    INTEGER(round.every, 1, 1e7, .key = "round.every", .initial = "50", .when = "rounds>0",
            .doc = "steps from one question to the model to the next: each is a candidate"),
    INTEGER(round.frames, 1, 1e6, .key = "round.frames", .initial = "100", .when = "rounds>0",
            .doc =
                "candidates of a round that are added: those where runs were halted first, then those that tell most "
                "beside what is there"),
    REAL(round.least, 0, 1, .key = "round.least", .initial = "0.02", .when = "rounds>0",
         .doc = "no further round when neither energies nor forces held back fell by this part in the last"),
};

enum { N_ALL = sizeof options / sizeof *options, N_DISTILL = 44 }; /* N_DISTILL: the last ones, from `model` on */

const ftl_option_table ftl_fit_table = {.command = "fit", .option = options, .n = N_ALL - N_DISTILL};
const ftl_option_table ftl_distill_table = {.command = "distill", .option = options, .n = N_ALL};

ftl_status ftl_surrogate_recipe_new(const ftl_option_table *table, ftl_surrogate_recipe **recipe, ftl_error *error) {
  *recipe = calloc(1, sizeof **recipe);
  if (!*recipe) return ftl_no_memory(error, NULL, "the recipe");
  return ftl_options_make(&(*recipe)->options, table, *recipe, error);
}

void ftl_surrogate_recipe_free(ftl_surrogate_recipe *recipe) {
  if (recipe) ftl_options_free(&recipe->options);
  free(recipe);
}

/* "8/5/3" into number[from ..]; what is not there stays 0. */
static ftl_status read_bounds(const char *text, size_t length, const char *key, int from, int *number,
                              ftl_error *error) {
  const char *at = text, *end = text + length;
  int k = from;
  while (at < end && k < FTL_BASIS_MAX_RANK) {
    char *after;
    long value = strtol(at, &after, 10);
    if (after == at || after > end || value < 0 || value > 1000) break;
    number[k++] = (int)value;
    at = after;
    if (at < end && *at == '/' && at + 1 < end) at++;
    else break;
  }
  if (at == end && k > from) return FTL_OK;
  return ftl_fail(error, FTL_ERR_INPUT, NULL, "%s: '%.60s' is no list of up to %d numbers like 8/5/3", key, text,
                  FTL_BASIS_MAX_RANK - from);
}

/* Ti-Al=8/5/3:4/3, or Al@Ti-Al=... for functions around Al */
static ftl_status read_block(const char *text, ftl_basis_block *block, ftl_error *error) {
  const char *equals = strchr(text, '='), *colon = equals ? strchr(equals, ':') : NULL;
  if (!equals) return ftl_fail(error, FTL_ERR_INPUT, NULL, "basis.blocks: '%.60s' is not like Ti-Al=8/5/3:4/3", text);
  const char *start = memchr(text, '@', (size_t)(equals - text));
  if (start) {
    char symbol[4] = "";
    if (start - text < (ptrdiff_t)sizeof symbol) memcpy(symbol, text, (size_t)(start - text));
    if ((block->centre = ftl_atomic_number(symbol)) == 0)
      return ftl_fail(error, FTL_ERR_INPUT, NULL, "basis.blocks: '%.*s' in '%.60s' is no chemical symbol",
                      (int)(start - text), text, text);
  }
  for (const char *at = start ? start + 1 : text; at < equals;) {
    char symbol[4] = "";
    size_t length = strcspn(at, "-=");
    if (length < sizeof symbol) memcpy(symbol, at, length);
    int z = ftl_atomic_number(symbol);
    if (z == 0 || block->n_elements == FTL_MAX_ELEMENTS)
      return ftl_fail(error, FTL_ERR_INPUT, NULL, "basis.blocks: '%.*s' in '%.60s' is no chemical symbol", (int)length,
                      at, text);
    block->elements[block->n_elements++] = z;
    at += length + 1;
  }
  const char *end = colon ? colon : equals + strlen(equals);
  FTL_TRY(read_bounds(equals + 1, (size_t)(end - equals - 1), "basis.blocks", 0, block->bounds.n, error));
  if (colon) FTL_TRY(read_bounds(colon + 1, strlen(colon + 1), "basis.blocks", 1, block->bounds.l, error));
  return FTL_OK;
}

/* H-Cu */
static ftl_status read_pairs(const ftl_rates *cutoffs, ftl_basis_options *basis, ftl_error *error) {
  if (cutoffs->n > FTL_BASIS_MAX_PAIRS)
    return ftl_fail(error, FTL_ERR_INPUT, NULL, "basis.cutoffs has more than %d pairs", FTL_BASIS_MAX_PAIRS);
  for (int k = 0; k < cutoffs->n; k++) {
    char first[4] = "", second[4] = "", more = 0;
    ftl_basis_pair *pair = &basis->pair[basis->n_pairs++];
    int words = sscanf(cutoffs->name[k], "%3[A-Za-z]-%3[A-Za-z]%c", first, second, &more);
    *pair = (ftl_basis_pair){{ftl_atomic_number(first), ftl_atomic_number(second)}, cutoffs->value[k]};
    if (words != 2 || !pair->element[0] || !pair->element[1])
      return ftl_fail(error, FTL_ERR_INPUT, NULL, "basis.cutoffs: '%.30s' is no pair of elements like H-Cu",
                      cutoffs->name[k]);
    for (int j = 0; j < k; j++) {
      const int *other = basis->pair[j].element;
      if ((other[0] == pair->element[0] && other[1] == pair->element[1]) ||
          (other[0] == pair->element[1] && other[1] == pair->element[0]))
        return ftl_fail(error, FTL_ERR_INPUT, NULL, "basis.cutoffs: '%.30s' and '%.30s' are the same pair; give one",
                        cutoffs->name[j], cutoffs->name[k]);
    }
  }
  return FTL_OK;
}

/* The first block that fits counts: b, behind a, fits nothing more. */
static bool is_hidden(const ftl_basis_block *a, const ftl_basis_block *b) {
  if ((a->centre && a->centre != b->centre) || a->n_elements != b->n_elements) return false;
  for (int k = 0; k < b->n_elements; k++)
    if (ftl_element_index(a->elements, a->n_elements, b->elements[k]) < 0) return false;
  return true;
}

ftl_status ftl_recipe_basis(const ftl_surrogate_recipe *r, const int *elements, int n_elements,
                            ftl_basis_options *basis, ftl_basis_block **blocks, ftl_error *error) {
  *basis = (ftl_basis_options){.n_elements = n_elements,
                               .degree = r->basis.degree,
                               .degree_l = r->basis.degree_l,
                               .max_species = (int)r->basis.max_species,
                               .radial = (ftl_ace_base_kind)r->basis.radial,
                               .lambda = r->basis.lambda,
                               .cutoff = r->basis.cutoff,
                               .d_cutoff = r->basis.dcut,
                               .max_functions = r->basis.max_functions,
                               .n_blocks = r->basis.blocks.n};
  memcpy(basis->elements, elements, (size_t)n_elements * sizeof *elements);
  *blocks = calloc((size_t)r->basis.blocks.n + 1, sizeof **blocks);
  if (!*blocks) return ftl_no_memory(error, NULL, "the recipe");
  basis->block = *blocks;
  ftl_status status = read_bounds(r->basis.n, strlen(r->basis.n), "basis.n", 0, basis->bounds.n, error);
  if (!status) status = read_bounds(r->basis.l, strlen(r->basis.l), "basis.l", 1, basis->bounds.l, error);
  if (!status) status = read_pairs(&r->basis.cutoffs, basis, error);
  for (int k = 0; k < r->basis.blocks.n && !status; k++)
    status = read_block(r->basis.blocks.item[k], &(*blocks)[k], error);
  for (int k = 0; k < r->basis.blocks.n && !status; k++)
    for (int j = 0; j < k && !status; j++)
      if (is_hidden(&(*blocks)[j], &(*blocks)[k]))
        status =
            ftl_fail(error, FTL_ERR_INPUT, NULL,
                     "basis.blocks: '%.60s' has no effect, as '%.60s' before it fits all of its functions; remove one, "
                     "or change their order",
                     r->basis.blocks.item[k], r->basis.blocks.item[j]);
  return status;
}

ftl_status ftl_recipe_default_basis(ftl_surrogate_recipe *r, const int *elements, int n_elements, ftl_error *error) {
  /* n, l, max_species: rank 4 matters least, then l of rank 3 (docs/surrogate.md); last, functions of several elements
   */
  static const char *const sizes[][3] = {{"8/5/3/2", "4/3/2", "0"}, {"8/5/3", "4/3", "0"}, {"8/5/2", "4/2", "0"},
                                         {"8/4/2", "3/2", "0"},     {"8/4/1", "3/2", "0"}, {"8/3/1", "3/1", "0"},
                                         {"8/3", "3", "0"},         {"6/2", "2", "0"},     {"8/4/2", "3/2", "1"},
                                         {"6/2", "2", "1"},         {"4/1", "1", "1"},     {"2/1", "1", "1"}};
  static const char *const keys[] = {"basis.n", "basis.l", "basis.blocks", "basis.degree", "basis.max_species"};
  ftl_status status = FTL_OK;
  for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
    if (ftl_options_is_chosen(&r->options, keys[k])) return FTL_OK;
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
    ftl_basis_options basis;
    ftl_basis_block *blocks = NULL;
    ftl_surrogate made;
    status = ftl_options_set(&r->options, "basis.n", sizes[k][0], "default", error);
    if (!status) status = ftl_options_set(&r->options, "basis.l", sizes[k][1], "default", error);
    if (!status) status = ftl_options_set(&r->options, "basis.max_species", sizes[k][2], "default", error);
    if (!status) status = ftl_recipe_basis(r, elements, n_elements, &basis, &blocks, error);
    free(blocks);
    FTL_TRY(status);
    status = ftl_basis_make(&basis, &made, error);
    if (!status) ftl_surrogate_free(&made);
    if (!status) return FTL_OK;
  }
  return status;
}

bool ftl_recipe_is_nonlinear(const ftl_surrogate_recipe *r) {
  return ftl_options_is_set(&r->options, "embedding.exponent");
}

/* With a bound on their number functions go one by one, least first; a strict ratio would have left them out before. */
static double max_ratio(const ftl_surrogate_recipe *r) {
  if (r->solver.max_ratio > 0) return r->solver.max_ratio;
  return r->solver.functions > 0 ? 1e13 : 1e8;
}

void ftl_recipe_fit(const ftl_surrogate_recipe *r, ftl_fit_options *fit) {
  *fit = (ftl_fit_options){.energy = r->weights.energy,
                           .forces = r->weights.forces,
                           .stress = r->weights.stress,
                           .atoms = r->weights.atoms,
                           .smooth_power = r->smooth.power,
                           .smooth_n = r->smooth.n,
                           .smooth_l = r->smooth.l,
                           .scale = (ftl_prior_scale)r->smooth.scale,
                           .free_e0 = r->solver.e0,
                           .folds = (int)r->solver.folds,
                           .threads = (int)r->threads,
                           .solve = {.kind = (ftl_solve_kind)r->solver.kind,
                                     .lambda = r->solver.lambda,
                                     .max_ratio = max_ratio(r),
                                     .max_functions = (int)r->solver.functions,
                                     .max_iterations = 200,
                                     .n_draws = (int)r->uncertainty.committee,
                                     .seed = (uint64_t)r->seed}};
}
