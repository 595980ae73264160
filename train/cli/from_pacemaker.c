#include "cli/from_pacemaker.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "cli/pacemaker_keys.h"
#include "base/error.h"
#include "base/numbers.h"
#include "base/path.h"
#include "base/text.h"
#include "files/model_file.h"
#include "files/yaml.h"
#include "surrogate/basis.h"

enum { MAX_ELEMENTS = 20, MAX_KEY = 200, MAX_TEXT = 4000, MAX_KEYS = 100 };

typedef struct {
  cli_translation to;
  ftl_yaml yaml;
  const yaml_node_t *root;
  bool seen[MAX_KEYS];   /* of the table: it was in the file */
  char passed[MAX_TEXT]; /* keys without effect here */
  int n_elements;
  char element[MAX_ELEMENTS][4];
} translation;

/* ---- looking at the document ---- */

static bool is_mapping(const yaml_node_t *node) { return node && node->type == YAML_MAPPING_NODE; }

/* What a mapping has under this key, or NULL. */
static const yaml_node_t *child(translation *t, const yaml_node_t *mapping, const char *key) {
  for (int k = 0; mapping && k < ftl_yaml_pairs(mapping); k++) {
    const yaml_node_pair_t *pair = &mapping->data.mapping.pairs.start[k];
    const char *name = ftl_yaml_text(ftl_yaml_node(&t->yaml, pair->key));
    if (name && !strcmp(name, key)) return ftl_yaml_node(&t->yaml, pair->value);
  }
  return NULL;
}

/* By keys with dots. */
static const yaml_node_t *at(translation *t, const char *path) {
  char part[MAX_KEY];
  const yaml_node_t *node = t->root;
  while (node && *path) {
    const size_t length = strcspn(path, ".");
    snprintf(part, sizeof part, "%.*s", (int)length, path);
    node = child(t, node, part);
    path += length + (path[length] == '.');
  }
  return node;
}

static const char *text_at(translation *t, const char *path) {
  const yaml_node_t *node = at(t, path);
  return node ? ftl_yaml_text(node) : NULL;
}

static double number(translation *t, const yaml_node_t *node, const char *key) {
  double value = 0;
  if (!t->to.status) t->to.status = ftl_yaml_number(&t->yaml, node, key, &value, t->to.error);
  return value;
}

/* Up to `most` numbers of a list; how many there are. */
static int numbers(translation *t, const yaml_node_t *node, const char *key, int most, double *values) {
  const int n = ftl_yaml_length(node);
  if (n < 0 && !t->to.status) t->to.status = ftl_yaml_fail(&t->yaml, node, t->to.error, "%s must be a list", key);
  for (int k = 0; k < n && k < most; k++) values[k] = number(t, ftl_yaml_item(&t->yaml, node, k), key);
  return n;
}

static void set_number(translation *t, const char *key, double value) {
  char text[32];
  ftl_format_real(value, text);
  cli_set(&t->to, key, text);
}

/* ---- every key, once ---- */

static bool is_same(const char *text, const char *initial) {
  double a, b;
  return !strcmp(text, initial) || (ftl_parse_real(text, &a) && ftl_parse_real(initial, &b) && a == b);
}

static bool begins_a_key(const char *path) {
  const size_t n = strlen(path);
  for (int k = 0; k < cli_pacemaker_n; k++)
    if (!strncmp(cli_pacemaker_keys[k].key, path, n) && cli_pacemaker_keys[k].key[n] == '.') return true;
  return false;
}

static void pass(translation *t, const char *path) {
  if (strlen(t->passed) + strlen(path) + 3 < sizeof t->passed)
    ftl_text_add(t->passed, sizeof t->passed, "%s%s", *t->passed ? ", " : "", path);
}

static void note(translation *t, const char *path, const yaml_node_t *value) {
  const int k = cli_pacemaker_key_at(path);
  const cli_pacemaker_key *row = &cli_pacemaker_keys[k];
  if (t->seen[k]) return;
  t->seen[k] = true;
  if (row->role == CLI_BECOMES_PASSED) pass(t, path);
  const char *text = ftl_yaml_text(value);
  if (row->initial && text && is_same(text, row->initial)) return;
  if (row->role == CLI_BECOMES_NONE) cli_say_none(&t->to, path, row->becomes);
  if (row->role == CLI_BECOMES_REFUSED)
    cli_refuse(&t->to, path, "it is %s, and a fit begins from nothing", row->becomes);
}

/* Below these sections words for elements come first. */
static bool has_words(const char *path) {
  return !strcmp(path, "potential.embeddings") || !strcmp(path, "potential.bonds") ||
         !strcmp(path, "potential.functions");
}

static void visit(translation *t, const yaml_node_t *mapping, const char *path) {
  for (int k = 0; k < ftl_yaml_pairs(mapping) && !t->to.status; k++) {
    const yaml_node_pair_t *pair = &mapping->data.mapping.pairs.start[k];
    const yaml_node_t *value = ftl_yaml_node(&t->yaml, pair->value);
    const char *name = ftl_yaml_text(ftl_yaml_node(&t->yaml, pair->key));
    char full[MAX_KEY];
    if (!name) {
      t->to.status = ftl_yaml_fail(&t->yaml, mapping, t->to.error, "a key that is no word");
      return;
    }
    snprintf(full, sizeof full, "%.90s%s%.90s", path, *path ? "." : "", name);
    const bool inside = is_mapping(value) && begins_a_key(full);
    if (cli_pacemaker_key_at(full) >= 0 && !inside) note(t, full, value);
    else if (inside) visit(t, value, full);
    else if (is_mapping(value) && has_words(path)) visit(t, value, path);
    else if (!strncmp(path, "fit.weighting", 13)) pass(t, full);
    else if (!is_mapping(value) || ftl_yaml_pairs(value) > 0)
      cli_say(&t->to, "%s is not in pacemaker's manual, and has no counterpart", full);
  }
}

/* ---- elements, and what is said for some of them ---- */

static void translate_elements(translation *t) {
  const yaml_node_t *list = at(t, "potential.elements");
  char text[MAX_TEXT] = "";
  if (!list) {
    cli_refuse(&t->to, "potential.elements", "it is missing: the elements of the potential");
    return;
  }
  const int n = ftl_yaml_length(list);
  if (n < 1 || n > MAX_ELEMENTS) cli_refuse(&t->to, "potential.elements", "a list of 1 to %d is needed", MAX_ELEMENTS);
  for (int k = 0; k < n && !t->to.status; k++) {
    const char *word = ftl_yaml_text(ftl_yaml_item(&t->yaml, list, k));
    if (!word || strlen(word) > 3) {
      cli_refuse(&t->to, "potential.elements", "'%.20s' is no chemical symbol", word ? word : "(a list)");
      return;
    }
    snprintf(t->element[t->n_elements++], sizeof *t->element, "%s", word);
    ftl_text_add(text, sizeof text, "%s%s", k ? "," : "", word);
  }
  cli_set(&t->to, "elements", text);
}

/* The elements of a word like AlNi or (Al, Ni) as indices; 0 for another word. */
static int elements_of(const translation *t, const char *word, int found[FTL_BASIS_MAX_RANK + 1]) {
  int n = 0;
  while (*word) {
    char symbol[4] = "";
    if (strchr("(), '\"", *word)) {
      word++;
      continue;
    }
    const size_t length = 1 + strspn(word + 1, "abcdefghijklmnopqrstuvwxyz");
    snprintf(symbol, sizeof symbol, "%.*s", (int)(length < 3 ? length : 3), word);
    int e = 0;
    while (e < t->n_elements && strcmp(t->element[e], symbol) != 0) e++;
    if (e == t->n_elements || n > FTL_BASIS_MAX_RANK) return 0;
    found[n++] = e;
    word += length;
  }
  return n;
}

/* What the last of ALL, UNARY or BINARY or ..., and the elements themselves says; `of` are the elements, `n` of them,
   in any order if `free`. */
static const yaml_node_t *said_for(translation *t, const char *section, const int *of, int n, bool free_order,
                                   const char *key) {
  static const char *const arity[] = {"UNARY", "BINARY", "TERNARY", "QUATERNARY", "QUINARY"};
  const yaml_node_t *all = at(t, section), *found = child(t, child(t, all, "ALL"), key), *next;
  if (!is_mapping(all)) return NULL;
  if (n <= 5 && (next = child(t, child(t, all, arity[n - 1]), key))) found = next;
  for (int k = 0; k < ftl_yaml_pairs(all); k++) {
    const yaml_node_pair_t *pair = &all->data.mapping.pairs.start[k];
    const char *word = ftl_yaml_text(ftl_yaml_node(&t->yaml, pair->key));
    int these[FTL_BASIS_MAX_RANK + 1];
    int m = word ? elements_of(t, word, these) : 0;
    if (m == 2 && n == 1 && these[0] == these[1]) m = 1;
    if (m != n) continue;
    bool same = true, reversed = free_order && n == 2 && these[0] == of[1] && these[1] == of[0];
    for (int e = 0; e < n; e++) same &= these[e] == of[e];
    if ((same || reversed) && (next = child(t, ftl_yaml_node(&t->yaml, pair->value), key))) found = next;
  }
  return found;
}

/* ---- embeddings ---- */

/* Exponent of the second density of an element, 0 for one density. */
static double second_exponent(translation *t, int e, double *kind) {
  const yaml_node_t *parameters = said_for(t, "potential.embeddings", &e, 1, true, "fs_parameters"),
                    *density = said_for(t, "potential.embeddings", &e, 1, true, "ndensity"),
                    *npot = said_for(t, "potential.embeddings", &e, 1, true, "npot");
  const int n = density ? (int)number(t, density, "ndensity") : 1;
  double p[4] = {1, 1, 1, 1};
  const char *word = npot ? ftl_yaml_text(npot) : NULL;
  const int given = parameters ? numbers(t, parameters, "fs_parameters", 4, p) : 2 * n;
  if (n < 1 || n > 2)
    cli_refuse(&t->to, "potential.embeddings.ndensity", "%d densities: one or two are fitted here", n);
  else if (given != 2 * n)
    cli_refuse(&t->to, "potential.embeddings.fs_parameters", "%d numbers for %d: two for each density", given, n);
  else if (p[1] != 1 || p[0] != 1 || (n == 2 && p[2] != 1))
    cli_refuse(&t->to, "potential.embeddings.fs_parameters",
               "1, 1 and perhaps 1, m are fitted here: a linear density, and one more of exponent m");
  if (n < 2 || p[3] == 1) return 0;
  if (word && strcmp(word, "FinnisSinclairShiftedScaled") != 0)
    cli_refuse(&t->to, "potential.embeddings.npot",
               "'%.60s' of a second density is not fitted here, FinnisSinclairShiftedScaled is", word);
  *kind = p[3];
  return p[3];
}

static bool translate_embeddings(translation *t) {
  double kind = 0, first = 0;
  for (int e = 0; e < t->n_elements && !t->to.status; e++) {
    const double exponent = second_exponent(t, e, &kind);
    if (e == 0) first = exponent;
    else if (exponent != first)
      cli_refuse(&t->to, "potential.embeddings", "%s and %s have different ones: one for all is fitted here",
                 t->element[0], t->element[e]);
  }
  if (kind > 0) set_number(t, "embedding.exponent", kind);
  return kind > 0;
}

/* ---- bonds ---- */

/* The number of every bond: the first pair's, with a sentence if another has another one. */
static double of_all_bonds(translation *t, const char *key, double initial) {
  double first = initial;
  bool told = false;
  for (int a = 0; a < t->n_elements; a++)
    for (int b = a; b < t->n_elements && !t->to.status; b++) {
      const int pair[2] = {a, b};
      const yaml_node_t *node = said_for(t, "potential.bonds", pair, a == b ? 1 : 2, true, key);
      if (node && ftl_yaml_length(node) > 0) node = ftl_yaml_item(&t->yaml, node, 0);
      const double value = node ? number(t, node, key) : initial;
      if (a == 0 && b == 0) first = value;
      else if (value != first && !told) {
        told = true;
        cli_say(&t->to, "potential.bonds.%s of %s-%s is another one than that of %s: one for all here, %g", key,
                t->element[a], t->element[b], t->element[0], first);
      }
    }
  return first;
}

static void translate_cutoffs(translation *t) {
  const yaml_node_t *whole = at(t, "cutoff");
  double rcut[MAX_ELEMENTS][MAX_ELEMENTS], largest = 0;
  char text[MAX_TEXT] = "";
  for (int a = 0; a < t->n_elements; a++)
    for (int b = a; b < t->n_elements; b++) {
      const int pair[2] = {a, b};
      const yaml_node_t *node = said_for(t, "potential.bonds", pair, a == b ? 1 : 2, true, "rcut");
      if (!node) node = whole;
      if (!node) {
        cli_refuse(&t->to, "potential.bonds.rcut", "it is missing for %s-%s", t->element[a], t->element[b]);
        return;
      }
      rcut[a][b] = number(t, node, "rcut");
      largest = fmax(largest, rcut[a][b]);
    }
  set_number(t, "basis.cutoff", largest);
  for (int a = 0; a < t->n_elements; a++)
    for (int b = a; b < t->n_elements; b++)
      if (rcut[a][b] < largest)
        ftl_text_add(text, sizeof text, "%s%s-%s=%g", *text ? "," : "", t->element[a], t->element[b], rcut[a][b]);
  if (*text) cli_set(&t->to, "basis.cutoffs", text);
}

static void translate_bonds(translation *t) {
  static const char *const radial[][2] = {
      {"ChebExpCos", "chebexpcos"}, {"ChebPow", "chebpow"}, {"ChebLinear", "cheblinear"}, {"SBessel", "bessel"}};
  const char *first = NULL, *becomes = NULL;
  for (int a = 0; a < t->n_elements && !t->to.status; a++)
    for (int b = a; b < t->n_elements; b++) {
      const int pair[2] = {a, b};
      const yaml_node_t *node = said_for(t, "potential.bonds", pair, a == b ? 1 : 2, true, "radbase");
      const char *word = node ? ftl_yaml_text(node) : NULL;
      if (!first) first = word;
      if (word && strcmp(word, first) != 0)
        cli_refuse(&t->to, "potential.bonds.radbase", "%s-%s has %.40s and others %.40s: one for all is fitted here",
                   t->element[a], t->element[b], word, first);
    }
  for (size_t k = 0; first && k < sizeof radial / sizeof *radial; k++)
    if (!strcmp(radial[k][0], first)) becomes = radial[k][1];
  if (first && !becomes)
    cli_refuse(&t->to, "potential.bonds.radbase", "'%.60s' is none of ChebExpCos, ChebPow, ChebLinear, SBessel", first);
  if (becomes) cli_set(&t->to, "basis.radial", becomes);
  if (becomes && (!strcmp(becomes, "chebexpcos") || !strcmp(becomes, "chebpow")))
    set_number(t, "basis.lambda", of_all_bonds(t, "radparameters", 5.25));
  set_number(t, "basis.dcut", of_all_bonds(t, "dcut", 0.01));
  translate_cutoffs(t);
}

/* ---- functions ---- */

typedef struct {
  int n[FTL_BASIS_MAX_RANK], l[FTL_BASIS_MAX_RANK], rank; /* rank 0: no functions */
} bounds;

static bool same_bounds(const bounds *a, const bounds *b) {
  return a->rank == b->rank && !memcmp(a->n, b->n, sizeof a->n) && !memcmp(a->l, b->l, sizeof a->l);
}

static bounds read_bounds(translation *t, const yaml_node_t *n_node, const yaml_node_t *l_node) {
  static const char n_key[] = "nradmax_by_orders", l_key[] = "lmax_by_orders";
  bounds b = {0};
  double n[FTL_BASIS_MAX_RANK] = {0}, l[FTL_BASIS_MAX_RANK] = {0};
  if (!n_node || !l_node) return b;
  const int n_ranks = numbers(t, n_node, n_key, FTL_BASIS_MAX_RANK, n),
            n_l = numbers(t, l_node, l_key, FTL_BASIS_MAX_RANK, l);
  if (n_ranks != n_l && !t->to.status) /* pacemaker takes as many as both have */
    cli_say(&t->to, "potential.functions: %d numbers of nradmax_by_orders and %d of lmax_by_orders: the first %d count",
            n_ranks, n_l, n_ranks < n_l ? n_ranks : n_l);
  b.rank = n_ranks < n_l ? n_ranks : n_l;
  for (int k = 0; k < b.rank && k < FTL_BASIS_MAX_RANK; k++) b.n[k] = (int)n[k], b.l[k] = (int)l[k];
  return b;
}

/* As basis.blocks has it: 8/5/3:4/3 */
static void write_bounds(const bounds *b, char *text, size_t size) {
  const int rank = b->rank < 1 ? 1 : b->rank < FTL_BASIS_MAX_RANK ? b->rank : FTL_BASIS_MAX_RANK;
  for (int k = 0; k < rank; k++) ftl_text_add(text, size, "%s%d", k ? "/" : "", b->n[k]);
  for (int k = 1; k < rank; k++) ftl_text_add(text, size, "%s%d", k > 1 ? "/" : ":", b->l[k]);
}

/* The k-th subset of `size` elements, in any order of k; false when there are no more. */
static bool next_subset(int *of, int size, int n) {
  int k = size - 1;
  while (k >= 0 && of[k] == n - size + k) k--;
  if (k < 0) return false;
  of[k]++;
  for (int j = k + 1; j < size; j++) of[j] = of[j - 1] + 1;
  return true;
}

static bounds bounds_of(translation *t, const int *of, int n) {
  return read_bounds(t, said_for(t, "potential.functions", of, n, false, "nradmax_by_orders"),
                     said_for(t, "potential.functions", of, n, false, "lmax_by_orders"));
}

/* Functions of exactly these elements around each of them; pacemaker's word for elements begins with the one in the
   middle, and says nothing of the others. */
static void add_blocks(translation *t, const int *of, int size, const bounds *rest) {
  bounds around[FTL_BASIS_MAX_RANK];
  bool alike = true;
  for (int c = 0; c < size; c++) {
    int ordered[FTL_BASIS_MAX_RANK] = {of[c]};
    for (int e = 0, k = 1; e < size; e++)
      if (e != c) ordered[k++] = of[e];
    around[c] = bounds_of(t, ordered, size);
    alike &= same_bounds(&around[c], &around[0]);
  }
  for (int c = 0; c < (alike ? 1 : size); c++) {
    char text[200] = "";
    if (same_bounds(&around[c], rest)) continue;
    if (!alike) ftl_text_add(text, sizeof text, "%s@", t->element[of[c]]);
    for (int e = 0; e < size; e++) ftl_text_add(text, sizeof text, "%s%s", e ? "-" : "", t->element[of[e]]);
    ftl_text_add(text, sizeof text, "=");
    write_bounds(&around[c], text, sizeof text);
    cli_set(&t->to, "basis.blocks", text);
  }
}

static int translate_functions(translation *t) {
  const int most = t->n_elements < FTL_BASIS_MAX_RANK ? t->n_elements : FTL_BASIS_MAX_RANK;
  bounds rest = {0}; /* of the most elements that have any */
  char text[200] = "";
  int of[FTL_BASIS_MAX_RANK] = {0, 1, 2, 3, 4};
  for (int size = most; size > 0 && rest.rank == 0; size--) rest = bounds_of(t, of, size);
  if (rest.rank == 0) {
    cli_refuse(&t->to, "potential.functions", "nradmax_by_orders and lmax_by_orders are missing");
    return 0;
  }
  if (rest.rank > FTL_BASIS_MAX_RANK)
    cli_say(&t->to, "potential.functions: functions of rank above %d have no counterpart", FTL_BASIS_MAX_RANK);
  write_bounds(&rest, text, sizeof text);
  char *colon = strchr(text, ':');
  if (colon) *colon = '\0';
  cli_set(&t->to, "basis.n", text);
  if (colon) cli_set(&t->to, "basis.l", colon + 1);
  for (int size = 1; size <= most; size++) {
    for (int k = 0; k < size; k++) of[k] = k;
    do add_blocks(t, of, size, &rest);
    while (!t->to.status && next_subset(of, size, t->n_elements));
  }
  return rest.rank < FTL_BASIS_MAX_RANK ? rest.rank : FTL_BASIS_MAX_RANK;
}

/* ---- data and fit ---- */

static void set_file(translation *t, const char *key, const char *option, const char *name) {
  const char *folder = text_at(t, "data.datapath");
  char path[MAX_TEXT];
  if (ftl_ends_with(name, ".gzip") || ftl_ends_with(name, ".pkl") || ftl_ends_with(name, ".pckl") ||
      ftl_ends_with(name, ".gz.pkl")) {
    cli_say(&t->to,
            "%s: %.300s is a pickled table, which is not read: write it as extended XYZ (docs/from-pacemaker.md) and "
            "name that by --%s",
            key, name, option);
    return;
  }
  if (folder && *name != '/') ftl_path_put(path, sizeof path, folder, name);
  else snprintf(path, sizeof path, "%s", name);
  cli_set(&t->to, option, path);
}

static void translate_energies(translation *t) {
  const yaml_node_t *node = at(t, "data.reference_energy");
  char text[MAX_TEXT] = "";
  double value;
  const char *word = node ? ftl_yaml_text(node) : NULL;
  if (is_mapping(node)) {
    for (int k = 0; k < ftl_yaml_pairs(node); k++) {
      const yaml_node_pair_t *pair = &node->data.mapping.pairs.start[k];
      const char *name = ftl_yaml_text(ftl_yaml_node(&t->yaml, pair->key));
      value = number(t, ftl_yaml_node(&t->yaml, pair->value), "reference_energy");
      if (name && !strcmp(name, "shift")) {
        if (value != 0) cli_say_none(&t->to, "data.reference_energy.shift", "subtract it from the energies");
      } else ftl_text_add(text, sizeof text, "%s%.4s=%.17g", *text ? "," : "", name ? name : "?", value);
    }
  } else if (word && ftl_parse_real(word, &value)) {
    for (int e = 0; e < t->n_elements; e++)
      ftl_text_add(text, sizeof text, "%s%s=%.17g", e ? "," : "", t->element[e], value);
  } else if (word && strcmp(word, "auto") != 0)
    cli_say(&t->to,
            "data.reference_energy: '%.60s' is a table inside of python-ace: give its numbers by --e0; without, they "
            "are fitted",
            word);
  if (*text) cli_set(&t->to, "e0", text);
}

static void translate_data(translation *t) {
  const yaml_node_t *files = at(t, "data.filename");
  const char *file = files ? ftl_yaml_text(files) : NULL, *test = text_at(t, "data.test_filename");
  const char *size = text_at(t, "data.test_size");
  double value;
  if (file) set_file(t, "data.filename", "data", file);
  for (int k = 0; files && k < ftl_yaml_length(files); k++)
    if ((file = ftl_yaml_text(ftl_yaml_item(&t->yaml, files, k)))) set_file(t, "data.filename", "data", file);
  if (test) set_file(t, "data.test_filename", "valid", test);
  if (size && ftl_parse_real(size, &value) && value > 0 && value <= 0.5) cli_set(&t->to, "holdout", size);
  else if (size) cli_say_none(&t->to, "data.test_size", "it is no fraction up to 0.5; holdout is one, 0.05 by default");
  translate_energies(t);
}

/* The loss of pacemaker is (1 - kappa) <dE^2 per atom> + kappa <|dF|^2>. For structures of one size the sum of squares
   of frozentl fit, E^2 dE^2 / N + F^2 |dF|^2 per structure, is that for E^2 : F^2 = 1 - kappa : kappa. */
static void translate_loss(translation *t) {
  const char *kappa = text_at(t, "fit.loss.kappa");
  double k = 0;
  if (kappa && !strcmp(kappa, "auto")) {
    cli_say(&t->to, "fit.loss.kappa: auto has no counterpart: weights.energy and weights.forces have their defaults");
  } else {
    if (kappa && (!ftl_parse_real(kappa, &k) || k < 0 || k > 1))
      cli_refuse(&t->to, "fit.loss.kappa", "'%.40s' is neither auto nor a number from 0 to 1", kappa);
    set_number(t, "weights.energy", k == 0 ? 1 : sqrt((1 - k) / k));
    set_number(t, "weights.forces", k == 0 ? 0 : 1);
  }
  cli_set(&t->to, "weights.stress", "0");
  cli_say(&t->to, "pacemaker fits no stresses, and weights.stress is 0: --set weights.stress=1 fits them");
}

static void translate_selection(translation *t) {
  const char *frames = text_at(t, "fit.weighting.nfit"), *largest = text_at(t, "fit.weighting.DFup");
  if (frames) cli_set(&t->to, "frames", frames);
  if (!largest) return;
  cli_set(&t->to, "max_force", largest);
  cli_set(&t->to, "large_forces", "drop");
}

static void translate(translation *t) {
  if (!is_mapping(t->root)) {
    t->to.status = ftl_yaml_fail(&t->yaml, t->root, t->to.error,
                                 "this is no input of pacemaker: sections cutoff, "
                                 "potential, data, fit are expected");
    return;
  }
  if (!is_mapping(at(t, "potential")))
    cli_refuse(&t->to, "potential", "a section with elements, embeddings, bonds and functions is needed%s",
               text_at(t, "potential") ? "; a potential to go on with is not taken: a fit begins from nothing" : "");
  visit(t, t->root, "");
  translate_elements(t);
  if (t->to.status) return;
  const bool second = translate_embeddings(t);
  translate_bonds(t);
  const int rank = translate_functions(t);
  if (second && !t->to.status) set_number(t, "embedding.rank", rank);
  translate_data(t);
  translate_loss(t);
  translate_selection(t);
  static const char *const plain[][2] = {{"seed", "seed"}, {"potential.deltaSplineBins", "spline_bins"}};
  for (int k = 0; k < 2; k++)
    if (text_at(t, plain[k][0])) cli_set(&t->to, plain[k][1], text_at(t, plain[k][0]));
  if (*t->passed) cli_say(&t->to, "without effect here: %s", t->passed);
}

ftl_status cli_from_pacemaker(const char *path, cli_settings *settings, ftl_error *error) {
  translation t = {.to = {.before = "", .after = " of pacemaker's input", .out = settings, .error = error}};
  void *data;
  size_t size;
  FTL_TRY(ftl_file_map(path, &data, &size, error));
  t.to.status = ftl_yaml_open(&t.yaml, data, size, path, error);
  if (!t.to.status) {
    t.root = yaml_document_get_root_node(&t.yaml.document);
    if (t.root) translate(&t);
    else t.to.status = ftl_fail(error, FTL_ERR_FORMAT, path, "the file is empty");
    ftl_yaml_close(&t.yaml);
  }
  if (data) munmap(data, size);
  return t.to.status;
}
