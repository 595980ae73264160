/* Rows about labels and structures that the tables of several commands have (support/option_table.h), with members
   labels, label, select, large_forces, checks of the struct of values; `when_`: where they apply; `letter_`: short
   flag, or 0. Behind support/option_table.h. */
#include "data/policy.h"

CHOICES(large_forces_words, FTL_N_FORCES, [FTL_FORCES_REFUSE] = "refuse", [FTL_FORCES_DROP] = "drop");
CHOICES(checks_words, FTL_N_CHECKS, [FTL_CHECKS_REFUSE] = "refuse", [FTL_CHECKS_WARN] = "warn");
CHOICES(precision_words, FTL_MIXED + 1, [FTL_DOUBLE] = "double", [FTL_MIXED] = "mixed");

#define LABEL_OPTIONS(when_, letter_)                                                                                  \
  TEXT(labels, .key = "labels", .initial = "REF_", .flag = "labels", .value = "PREFIX", .letter = letter_,             \
       .when = when_,                                                                                                  \
       .doc = "prefix of the labels: PREFIXenergy, PREFIXforces (or force), PREFIXstress or PREFIXvirial (or "         \
              "virials); '' for energy, forces, stress as ASE writes them"),                                           \
      LABEL_OPTION(when_, energy, "energy: one number, eV"),                                                           \
      LABEL_OPTION(when_, forces, "forces: a column of three, eV/Angstrom"),                                           \
      LABEL_OPTION(when_, stress, "stress: nine numbers or Voigt's six, eV/Angstrom^3, ASE's sign"),                   \
      LABEL_OPTION(when_, virial, "virial: nine numbers or six, eV, -stress * volume")
#define LABEL_OPTION(when_, what, quantity)                                                                            \
  TEXT(label.what, .key = "labels." #what, .flag = "labels-" #what, .value = "NAME", .when = when_,                    \
       .doc = "name, instead of the prefix's, of the " quantity)
#define PRECISION(member)                                                                                              \
  CHOICE(member, precision_words, .key = "precision", .flag = "precision", .letter = 'p', .initial = "double",         \
         .when = "", .doc = "of the arithmetic: float64, or float32 with sums in float64")
#define LARGE_FORCES(when_)                                                                                            \
  REAL(max_force, 1e-3, 1e6, .key = "max_force", .initial = "100", .flag = "max-force", .when = when_,                 \
       .doc = "forces above this, eV/Angstrom, are an error that names file and frame"),                               \
      CHOICE(large_forces, large_forces_words, .key = "large_forces", .initial = "refuse", .flag = "large-forces",     \
             .when = when_, .doc = "structures with forces above max_force: an error, or left out with a warning")
#define CHECKS(before_it_does, and_done)                                                                               \
  CHOICE(checks, checks_words, .key = "checks", .flag = "checks", .initial = "refuse", .when = "",                     \
         .doc = "labels that are wrong beyond doubt (units, signs, energies of another calculation) end the run "      \
                "before it " before_it_does "; warn: they are said, and " and_done)
