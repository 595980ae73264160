#include "cli/pacemaker_keys.h"

#include <string.h>

#define ZBL     "ZBL takes over below the shortest distances of the data (inner.fraction, inner.width)"
#define AT_ONCE "a linear fit is solved at once"
#define FIXED   "radial functions are not fitted; the prior is smooth in n and l (smooth.n, smooth.l)"

const cli_pacemaker_key cli_pacemaker_keys[] = {
    {"cutoff", NULL, CLI_BECOMES_KEYS, "`basis.cutoff`, where no bond has an rcut"},
    {"seed", NULL, CLI_BECOMES_KEYS, "`seed`"},
    {"metadata", NULL, CLI_BECOMES_PASSED, "it is for people"},
    {"data.filename", NULL, CLI_BECOMES_KEYS, "`data`: extended XYZ; for a pickled table see above"},
    {"data.datapath", NULL, CLI_BECOMES_KEYS, "the folder of filename and test_filename"},
    {"data.test_filename", NULL, CLI_BECOMES_KEYS, "`valid`"},
    {"data.test_size", NULL, CLI_BECOMES_KEYS, "`holdout`, which is a fraction up to 0.5"},
    {"data.reference_energy", "auto", CLI_BECOMES_KEYS, "`e0`; with auto, and without it, found in the fit"},
    {"data.aug_factor", NULL, CLI_BECOMES_NONE, "`weights.configs` weighs structures by config_type"},
    {"data.ignore_weights", NULL, CLI_BECOMES_NONE, "the weight of a structure is its config_weight"},
    {"potential.deltaSplineBins", "0.001", CLI_BECOMES_KEYS, "`spline_bins`"},
    {"potential.elements", NULL, CLI_BECOMES_KEYS, "`elements`"},
    {"potential.filename", NULL, CLI_BECOMES_REFUSED, "a potential to go on with"},
    {"potential.initial_potential", NULL, CLI_BECOMES_REFUSED, "a potential to go on with"},
    {"potential.reset", NULL, CLI_BECOMES_PASSED, "every fit begins from nothing"},
    {"potential.embeddings.npot", NULL, CLI_BECOMES_KEYS, "`embedding.exponent`; the same for all elements"},
    {"potential.embeddings.fs_parameters", NULL, CLI_BECOMES_KEYS, "`embedding.exponent`: the fourth of 1, 1, 1, 0.5"},
    {"potential.embeddings.ndensity", NULL, CLI_BECOMES_KEYS, "`embedding.exponent`, if it is 2"},
    {"potential.embeddings.rho_core_cut", NULL, CLI_BECOMES_NONE, ZBL},
    {"potential.embeddings.drho_core_cut", NULL, CLI_BECOMES_NONE, ZBL},
    {"potential.bonds.radbase", NULL, CLI_BECOMES_KEYS, "`basis.radial`; the same for all bonds"},
    {"potential.bonds.radparameters", NULL, CLI_BECOMES_KEYS, "`basis.lambda`; the same for all bonds"},
    {"potential.bonds.rcut", NULL, CLI_BECOMES_KEYS, "`basis.cutoff`, and `basis.cutoffs` of shorter ones"},
    {"potential.bonds.dcut", NULL, CLI_BECOMES_KEYS, "`basis.dcut`; the same for all bonds"},
    {"potential.bonds.NameOfCutoffFunction", "cos", CLI_BECOMES_NONE, "cutoffs are cosines"},
    {"potential.bonds.r_in", NULL, CLI_BECOMES_NONE, ZBL},
    {"potential.bonds.delta_in", NULL, CLI_BECOMES_NONE, ZBL},
    {"potential.bonds.core-repulsion", NULL, CLI_BECOMES_NONE, ZBL},
    {"potential.bonds.inner_cutoff_type", NULL, CLI_BECOMES_NONE, ZBL},
    {"potential.functions.nradmax_by_orders", NULL, CLI_BECOMES_KEYS, "`basis.n`, `basis.blocks`; up to rank 5"},
    {"potential.functions.lmax_by_orders", NULL, CLI_BECOMES_KEYS, "`basis.l`, `basis.blocks`"},
    {"potential.functions.coefs_init", NULL, CLI_BECOMES_PASSED, AT_ONCE},
    {"potential.functions.number_of_functions_per_element", NULL, CLI_BECOMES_NONE,
     "all functions of these n and l are fitted; smaller ones, `--degree` or `--solver ard` make fewer"},
    {"fit.loss.kappa", "0", CLI_BECOMES_KEYS, "`weights.energy` = √((1 - kappa) / kappa) and `weights.forces` = 1"},
    {"fit.loss.L1_coeffs", "0", CLI_BECOMES_NONE, "`--solver ard` leaves functions out"},
    {"fit.loss.L2_coeffs", "0", CLI_BECOMES_NONE, "the strength of the prior is found by evidence (solver.kind)"},
    {"fit.loss.w0_rad", "0", CLI_BECOMES_NONE, FIXED},
    {"fit.loss.w1_rad", "0", CLI_BECOMES_NONE, FIXED},
    {"fit.loss.w2_rad", "0", CLI_BECOMES_NONE, FIXED},
    {"fit.loss.w1_coeffs", "0", CLI_BECOMES_NONE, "`smooth.n`, `smooth.l`"},
    {"fit.loss.w2_coeffs", "0", CLI_BECOMES_NONE, "`smooth.n`, `smooth.l`"},
    {"fit.weighting.type", "UniformWeightingPolicy", CLI_BECOMES_NONE,
     "structures weigh alike, but for their config_weight and `weights.configs`"},
    {"fit.weighting.nfit", NULL, CLI_BECOMES_KEYS, "`frames`"},
    {"fit.weighting.DFup", NULL, CLI_BECOMES_KEYS, "`max_force` with `large_forces: drop`"},
    {"fit.weighting", NULL, CLI_BECOMES_PASSED, "all else of it belongs to its type"},
    {"fit.repulsion", "auto", CLI_BECOMES_NONE, ZBL},
    {"fit.trainable_parameters", "ALL", CLI_BECOMES_NONE, "all coefficients of functions are fitted"},
    {"fit.callbacks", NULL, CLI_BECOMES_NONE, ""},
    {"fit.optimizer", NULL, CLI_BECOMES_PASSED, AT_ONCE},
    {"fit.options", NULL, CLI_BECOMES_PASSED, AT_ONCE},
    {"fit.maxiter", NULL, CLI_BECOMES_PASSED, AT_ONCE},
    {"fit.fit_cycles", NULL, CLI_BECOMES_PASSED, AT_ONCE},
    {"fit.noise_relative_sigma", NULL, CLI_BECOMES_PASSED, AT_ONCE},
    {"fit.noise_absolute_sigma", NULL, CLI_BECOMES_PASSED, AT_ONCE},
    {"fit.randomize_func_coeffs", NULL, CLI_BECOMES_PASSED, AT_ONCE},
    {"fit.ladder_step", NULL, CLI_BECOMES_PASSED, AT_ONCE},
    {"fit.ladder_type", NULL, CLI_BECOMES_PASSED, AT_ONCE},
    {"fit.min_relative_train_loss_per_iter", NULL, CLI_BECOMES_PASSED, AT_ONCE},
    {"fit.min_relative_test_loss_per_iter", NULL, CLI_BECOMES_PASSED, AT_ONCE},
    {"fit.early_stopping_patience", NULL, CLI_BECOMES_PASSED, AT_ONCE},
    {"backend", NULL, CLI_BECOMES_PASSED, "there is one, on CPUs"},
};

const int cli_pacemaker_n = sizeof cli_pacemaker_keys / sizeof *cli_pacemaker_keys;

int cli_pacemaker_key_at(const char *key) {
  for (int k = 0; k < cli_pacemaker_n; k++)
    if (!strcmp(cli_pacemaker_keys[k].key, key)) return k;
  return -1;
}
