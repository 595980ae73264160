/* Shared by options.c, options_yaml.c and options_write.c. */
#ifndef FTL_OPTIONS_INTERNAL_H
#define FTL_OPTIONS_INTERNAL_H

#include "support/options.h"

/* FTL_ERR_FORMAT or FTL_ERR_INPUT naming the nearest key. */
ftl_status ftl_option_unknown(const ftl_option_table *table, const char *key, ftl_status code, const char *where,
                              ftl_error *error);

/* Sets an option from words (one for anything but lists and rates; rates as "name=value"). `append` adds to a list. */
ftl_status ftl_options_assign(ftl_options *options, const ftl_option *option, int n, const char *const *words,
                              bool append, const char *where, ftl_error *error);

static inline void *ftl_option_member(const ftl_options *options, const ftl_option *option) {
  return (char *)options->values + option->offset;
}

/* Where it was given, and whether it grows. */
static inline int ftl_option_index(const ftl_options *options, const ftl_option *option) {
  return (int)(option - options->table->option);
}

/* The conditions of an option hold; otherwise *condition (may be NULL) is the text of the first that does not. */
bool ftl_options_applies(const ftl_options *options, const ftl_option *option, const char **condition);
bool ftl_options_has_value(const ftl_options *options, const ftl_option *option);

#endif
