#include "data/isolated.h"

#include <ctype.h>
#include <string.h>

bool ftl_isolated_by_name(const char *config_type) {
  char letters[16] = "";
  size_t n = 0;
  for (const char *c = config_type; *c; c++) {
    if (*c == '_' || *c == '-' || *c == ' ' || *c == '.') continue;
    if (n + 1 == sizeof letters) return false;
    letters[n++] = (char)tolower((unsigned char)*c);
  }
  return strcmp(letters, "isolated") == 0 || strcmp(letters, "isolatedatom") == 0 ||
         strcmp(letters, "isolatedatoms") == 0;
}

bool ftl_isolated_alone(const ftl_structure *structure) {
  if (structure->n != 1) return false;
  return ftl_isolated_by_name(structure->config_type) ||
         (!structure->pbc[0] && !structure->pbc[1] && !structure->pbc[2]);
}

ftl_status ftl_isolated_within(const ftl_structure *structure, double cutoff, ftl_neighbours *scratch, bool *isolated,
                               ftl_error *error) {
  *isolated = ftl_isolated_alone(structure);
  if (*isolated || structure->n != 1) return FTL_OK;
  ftl_status status = ftl_structure_neighbours(structure, cutoff, scratch, error);
  *isolated = status == FTL_OK && scratch->n_edges == 0;
  return status;
}

ftl_status ftl_isolated_mark(ftl_dataset *dataset, double cutoff, ftl_error *error) {
  ftl_neighbours list = {0};
  ftl_status status = FTL_OK;
  for (int64_t s = 0; !status && s < dataset->n; s++)
    status = ftl_isolated_within(&dataset->structure[s], cutoff, &list, &dataset->structure[s].isolated, error);
  ftl_neighbours_free(&list);
  return status;
}
