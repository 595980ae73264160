/* What makes parts of a potential unusable, whatever form of file they come from. */
#ifndef FTL_ACE_CHECK_H
#define FTL_ACE_CHECK_H

#include "model/ace_potential.h"

enum { FTL_ACE_TEXT = 160 };

/* False, and a sentence of up to FTL_ACE_TEXT bytes in `text`, for what cannot be used. */
bool ftl_ace_embedding_good(const ftl_ace_embedding *embedding, char *text);
bool ftl_ace_bond_good(const ftl_ace_bond *bond, char *text);
/* file->bins against the bonds' cutoffs. */
bool ftl_ace_bins_good(const ftl_ace_file *file, char *text);
/* Of element mu; file->embedding must be there. */
bool ftl_ace_function_good(const ftl_ace_file *file, int mu, const ftl_ace_function *function, char *text);

/* Numbers in bond->coefficient. */
size_t ftl_ace_bond_coefficients(const ftl_ace_bond *bond);

/* The words of files: "ChebExpCos", "zbl". False for another word. */
const char *ftl_ace_base_name(ftl_ace_base_kind kind);
const char *ftl_ace_inner_name(ftl_ace_inner_kind kind);
bool ftl_ace_base_kind_of(const char *name, ftl_ace_base_kind *kind);
bool ftl_ace_inner_kind_of(const char *name, ftl_ace_inner_kind *kind);

#endif
