/* The recipe of a training run: one table of options from which the YAML reader, the flags of `frozentl train`, its
   help, the template of --init, the file of effective settings and the table in docs/training.md are made.

   An option has a key with dots ("loss.energy": in YAML `loss:` with `energy:` below it), a type, a default, a range
   and a condition under which it applies; one that is set where it does not apply is an error, never ignored. */
#ifndef FTL_RECIPE_H
#define FTL_RECIPE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "frozentl.h"

/* Words of a list; owned. */
typedef struct {
  int n;
  char **item;
} ftl_words;

/* Named numbers ("radial: 0.1"); owned. */
typedef struct {
  int n;
  char **name;
  double *value;
} ftl_rates;

typedef enum {
  FTL_OPTION_TEXT,    /* char *, NULL when not set and without a default */
  FTL_OPTION_PATH,    /* char *; relative ones in a recipe are relative to the recipe's folder */
  FTL_OPTION_PATHS,   /* ftl_words */
  FTL_OPTION_WORDS,   /* ftl_words */
  FTL_OPTION_RATES,   /* ftl_rates */
  FTL_OPTION_INTEGER, /* int64_t */
  FTL_OPTION_REAL,    /* double */
  FTL_OPTION_BOOL,    /* bool */
  FTL_OPTION_CHOICE   /* int, index into choices */
} ftl_option_type;

typedef struct {
  const char *key;
  ftl_option_type type;
  const char *initial; /* the default as text; NULL: none */
  double min, max;     /* of numbers, inclusive */
  const char *choices; /* "a|b|c" of a choice */
  const char *when;    /* "", or conditions that must all hold, separated by blanks: "key" (is set), "!key" (is not),
                          "key=a|b" (has one of these values), "a|b" (one of them is set) */
  bool needed;         /* must have a value where it applies */
  const char *flag;    /* long flag, without "--"; NULL: only --set KEY=VALUE */
  char letter;         /* short flag, 0 for none */
  const char *value;   /* what the flag takes, for help; NULL: by its type */
  const char *doc;     /* one line */
  size_t offset;       /* of the member in ftl_recipe */
} ftl_option;

/* The table, in the order of the documentation. */
const ftl_option *ftl_recipe_options(int *n);

enum { FTL_LOSS_WEIGHTED, FTL_LOSS_HUBER, FTL_LOSS_UNIVERSAL };
enum { FTL_START_KEEP, FTL_START_FIT, FTL_START_GIVEN };                /* e0.kind, scale_shift */
enum { FTL_BLOCKS_RESIDUAL, FTL_BLOCKS_DENSITY, FTL_BLOCKS_NONLINEAR }; /* scratch.interaction */
enum { FTL_OPTIMISER_AMSGRAD, FTL_OPTIMISER_ADAMW, FTL_OPTIMISER_ADAM };
enum { FTL_SCHEDULE_CONSTANT, FTL_SCHEDULE_PLATEAU, FTL_SCHEDULE_EXPONENTIAL, FTL_SCHEDULE_COSINE };
enum { FTL_REPLAY_FOUNDATION, FTL_REPLAY_DATA }; /* replay.labels */
enum { FTL_REPLAY_SHARED, FTL_REPLAY_SEPARATE }; /* replay.head */
enum { FTL_CHECKPOINT_FULL, FTL_CHECKPOINT_DELTA };

/* The value of every option; what each one means is said in the table (recipe_options.c). Private members last. */
typedef struct {
  char *output, *foundation, *head;
  ftl_words data, valid, test, elements, add_elements;
  char *labels;
  int64_t frames;
  double fraction, valid_fraction, max_force;
  struct {
    int kind;
    ftl_rates values;
  } e0;
  int scale_shift;
  ftl_words freeze, train;
  ftl_rates rates;
  struct {
    int64_t rank;
    double alpha;
    ftl_words groups;
  } lora;
  struct {
    ftl_words data;
    int labels, head;
    double weight, fraction, rattle, strain, substitute, temperature, max_force;
    int64_t frames, sample, steps;
  } replay;
  struct {
    int kind;
    double energy, forces, stress, huber_delta;
    ftl_rates configs;
  } loss;
  struct {
    int kind;
    double lr, weight_decay, beta1, beta2, epsilon, clip;
  } optimiser;
  double ema;
  struct {
    int64_t start;
    double lr, energy, forces, stress;
  } swa;
  struct {
    int kind;
    double factor, gamma, min_lr;
    int64_t patience, warmup;
  } schedule;
  int64_t epochs, steps, batch_size, patience, seed, threads;
  int precision; /* ftl_precision */
  int checkpoint;
  int64_t save_every, cache_mb;
  struct {
    int interaction, radial, transform, gate;
    char *hidden, *readout;
    ftl_words radial_mlp;
    int64_t layers, correlation, max_ell, basis, cutoff_p;
    double r_max, avg_num_neighbors;
    bool zbl;
  } scratch;

  /* private, for each option */
  char **given; /* where it was given ("FILE, line 3", "--set"); NULL: it has its default */
  bool *grows;  /* a list that ftl_recipe_set began */
} ftl_recipe;

/* A recipe with every default, to be freed also after a failure. FTL_ERR_MEMORY. */
ftl_status ftl_recipe_new(ftl_recipe **recipe, ftl_error *error);
void ftl_recipe_free(ftl_recipe *recipe);

/* Sets every key of a YAML file. FTL_ERR_IO; FTL_ERR_FORMAT with "FILE, line L" for bad YAML, an unknown key (and the
   nearest one there is), a key given twice or a bad value. */
ftl_status ftl_recipe_read(ftl_recipe *recipe, const char *path, ftl_error *error);
/* Sets one option from text. Words are separated by commas, rates are name=value,...; a path is taken as it is. The
   first call for a list replaces what a file gave, further ones add to it. `where` is for messages ("--data").
   FTL_ERR_INPUT. */
ftl_status ftl_recipe_set(ftl_recipe *recipe, const char *key, const char *text, const char *where, ftl_error *error);
bool ftl_recipe_is_set(const ftl_recipe *recipe, const char *key); /* given, not the default */

/* Nothing that does not apply is set, and what is needed is there. FTL_ERR_INPUT names the key and why. */
ftl_status ftl_recipe_check(const ftl_recipe *recipe, ftl_error *error);

/* Value of an option as text, as ftl_recipe_set takes it; the caller frees it. NULL without memory, "" when not set. */
char *ftl_recipe_text(const ftl_recipe *recipe, const ftl_option *option);

typedef struct {
  const char *folder;   /* paths are written relative to it */
  bool documented;      /* with the line of documentation above each option, and options that are not set or do not
                           apply as comments */
  const char *preamble; /* comment on top, lines without '#'; may be NULL */
} ftl_recipe_style;
/* YAML of all options that apply, defaults included; reading it gives the same recipe. FTL_ERR_IO, FTL_ERR_MEMORY. */
ftl_status ftl_recipe_write(const ftl_recipe *recipe, const ftl_recipe_style *style, FILE *stream, ftl_error *error);
/* The table of docs/training.md in Markdown. */
void ftl_recipe_document(FILE *stream);

#endif
