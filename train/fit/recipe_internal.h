/* Shared by recipe.c, recipe_yaml.c and recipe_write.c. */
#ifndef FTL_RECIPE_INTERNAL_H
#define FTL_RECIPE_INTERNAL_H

#include "fit/recipe.h"

/* Index of a key, or -1. */
int ftl_recipe_find(const char *key);
/* FTL_ERR_FORMAT or FTL_ERR_INPUT naming the nearest key. */
ftl_status ftl_recipe_unknown(const char *key, ftl_status code, const char *where, ftl_error *error);

/* Sets option k from words (one for anything but lists and rates; rates as "name=value"). `append` adds to a list. */
ftl_status ftl_recipe_assign(ftl_recipe *recipe, int k, int n, const char *const *words, bool append, const char *where,
                             ftl_error *error);

static inline void *ftl_recipe_member(const ftl_recipe *recipe, const ftl_option *option) {
  return (char *)recipe + option->offset;
}

/* The conditions of an option hold; otherwise *condition (may be NULL) is the text of the first that does not. */
bool ftl_recipe_applies(const ftl_recipe *recipe, const ftl_option *option, const char **condition);
bool ftl_recipe_has_value(const ftl_recipe *recipe, const ftl_option *option);

#endif
