/* The table of options. */
#include "fit/recipe.h"

#include <stddef.h>

#define AT(member) .offset = offsetof(ftl_recipe, member)
#define TEXT(member, ...)                                                                                              \
  { .type = FTL_OPTION_TEXT, AT(member), __VA_ARGS__ }
#define PATH(member, ...)                                                                                              \
  { .type = FTL_OPTION_PATH, AT(member), __VA_ARGS__ }
#define PATHS(member, ...)                                                                                             \
  { .type = FTL_OPTION_PATHS, AT(member), __VA_ARGS__ }
#define WORDS(member, ...)                                                                                             \
  { .type = FTL_OPTION_WORDS, AT(member), __VA_ARGS__ }
#define RATES(member, low, high, ...)                                                                                  \
  { .type = FTL_OPTION_RATES, .min = low, .max = high, AT(member), __VA_ARGS__ }
#define INTEGER(member, low, high, ...)                                                                                \
  { .type = FTL_OPTION_INTEGER, .min = low, .max = high, AT(member), __VA_ARGS__ }
#define REAL(member, low, high, ...)                                                                                   \
  { .type = FTL_OPTION_REAL, .min = low, .max = high, AT(member), __VA_ARGS__ }
#define BOOL(member, ...)                                                                                              \
  { .type = FTL_OPTION_BOOL, AT(member), __VA_ARGS__ }
#define CHOICE(member, list, ...)                                                                                      \
  { .type = FTL_OPTION_CHOICE, .choices = list, AT(member), __VA_ARGS__ }

/* Sections (keys before the first dot) stand together. Defaults are mace-torch's where it has the option. */
static const ftl_option options[] = {
    PATH(output, .key = "output", .needed = true, .flag = "output", .letter = 'o', .value = "RUN", .when = "",
         .doc = "folder of the run: it is made, and gets the model, the log and the state"),

    PATH(foundation, .key = "foundation", .flag = "foundation", .letter = 'f', .when = "",
         .doc = "model to start from, .model or .ftl; without it a new model is made from the options of scratch"),
    TEXT(head, .key = "head", .flag = "head", .value = "NAME", .when = "foundation",
         .doc = "head of the foundation that is trained; it may be left out when there is one head"),
    WORDS(elements, .key = "elements", .flag = "elements", .when = "",
          .doc =
              "elements of the trained model, as symbols; 'data' keeps those of the data sets only; by default all of "
              "the foundation, or those of the data sets from scratch"),

    PATHS(data, .key = "data", .needed = true, .flag = "data", .letter = 'd', .when = "",
          .doc = "structures to train on, extended XYZ; several files are read one after another"),
    PATHS(valid, .key = "valid", .flag = "valid", .when = "",
          .doc = "structures to validate on; without it valid_fraction is taken from data"),
    PATHS(test, .key = "test", .flag = "test", .when = "",
          .doc = "structures on which only the final model is evaluated"),
    TEXT(labels, .key = "labels", .initial = "REF_", .flag = "labels", .value = "PREFIX", .when = "",
         .doc = "prefix of the labels: PREFIXenergy, PREFIXforces, PREFIXstress or PREFIXvirial"),
    INTEGER(frames, 1, 1e9, .key = "frames", .flag = "frames", .when = "",
            .doc = "train on the first N structures of data only"),
    REAL(fraction, 1e-6, 1, .key = "fraction", .flag = "fraction", .when = "!frames",
         .doc = "train on this fraction of data only, from its beginning"),
    REAL(valid_fraction, 1e-6, 0.9, .key = "valid_fraction", .initial = "0.05", .when = "!valid",
         .doc = "fraction of data, drawn by seed, that is not trained on but validated on"),
    REAL(max_force, 1e-3, 1e6, .key = "max_force", .initial = "100", .flag = "max-force", .when = "",
         .doc = "forces above this, eV/Angstrom, are an error that names file and frame"),

    CHOICE(e0.kind, "keep|fit|given", .key = "e0.kind", .flag = "e0", .when = "", .initial = "keep",
           .doc = "energies of single atoms: the foundation's, a least squares fit to data, or those of e0.values"),
    RATES(e0.values, -1e7, 1e7, .key = "e0.values", .needed = true, .when = "e0.kind=given",
          .doc = "energy of a single atom of each element, eV: {H: -1.1, Cu: -0.2}"),
    CHOICE(scale_shift, "keep|fit", .key = "scale_shift", .flag = "scale-shift", .initial = "keep", .when = "",
           .doc = "scale and shift of the network's energies: the foundation's, or from data (RMS of the forces, mean "
                  "energy per atom without E0)"),

    WORDS(freeze, .key = "freeze", .flag = "freeze", .value = "WHAT,...", .when = "",
          .doc = "what keeps its values: f0 to f7 as mace-torch's --freeze, groups (radial, layer0.linear, ...) and "
                 "patterns of tensor names ('products.*')"),
    WORDS(train, .key = "train", .flag = "train", .value = "WHAT,...", .when = "",
          .doc =
              "what is trained, given as in freeze: alone, everything else is frozen; with freeze, an exception to it"),
    RATES(rates, 0, 1e3, .key = "rates", .flag = "rates", .value = "WHAT=X,...", .when = "",
          .doc = "factors of the learning rate by group or pattern: {radial: 0.1} moves radial ten times slower"),

    CHOICE(
        loss.kind, "weighted|huber|universal", .key = "loss.kind", .flag = "loss", .initial = "weighted", .when = "",
        .doc =
            "mace-torch's losses: weighted squares, Huber, or its universal loss (Huber, less weight on large forces)"),
    REAL(loss.energy, 0, 1e9, .key = "loss.energy", .initial = "1", .when = "", .doc = "weight of energies per atom"),
    REAL(loss.forces, 0, 1e9, .key = "loss.forces", .initial = "100", .when = "", .doc = "weight of forces"),
    REAL(loss.stress, 0, 1e9, .key = "loss.stress", .initial = "1", .when = "", .doc = "weight of stresses"),
    REAL(loss.huber_delta, 1e-9, 1e6, .key = "loss.huber_delta", .initial = "0.01", .when = "loss.kind=huber|universal",
         .doc = "error, eV or eV/Angstrom, from which the loss grows linearly"),
    RATES(loss.configs, 0, 1e9, .key = "loss.configs", .when = "",
          .doc = "weights of structures by config_type, 1 for the rest: {surface: 2}"),

    CHOICE(optimiser.kind, "amsgrad|adamw|adam", .key = "optimiser.kind", .flag = "optimiser", .initial = "amsgrad",
           .when = "", .doc = "Adam with AMSGrad as mace-torch, AdamW or Adam"),
    REAL(optimiser.lr, 1e-12, 10, .key = "optimiser.lr", .initial = "0.01", .flag = "lr", .when = "",
         .doc = "learning rate"),
    REAL(optimiser.weight_decay, 0, 1, .key = "optimiser.weight_decay", .initial = "5e-7", .when = "",
         .doc = "weight decay of message linears and products, as in mace-torch"),
    REAL(optimiser.beta1, 0, 0.999999, .key = "optimiser.beta1", .initial = "0.9", .when = "",
         .doc = "memory of the mean gradient"),
    REAL(optimiser.beta2, 0, 0.9999999, .key = "optimiser.beta2", .initial = "0.999", .when = "",
         .doc = "memory of the mean square of the gradient"),
    REAL(optimiser.epsilon, 1e-30, 1, .key = "optimiser.epsilon", .initial = "1e-8", .when = "",
         .doc = "what keeps a step finite where the gradient vanishes"),
    REAL(optimiser.clip, 1e-9, 1e9, .key = "optimiser.clip", .initial = "10", .flag = "clip", .when = "",
         .doc = "longest gradient: a longer one is scaled down to this norm"),

    CHOICE(
        schedule.kind, "constant|plateau|exponential|cosine", .key = "schedule.kind", .flag = "schedule",
        .initial = "plateau", .when = "",
        .doc =
            "how the learning rate falls: not, when the loss on valid stalls, by a factor each epoch, or as a cosine"),
    REAL(schedule.factor, 1e-6, 0.999999, .key = "schedule.factor", .initial = "0.8", .when = "schedule.kind=plateau",
         .doc = "factor of the learning rate when the loss stalls"),
    INTEGER(schedule.patience, 0, 1e9, .key = "schedule.patience", .initial = "50", .when = "schedule.kind=plateau",
            .doc = "epochs without a better loss on valid that are waited for"),
    REAL(schedule.gamma, 1e-6, 1, .key = "schedule.gamma", .initial = "0.9993", .when = "schedule.kind=exponential",
         .doc = "factor of the learning rate each epoch"),
    REAL(schedule.min_lr, 0, 10, .key = "schedule.min_lr", .initial = "0",
         .when = "schedule.kind=plateau|exponential|cosine", .doc = "the learning rate does not fall below this"),
    INTEGER(schedule.warmup, 0, 1e9, .key = "schedule.warmup", .initial = "0", .when = "",
            .doc = "steps over which the learning rate rises linearly from 0"),

    REAL(ema, 0, 0.9999999, .key = "ema", .initial = "0", .flag = "ema", .when = "",
         .doc = "decay of the exponential moving average of the parameters that is validated and kept; 0: none"),
    INTEGER(swa.start, 2, 1e9, .key = "swa.start", .flag = "swa", .value = "EPOCH", .when = "",
            .doc = "stage two from this epoch on: parameters averaged over epochs, other weights of the loss"),
    REAL(swa.lr, 1e-12, 10, .key = "swa.lr", .initial = "0.001", .when = "swa.start",
         .doc = "learning rate of stage two"),
    REAL(swa.energy, 0, 1e9, .key = "swa.energy", .initial = "1000", .when = "swa.start",
         .doc = "weight of energies in stage two"),
    REAL(swa.forces, 0, 1e9, .key = "swa.forces", .initial = "100", .when = "swa.start",
         .doc = "weight of forces in stage two"),
    REAL(swa.stress, 0, 1e9, .key = "swa.stress", .initial = "10", .when = "swa.start",
         .doc = "weight of stresses in stage two"),

    INTEGER(epochs, 1, 1e9, .key = "epochs", .flag = "epochs", .letter = 'e', .initial = "100", .when = "!steps",
            .doc = "how often every structure is trained on"),
    INTEGER(steps, 1, 1e12, .key = "steps", .flag = "steps", .when = "",
            .doc = "number of optimiser steps, instead of epochs"),
    INTEGER(batch_size, 1, 1e6, .key = "batch_size", .flag = "batch-size", .letter = 'b', .initial = "10", .when = "",
            .doc = "structures per step"),
    INTEGER(patience, 1, 1e9, .key = "patience", .flag = "patience", .value = "EPOCHS", .when = "",
            .doc = "stop after this many epochs without a better loss on valid; by default never"),
    INTEGER(seed, 0, 9e15, .key = "seed", .flag = "seed", .initial = "1", .when = "",
            .doc = "seed of the order of structures, of the split and of random weights"),
    INTEGER(threads, 0, 4096, .key = "threads", .flag = "threads", .letter = 't', .initial = "0", .when = "",
            .doc = "structures worked on at a time; 0: OMP_NUM_THREADS, or all cores"),
    CHOICE(precision, "double|mixed", .key = "precision", .flag = "precision", .letter = 'p', .initial = "double",
           .when = "", .doc = "of the arithmetic: float64, or float32 with sums in float64"),

    CHOICE(checkpoint, "full|delta", .key = "checkpoint", .flag = "checkpoint", .initial = "full", .when = "",
           .doc = "the model that is written: whole, or the trained tensors and the name of the foundation"),
    INTEGER(save_every, 1, 1e9, .key = "save_every", .flag = "save-every", .value = "STEPS", .when = "",
            .doc =
                "write the state after this many steps too; it is always written after an epoch and when interrupted"),
    INTEGER(cache_mb, 0, 1e7, .key = "cache_mb", .flag = "cache-mb", .initial = "2000", .when = "",
            .doc = "memory for what is kept between epochs, MB: neighbour lists, and what frozen layers give"),
};

const ftl_option *ftl_recipe_options(int *n) {
  *n = (int)(sizeof options / sizeof *options);
  return options;
}
