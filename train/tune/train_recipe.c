/* The table of options of a training run. */
#include "tune/train_recipe.h"

#include <stdlib.h>

#include "base/error.h"
#include "model/architecture.h"

#define FTL_VALUES ftl_recipe
#include "support/option_table.h"

#include "data/data_options.h"

CHOICES(block_words, FTL_N_BLOCKS, [FTL_BLOCKS_RESIDUAL] = "residual", [FTL_BLOCKS_DENSITY] = "density",
        [FTL_BLOCKS_NONLINEAR] = "nonlinear");
CHOICES(radial_words, FTL_RADIAL_CHEBYSHEV + 1, [FTL_RADIAL_BESSEL] = "bessel", [FTL_RADIAL_GAUSSIAN] = "gaussian",
        [FTL_RADIAL_CHEBYSHEV] = "chebyshev");
CHOICES(transform_words, FTL_TRANSFORM_SOFT + 1, [FTL_TRANSFORM_NONE] = "none", [FTL_TRANSFORM_AGNESI] = "agnesi",
        [FTL_TRANSFORM_SOFT] = "soft");
CHOICES(gate_words, FTL_ACTIVATION_ABS + 1, [FTL_ACTIVATION_SILU] = "silu", [FTL_ACTIVATION_TANH] = "tanh",
        [FTL_ACTIVATION_ABS] = "abs");
CHOICES(e0_words, FTL_N_STARTS, [FTL_START_KEEP] = "keep", [FTL_START_FIT] = "fit", [FTL_START_GIVEN] = "given");
CHOICES(scale_shift_words, FTL_START_FIT + 1, [FTL_START_KEEP] = "keep", [FTL_START_FIT] = "fit");
CHOICES(replay_label_words, FTL_N_REPLAY_LABELS, [FTL_REPLAY_FOUNDATION] = "foundation", [FTL_REPLAY_DATA] = "data");
CHOICES(replay_head_words, FTL_N_REPLAY_HEADS, [FTL_REPLAY_SHARED] = "shared", [FTL_REPLAY_SEPARATE] = "separate");
CHOICES(method_words, FTL_N_METHODS, [FTL_METHOD_GRADIENT] = "gradient", [FTL_METHOD_LINEAR] = "linear");
CHOICES(loss_words,
        FTL_N_LOSSES, [FTL_LOSS_WEIGHTED] = "weighted", [FTL_LOSS_HUBER] = "huber", [FTL_LOSS_UNIVERSAL] = "universal");
CHOICES(optimiser_words, FTL_N_OPTIMISERS, [FTL_OPTIMISER_AMSGRAD] = "amsgrad", [FTL_OPTIMISER_ADAMW] = "adamw",
        [FTL_OPTIMISER_ADAM] = "adam");
CHOICES(schedule_words, FTL_N_SCHEDULES, [FTL_SCHEDULE_CONSTANT] = "constant", [FTL_SCHEDULE_PLATEAU] = "plateau",
        [FTL_SCHEDULE_EXPONENTIAL] = "exponential", [FTL_SCHEDULE_COSINE] = "cosine");
CHOICES(checkpoint_words, FTL_N_CHECKPOINTS, [FTL_CHECKPOINT_FULL] = "full", [FTL_CHECKPOINT_DELTA] = "delta");
CHOICES(trust_words,
        FTL_N_TEACHES, [FTL_TEACH_NEVER] = "false", [FTL_TEACH_CHEAP] = "auto", [FTL_TEACH_ALWAYS] = "true");

/* The one place of all defaults: `initial`, or `tuned` where a foundation is given. tune/suit.c has those that follow
   from the data (batch_size, epochs). Flags, --init and recipes start from the same. Those of new models are
   mace-torch's where it has the option; those of fine-tuning are from docs/training.md, "The defaults". */
static const ftl_option options[] = {
    PATH(output, .key = "output", .initial = "run", .flag = "output", .letter = 'o', .value = "RUN", .when = "",
         .doc = "folder of the run: it is made, and gets the model, the log and the state"),

    PATH(foundation, .key = "foundation", .model = true, .flag = "foundation", .letter = 'f', .when = "",
         .doc = "model to start from, a file or the name of a published one that is on this machine (frozentl "
                "foundation --list); without it a new model is made from the options of scratch"),
    TEXT(head, .key = "head", .flag = "head", .value = "NAME", .when = "foundation",
         .doc = "head of the foundation that is trained; it may be left out when there is one head"),
    WORDS(
        elements, .key = "elements", .initial = "data", .flag = "elements", .when = "",
        .doc =
            "elements of the trained model, as symbols; data: those of the data sets (and of add_elements) only; all: "
            "those of the foundation too, which is the default with replay.sample"),

    WORDS(add_elements, .key = "add_elements", .flag = "add-elements", .value = "EL=LIKE,...", .when = "foundation",
          .doc = "elements that the foundation lacks: Nb=Mo begins like Mo, Nb=mean like the mean of all elements, "
                 "Nb=random anew"),

    CHOICE(scratch.interaction, block_words, .key = "scratch.interaction", .initial = "residual", .when = "!foundation",
           .doc = "blocks of a new model: mace-torch's RealAgnostic (residual from the second layer on), the same "
                  "normalised by densities, or RealAgnosticResidualNonLinear"),
    TEXT(scratch.hidden, .key = "scratch.hidden", .initial = "128x0e+128x1o", .value = "IRREPS", .when = "!foundation",
         .doc = "hidden irreps"),
    INTEGER(scratch.layers, 1, 8, .key = "scratch.layers", .initial = "2", .when = "!foundation",
            .doc = "number of interactions"),
    INTEGER(scratch.correlation, 1, 4, .key = "scratch.correlation", .initial = "3", .when = "!foundation",
            .doc = "order of the product: 3 is up to four-body terms in a layer"),
    INTEGER(scratch.max_ell, 1, 3, .key = "scratch.max_ell", .initial = "3", .when = "!foundation",
            .doc = "largest l of the spherical harmonics of edges"),
    REAL(scratch.r_max, 0.1, 100, .key = "scratch.r_max", .initial = "5", .when = "!foundation",
         .doc = "cutoff, Angstrom"),
    CHOICE(scratch.radial, radial_words, .key = "scratch.radial", .initial = "bessel", .when = "!foundation",
           .doc = "radial basis"),
    INTEGER(scratch.basis, 1, 1024, .key = "scratch.basis", .initial = "8", .when = "!foundation",
            .doc = "number of radial basis functions"),
    INTEGER(scratch.cutoff_p, 1, 100, .key = "scratch.cutoff_p", .initial = "5", .when = "!foundation",
            .doc = "exponent of the polynomial cutoff"),
    CHOICE(scratch.transform, transform_words, .key = "scratch.transform", .initial = "none", .when = "!foundation",
           .doc = "transform of distances by covalent radii"),
    WORDS(scratch.radial_mlp, .key = "scratch.radial_mlp", .initial = "64,64,64", .when = "!foundation",
          .doc = "widths of the hidden layers of the radial MLP"),
    TEXT(scratch.readout, .key = "scratch.readout", .initial = "16x0e", .value = "IRREPS", .when = "!foundation",
         .doc = "irreps inside the last readout"),
    CHOICE(scratch.gate, gate_words, .key = "scratch.gate", .initial = "silu", .when = "!foundation",
           .doc = "nonlinearity of the last readout"),
    BOOL(scratch.zbl, .key = "scratch.zbl", .initial = "false", .when = "!foundation",
         .doc = "with Ziegler-Biersack-Littmark repulsion at short distances"),
    REAL(scratch.avg_num_neighbors, 1e-3, 1e6, .key = "scratch.avg_num_neighbors", .when = "!foundation",
         .doc = "mean number of neighbours, by which messages are divided; by default that of data"),

    PATHS(data, .key = "data", .needed = true, .flag = "data", .letter = 'd', .when = "",
          .doc = "structures to train on, extended XYZ; several files are read one after another"),
    PATHS(valid, .key = "valid", .flag = "valid", .when = "",
          .doc = "structures to validate on; without it valid_fraction is taken from data"),
    PATHS(test, .key = "test", .flag = "test", .when = "",
          .doc = "structures on which only the final model is evaluated"),
    LABEL_OPTIONS("", 0),
    WORDS(select, .key = "select", .flag = "select", .value = "KEY=VALUE,...", .when = "",
          .doc = "only structures of data, valid and test whose comment line has this: head=pbe; several values of one "
                 "key are alternatives, (none) stands for no such key"),
    INTEGER(frames, 1, 1e9, .key = "frames", .flag = "frames", .when = "",
            .doc = "train on N structures of data only, drawn by seed, each config_type in proportion; of one seed, "
                   "the larger "
                   "part contains the smaller"),
    REAL(fraction, 1e-6, 1, .key = "fraction", .flag = "fraction", .when = "!frames",
         .doc = "train on this fraction of data only, drawn as frames"),
    REAL(valid_fraction, 1e-6, 0.9, .key = "valid_fraction", .initial = "0.1", .when = "!valid",
         .doc = "fraction of data that is not trained on but validated on: drawn by seed, each config_type in "
                "proportion, at least 4 structures (a quarter of few)"),
    LARGE_FORCES(""),

    CHECKS("trains", "trained on"),

    CHOICE(e0.kind, e0_words, .key = "e0.kind", .initial = "fit", .flag = "e0", .when = "",
           .doc =
               "energies of single atoms: the foundation's (0 from scratch), those of isolated atoms in data or else "
               "a least squares fit to data, or those of e0.values"),
    RATES(e0.values, -1e7, 1e7, .key = "e0.values", .needed = true, .when = "e0.kind=given",
          .doc = "energy of a single atom of each element, eV: {H: -1.1, Cu: -0.2}"),
    CHOICE(scale_shift, scale_shift_words, .key = "scale_shift", .initial = "fit", .tuned = "keep",
           .flag = "scale-shift", .when = "",
           .doc =
               "scale and shift of the network's energies: the foundation's (1 and 0 from scratch), or from data (RMS "
               "of the forces, mean energy per atom without E0)"),

    CHOICE(method, method_words, .key = "method", .flag = "method", .initial = "gradient", .when = "",
           .doc = "gradient: steps along it; linear: only the last linear map of each readout is trained (and E0, with "
                  "e0.kind fit), which is the solution of linear equations, tied to the foundation's weights as "
                  "strongly as is best "
                  "on valid"),
    INTEGER(random_features, 1, 4096, .key = "random_features", .flag = "random-features", .when = "method=linear",
            .doc = "so many random features of the last layer's scalars are added to the model, and their weights "
                   "solved for too"),
    INTEGER(linear.rows, 0, 1e6, .key = "linear.rows", .when = "method=linear",
            .doc = "equations of a structure's forces: so many sums of all of them with random signs, 0: one of each; "
                   "by default "
                   "as many sums as give 50 equations for each weight"),
    REAL(linear.length, 0.01, 100, .key = "linear.length", .initial = "4", .when = "random_features",
         .doc = "length of the Gaussian kernel that random features make, in spreads of the scalars over the atoms of "
                "train"),

    WORDS(freeze, .key = "freeze", .flag = "freeze", .value = "WHAT,...",
          .when = "foundation !lora.rank method=gradient",
          .doc = "what keeps its values: f0 to f7 as mace-torch's --freeze, groups (radial, layer0.linear, ...) and "
                 "patterns of tensor names ('products.*')"),
    WORDS(train, .key = "train", .flag = "train", .value = "WHAT,...", .when = "foundation method=gradient",
          .doc =
              "what is trained, given as in freeze: alone, everything else is frozen; with freeze, an exception to it"),
    RATES(rates, 0, 1e3, .key = "rates", .flag = "rates", .value = "WHAT=X,...", .when = "method=gradient",
          .doc = "factors of the learning rate by group or pattern: {radial: 0.1} moves radial ten times slower"),

    INTEGER(
        lora.rank, 1, 1024, .key = "lora.rank", .flag = "lora", .value = "RANK", .when = "foundation method=gradient",
        .doc = "low-rank adaptation: tensors of lora.groups change by a product of two narrow matrices; all else but "
               "train is frozen"),
    REAL(lora.alpha, 1e-6, 1e6, .key = "lora.alpha", .initial = "4", .when = "lora.rank",
         .doc = "the product is multiplied by alpha/rank"),
    WORDS(lora.groups, .key = "lora.groups", .initial = "radial,linear_up,linear,skip,product.linear",
          .when = "lora.rank",
          .doc = "what is adapted, given as in freeze; tensors that a low rank would not make "
                 "smaller, and readouts, are trained whole"),

    PATHS(replay.data, .key = "replay.data", .flag = "replay", .when = "foundation",
          .doc = "structures like those the foundation was trained on, to train on too, so that it does not forget"),
    WORDS(replay.select, .key = "replay.select", .value = "KEY=VALUE,...", .when = "replay.data",
          .doc = "only structures of replay.data whose comment line has this, as select"),
    INTEGER(replay.sample, 1, 1e7, .key = "replay.sample", .flag = "replay-sample", .when = "foundation",
            .doc =
                "instead of replay.data, or besides: so many structures are made of those of data (and of replay.data) "
                "and labelled by the foundation"),
    REAL(replay.rattle, 0, 10, .key = "replay.rattle", .initial = "0.1", .when = "replay.sample",
         .doc = "sampled structures: largest standard deviation of displacements, Angstrom; each has its own"),
    REAL(replay.strain, 0, 0.5, .key = "replay.strain", .initial = "0.03", .when = "replay.sample",
         .doc = "sampled structures: largest strain of a cell"),
    REAL(replay.substitute, 0, 1, .key = "replay.substitute", .initial = "0.5", .when = "replay.sample",
         .doc =
             "sampled structures: part of them in which elements are replaced by others of the foundation, as far as "
             "elements keeps them"),
    REAL(
        replay.temperature, 1, 1e5, .key = "replay.temperature", .when = "replay.sample",
        .doc =
            "sampled structures: the foundation moves them at this temperature (Langevin dynamics), K; by default not"),
    INTEGER(replay.steps, 1, 1e6, .key = "replay.steps", .initial = "50", .when = "replay.temperature",
            .doc = "sampled structures: steps of dynamics"),
    REAL(replay.max_force, 1e-3, 1e6, .key = "replay.max_force", .initial = "20", .when = "replay.sample",
         .doc = "sampled structures with forces above this, eV/Angstrom, are left out, as those with atoms too close"),
    CHOICE(replay.labels, replay_label_words, .key = "replay.labels", .initial = "foundation", .when = "replay.data",
           .doc = "labels of replay.data: what the foundation predicts, or those in the files"),
    CHOICE(replay.head, replay_head_words, .key = "replay.head", .initial = "shared",
           .when = "replay.data|replay.sample method=gradient",
           .doc =
               "shared: one head learns both; separate: replay trains the foundation's head, called pt_head if it was "
               "Default, and data a new head Default, which begins as a copy with its own E0"),
    REAL(replay.weight, 0, 1e9, .key = "replay.weight", .initial = "1", .when = "replay.data|replay.sample",
         .doc = "weight of a structure of replay in the loss"),
    REAL(replay.fraction, 1e-6, 1, .key = "replay.fraction", .initial = "1",
         .when = "replay.data|replay.sample !replay.frames method=gradient",
         .doc = "part of replay that is drawn for each epoch"),
    INTEGER(replay.frames, 1, 1e9, .key = "replay.frames", .when = "replay.data|replay.sample method=gradient",
            .doc = "structures of replay that are drawn for each epoch"),

    CHOICE(
        loss.kind, loss_words, .key = "loss.kind", .flag = "loss", .initial = "weighted", .when = "method=gradient",
        .doc =
            "mace-torch's losses: weighted squares, Huber, or its universal loss (Huber, less weight on large forces)"),
    REAL(loss.energy, 0, 1e9, .key = "loss.energy", .initial = "100", .tuned = "500", .when = "",
         .doc = "weight of energies per atom"),
    REAL(loss.forces, 0, 1e9, .key = "loss.forces", .initial = "100", .when = "", .doc = "weight of forces"),
    REAL(loss.stress, 0, 1e9, .key = "loss.stress", .initial = "100", .tuned = "10000", .when = "",
         .doc = "weight of stresses"),
    REAL(loss.huber_delta, 1e-9, 1e6, .key = "loss.huber_delta", .initial = "0.01", .when = "loss.kind=huber|universal",
         .doc = "error, eV or eV/Angstrom, from which the loss grows linearly"),
    RATES(loss.configs, 0, 1e9, .key = "loss.configs", .when = "",
          .doc = "weights of structures by config_type, 1 for the rest: {surface: 2}"),

    CHOICE(optimiser.kind, optimiser_words, .key = "optimiser.kind", .flag = "optimiser", .initial = "amsgrad",
           .when = "method=gradient", .doc = "Adam with AMSGrad as mace-torch, AdamW or Adam"),
    REAL(optimiser.lr, 1e-12, 10, .key = "optimiser.lr", .initial = "0.01", .tuned = "0.002", .flag = "lr",
         .when = "method=gradient", .doc = "learning rate"),
    REAL(optimiser.weight_decay, 0, 1, .key = "optimiser.weight_decay", .initial = "5e-7", .when = "method=gradient",
         .doc = "weight decay of message linears and products, as in mace-torch"),
    REAL(optimiser.beta1, 0, 0.999999, .key = "optimiser.beta1", .initial = "0.9", .when = "method=gradient",
         .doc = "memory of the mean gradient"),
    REAL(optimiser.beta2, 0, 0.9999999, .key = "optimiser.beta2", .initial = "0.999", .when = "method=gradient",
         .doc = "memory of the mean square of the gradient"),
    REAL(optimiser.epsilon, 1e-30, 1, .key = "optimiser.epsilon", .initial = "1e-8", .when = "method=gradient",
         .doc = "what keeps a step finite where the gradient vanishes"),
    REAL(optimiser.clip, 1e-9, 1e9, .key = "optimiser.clip", .initial = "10", .flag = "clip", .when = "method=gradient",
         .doc = "longest gradient: a longer one is scaled down to this norm"),

    CHOICE(
        schedule.kind, schedule_words, .key = "schedule.kind", .flag = "schedule", .initial = "cosine",
        .when = "method=gradient",
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
    INTEGER(schedule.warmup, 0, 1e9, .key = "schedule.warmup", .initial = "0", .when = "method=gradient",
            .doc = "steps over which the learning rate rises linearly from 0"),

    REAL(ema, 0, 0.9999999, .key = "ema", .initial = "0", .tuned = "0.99", .flag = "ema", .when = "method=gradient",
         .doc = "decay of the exponential moving average of the parameters that is validated and kept; 0: none"),
    INTEGER(swa.start, 2, 1e9, .key = "swa.start", .flag = "swa", .value = "EPOCH", .when = "method=gradient",
            .doc = "stage two from this epoch on: parameters averaged over epochs, other weights of the loss"),
    REAL(swa.lr, 1e-12, 10, .key = "swa.lr", .initial = "0.001", .tuned = "0.0002", .when = "swa.start",
         .doc = "learning rate of stage two"),
    REAL(swa.energy, 0, 1e9, .key = "swa.energy", .initial = "1000", .tuned = "5000", .when = "swa.start",
         .doc = "weight of energies in stage two"),
    REAL(swa.forces, 0, 1e9, .key = "swa.forces", .initial = "100", .when = "swa.start",
         .doc = "weight of forces in stage two"),
    REAL(swa.stress, 0, 1e9, .key = "swa.stress", .initial = "100", .tuned = "10000", .when = "swa.start",
         .doc = "weight of stresses in stage two"),

    INTEGER(epochs, 1, 1e9, .key = "epochs", .flag = "epochs", .letter = 'e', .when = "!steps method=gradient",
            .doc = "how often every structure is trained on; by default as often as gives about 5000 steps with a "
                   "foundation and 20000 without, 10 to 500"),
    INTEGER(steps, 1, 1e12, .key = "steps", .flag = "steps", .when = "method=gradient",
            .doc = "number of optimiser steps, instead of epochs"),
    INTEGER(
        batch_size, 1, 1e6, .key = "batch_size", .flag = "batch-size", .letter = 'b', .when = "method=gradient",
        .doc =
            "structures per step; by default 2 below 100 structures, 5 below 1000, else 10; with a foundation 2 below "
            "1000, else 5"),
    INTEGER(patience, 1, 1e9, .key = "patience", .flag = "patience", .value = "EPOCHS", .when = "method=gradient",
            .doc = "stop after this many epochs without a better loss on valid; by default never"),
    INTEGER(seed, 0, 9e15, .key = "seed", .flag = "seed", .initial = "1", .when = "",
            .doc = "seed of the order of structures, of the split and of random weights"),
    INTEGER(threads, 0, 4096, .key = "threads", .flag = "threads", .letter = 't', .initial = "0", .when = "",
            .doc =
                "threads, each on a structure of its own or helping with another's; 0: OMP_NUM_THREADS, or all cores"),
    PRECISION(precision),

    CHOICE(checkpoint, checkpoint_words, .key = "checkpoint", .flag = "checkpoint", .initial = "full", .when = "",
           .doc = "the model that is written: whole, or the trained tensors and the name of the foundation"),
    CHOICE(trust, trust_words, .key = "trust", .initial = "auto", .when = "",
           .doc = "the model learns to tell its errors at the end, as by frozentl trust, from the structures that it "
                  "was trained on, scaled to those of valid; auto: where that is at most a tenth of the run's work"),
    INTEGER(save_every, 1, 1e9, .key = "save_every", .flag = "save-every", .value = "STEPS", .when = "method=gradient",
            .doc = "write the state after this many steps too"),
    REAL(save_seconds, 0, 1e9, .key = "save_seconds", .flag = "save-seconds", .initial = "5", .when = "method=gradient",
         .doc = "after an epoch the state, and the best model if there is a new one, are written once so many seconds "
                "have passed since they last were (0: after every epoch); always when interrupted and at the end"),
    INTEGER(cache_mb, 0, 1e7, .key = "cache_mb", .flag = "cache-mb", .initial = "2000", .when = "",
            .doc = "memory for what is kept between epochs, MB: neighbour lists, and what frozen layers give"),
};

const ftl_option_table ftl_recipe_table = {"train", options, sizeof options / sizeof *options, "foundation"};

ftl_status ftl_recipe_new(ftl_recipe **recipe, ftl_error *error) {
  *recipe = calloc(1, sizeof **recipe);
  if (!*recipe) return ftl_no_memory(error, NULL, "the recipe");
  return ftl_options_make(&(*recipe)->options, &ftl_recipe_table, *recipe, error);
}

void ftl_recipe_free(ftl_recipe *recipe) {
  if (recipe) ftl_options_free(&recipe->options);
  free(recipe);
}
