/* Lists of irreducible representations of O(3), spelt as in e3nn: "128x0e+128x1o". */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "model/architecture.h"
#include "base/error.h"

#define MAX_MUL 1000000
#define MAX_L   11 /* as far as e3nn's Wigner constants go */

static const char *skip_space(const char *text) {
  while (isspace((unsigned char)*text)) text++;
  return text;
}

/* Reads digits; false if there are none or the number is above `max`. */
static bool read_number(const char **text, int max, int *number) {
  const char *at = *text;
  long value = 0;
  if (!isdigit((unsigned char)*at)) return false;
  for (; isdigit((unsigned char)*at); at++) {
    value = 10 * value + (*at - '0');
    if (value > max) return false;
  }
  *number = (int)value;
  *text = at;
  return true;
}

/* One block, "MULxLp" or "Lp", with p one of e and o. */
static bool read_block(const char **text, ftl_irrep *block) {
  const char *at = skip_space(*text), *after;
  int number;
  block->mul = 1;
  if (!read_number(&at, MAX_MUL, &number)) return false;
  after = skip_space(at);
  if (*after == 'x') {
    block->mul = number;
    at = skip_space(after + 1);
    if (!read_number(&at, MAX_L, &number)) return false;
  }
  block->l = number;
  if (number > MAX_L || (*at != 'e' && *at != 'o')) return false;
  block->p = *at == 'e' ? 1 : -1;
  *text = skip_space(at + 1);
  return true;
}

ftl_status ftl_irreps_parse(const char *text, ftl_irreps *irreps, ftl_error *error) {
  const char *at = skip_space(text);
  irreps->n = 0;
  if (!*at) return FTL_OK; /* no irreps at all is what e3nn prints as "" */
  for (;;) {
    if (irreps->n == FTL_MAX_BLOCKS)
      return ftl_fail(error, FTL_ERR_FORMAT, NULL, "irreps \"%.80s...\" have more than %d blocks", text,
                      FTL_MAX_BLOCKS);
    if (!read_block(&at, &irreps->block[irreps->n])) break;
    irreps->n++;
    if (!*at) return FTL_OK;
    if (*at++ != '+') break;
  }
  return ftl_fail(error, FTL_ERR_FORMAT, NULL, "\"%.80s\" are no irreps (expected the like of 128x0e+128x1o)", text);
}

bool ftl_irreps_format(const ftl_irreps *irreps, char *text, size_t size) {
  size_t used = 0;
  if (size) text[0] = 0;
  for (int i = 0; i < irreps->n; i++) {
    const ftl_irrep *b = &irreps->block[i];
    int n = snprintf(text + used, size - used, "%s%dx%d%c", i ? "+" : "", b->mul, b->l, b->p > 0 ? 'e' : 'o');
    if (n < 0 || (size_t)n >= size - used) return false;
    used += (size_t)n;
  }
  return size > 0;
}

int ftl_irreps_dim(const ftl_irreps *irreps) {
  int dim = 0;
  for (int i = 0; i < irreps->n; i++) dim += irreps->block[i].mul * (2 * irreps->block[i].l + 1);
  return dim;
}

int ftl_irreps_count(const ftl_irreps *irreps, int l, int p) {
  int count = 0;
  for (int i = 0; i < irreps->n; i++)
    if (irreps->block[i].l == l && irreps->block[i].p == p) count += irreps->block[i].mul;
  return count;
}

bool ftl_irreps_equal(const ftl_irreps *a, const ftl_irreps *b) {
  if (a->n != b->n) return false;
  for (int i = 0; i < a->n; i++)
    if (a->block[i].mul != b->block[i].mul || a->block[i].l != b->block[i].l || a->block[i].p != b->block[i].p)
      return false;
  return true;
}

bool ftl_irrep_before(const ftl_irrep *a, const ftl_irrep *b) { return a->l != b->l ? a->l < b->l : a->p < b->p; }

bool ftl_irreps_merge(ftl_irreps *irreps, ftl_irrep add) {
  int k = 0;
  while (k < irreps->n && ftl_irrep_before(&irreps->block[k], &add)) k++;
  if (k < irreps->n && !ftl_irrep_before(&add, &irreps->block[k])) {
    irreps->block[k].mul += add.mul;
    return true;
  }
  if (irreps->n == FTL_MAX_BLOCKS) return false;
  memmove(&irreps->block[k + 1], &irreps->block[k], (size_t)(irreps->n++ - k) * sizeof *irreps->block);
  irreps->block[k] = add;
  return true;
}
