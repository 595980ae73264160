/* Options of a command. One table per command, of which its YAML recipe is read, and its flags (cli/option_flags.h),
   help, template, file of effective settings and table in the manual are made.

   Commands without a recipe (cli/command.h) have a table too, of which there are flags and help only.

   An option has a key with dots ("loss.energy": in YAML `loss:` with `energy:` below it, or on one line with the dot;
   where the section is an option too, as in "labels" and "labels.energy", it is `prefix:` below itself), a type, a
   default, a range and a condition under which it applies; one that is set where it does not apply is an error, never
   ignored. Its value is a member of the command's own struct (tune/train_recipe.h). support/option_table.h has what a
   table is written with. */
#ifndef FTL_OPTIONS_H
#define FTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
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
  FTL_OPTION_SWITCH,  /* bool, false by default; its flag takes no value */
  FTL_OPTION_CHOICE   /* int, index into choices */
} ftl_option_type;

enum { FTL_CHOICES_LENGTH = 200 };

typedef struct {
  const char *key;
  ftl_option_type type;
  const char *initial;        /* the default as text; NULL: none */
  const char *tuned;          /* the default where the table's `tuned_by` is set; NULL: initial */
  double min, max;            /* of numbers, inclusive */
  const char *const *choices; /* words of a choice by its value; NULL: a value that cannot be chosen */
  size_t n_choices;
  const char *when; /* NULL, "", or conditions that must all hold, separated by blanks: "key" (is set), "!key" (is not),
                       "key=a|b" (has one of these values, or a list has one of these words), "key>0" (a number that
                       is), "a|b" (one of them is set) */
  bool model;       /* a path that may be the name of a foundation (ftl_model_path) */
  bool needed;      /* must have a value where it applies */
  const char *flag; /* long flag, without "--"; NULL: only --set KEY=VALUE */
  char letter;      /* short flag, 0 for none */
  const char *value; /* what the flag takes, for help; NULL: by its type */
  const char *doc;   /* one line */
  size_t offset;     /* of the member in the struct of values */
} ftl_option;

typedef struct {
  const char *command;      /* "train": its --help lists the options */
  const ftl_option *option; /* in the order of the documentation; sections (keys before the first dot) stand together */
  int n;
  const char *tuned_by; /* key of the option ("foundation") that brings the other defaults; NULL: there are none */
} ftl_option_table;

/* The set of values of one table. */
typedef struct {
  const ftl_option_table *table;
  void *values; /* the struct that the offsets are in; the caller's */
  char **given; /* [option] where it was given ("FILE, line 3", "--set"); NULL: it has its default */
  bool *grows;  /* [option] a list that ftl_options_set began */
  char *source; /* the file that ftl_options_read was given; NULL: none */
} ftl_options;

/* Every option gets its default. `values` is all zero, and stays where it is. To be freed also after a failure.
   FTL_ERR_MEMORY. */
ftl_status ftl_options_make(ftl_options *options, const ftl_option_table *table, void *values, ftl_error *error);
void ftl_options_free(ftl_options *options); /* and what the values own; nothing when all zero */

/* Sets every key of a YAML file. FTL_ERR_IO; FTL_ERR_FORMAT with "FILE, line L" for bad YAML, an unknown key (and the
   nearest one there is), a key given twice or a bad value. */
ftl_status ftl_options_read(ftl_options *options, const char *path, ftl_error *error);
/* Sets one option from text. Words are separated by commas, rates are name=value,...; a path is taken as it is. The
   first call for a list replaces what a file gave, further ones add to it. `where` is for messages ("--data").
   FTL_ERR_INPUT. */
ftl_status ftl_options_set(ftl_options *options, const char *key, const char *text, const char *where,
                           ftl_error *error);
bool ftl_options_is_set(const ftl_options *options, const char *key); /* given, not the default */
/* Given by a flag, or by a file and not as its default is: files of settings (RUN/recipe.yaml) give every option. */
bool ftl_options_is_chosen(const ftl_options *options, const char *key);

/* Options that are not given get the default that `tuned_by` brings: to be called after the last one is set, and before
   values are used. FTL_ERR_MEMORY. */
ftl_status ftl_options_settle(ftl_options *options, ftl_error *error);
/* Sets an option that is not given to what suits other input; it counts as given then (is_set). Nothing when it is.
   FTL_ERR_INPUT. */
ftl_status ftl_options_suit(ftl_options *options, const char *key, const char *text, ftl_error *error);

/* Puts the file in place of a foundation's name in every option that takes one. Errors of ftl_model_path. */
ftl_status ftl_options_locate(ftl_options *options, ftl_error *error);

/* Nothing that does not apply is set; ftl_options_check: and what is needed is there. FTL_ERR_INPUT names the key and
 * why. */
ftl_status ftl_options_check_given(const ftl_options *options, ftl_error *error);
ftl_status ftl_options_check(const ftl_options *options, ftl_error *error);

/* The words of a choice as "a|b|c". */
void ftl_option_choices(const ftl_option *option, char text[FTL_CHOICES_LENGTH]);
/* The option of this key, or NULL. */
const ftl_option *ftl_option_find(const ftl_option_table *table, const char *key);
/* Value of an option as text, as ftl_options_set takes it; the caller frees it. NULL without memory, "" when not set.
 */
char *ftl_options_text(const ftl_options *options, const ftl_option *option);

typedef struct {
  const char *folder;   /* paths are written relative to it */
  bool documented;      /* with the line of documentation above each option, and options that are not set or do not
                           apply as comments */
  const char *preamble; /* comment on top, lines without '#'; may be NULL */
} ftl_options_style;
/* YAML of all options that apply, defaults included; reading it gives the same values. FTL_ERR_IO, FTL_ERR_MEMORY. */
ftl_status ftl_options_write(const ftl_options *options, const ftl_options_style *style, FILE *stream,
                             ftl_error *error);
/* The table of the manual in Markdown. */
void ftl_options_document(const ftl_option_table *table, FILE *stream);

#endif
