/* A model for more elements. As in core/model/cut.c every tensor with an axis over elements is seen as
   [outer][elements][inner]; here rows are added to the middle axis. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/error.h"
#include "model/provenance.h"
#include "model/tensors.h"
#include "scratch/scratch.h"

/* What an element of the widened model starts from. */
typedef struct {
  int atomic_number;
  int row;                    /* of the old model, to be copied; -1: none */
  const ftl_new_element *new; /* NULL: an element that the model had */
} slot;

typedef enum { ZERO, NORMAL, UNIFORM } distribution; /* of random rows; UNIFORM: from -1 to 1 */

typedef struct {
  ftl_source *source;
  const slot *slot; /* [n] */
  int n;
  ftl_random *random;
  ftl_error *error;
} widener;

typedef struct {
  int64_t offset; /* of the part in the tensor */
  int64_t outer, inner;
  distribution kind;
  double width;
} part;

/* ---- rows ---- */

static void put(const ftl_tensor *t, char *to, double value) {
  const float single = (float)value;
  if (t->dtype == FTL_F32) memcpy(to, &single, sizeof single);
  else memcpy(to, &value, sizeof value);
}

static double draw(const widener *w, const part *p) {
  if (p->kind == ZERO) return 0;
  return p->width * (p->kind == NORMAL ? ftl_random_normal(w->random) : 2 * ftl_random_uniform(w->random) - 1);
}

static double mean(const widener *w, const ftl_tensor *t, const part *p, int64_t o, int64_t i) {
  const int n = w->source->arch.n_elements;
  double sum = 0;
  for (int k = 0; k < n; k++) sum += ftl_tensor_at(t, p->offset + (o * n + k) * p->inner + i);
  return sum / n;
}

/* Writes a part of `t`, with all elements of the new model, to *to, which moves on. Copied rows keep their bits. */
static void widen_part(const widener *w, const ftl_tensor *t, const part *p, char **to) {
  const size_t width = ftl_dtype_bytes(t->dtype);
  for (int64_t o = 0; o < p->outer; o++)
    for (int k = 0; k < w->n; k++)
      for (int64_t i = 0; i < p->inner; i++, *to += width) {
        const slot *s = &w->slot[k];
        const int64_t from = p->offset + (o * w->source->arch.n_elements + s->row) * p->inner + i;
        if (s->row >= 0) memcpy(*to, (const char *)t->data + (size_t)from * width, width);
        else put(t, *to, s->new->like == FTL_LIKE_RANDOM ? draw(w, p) : mean(w, t, p, o, i));
      }
}

/* ---- tensors ---- */

static ftl_tensor *find(const widener *w, const char *name) {
  return (ftl_tensor *)ftl_tensors_find(&w->source->tensors, name);
}

/* Widens a tensor of one or more parts, of which axis `dim` grows. */
static ftl_status widen(const widener *w, const char *name, int dim, const part *parts, int n_parts) {
  const int n_old = w->source->arch.n_elements;
  ftl_tensor *t = find(w, name);
  int64_t count = 0;
  char *data, *to;
  for (int k = 0; k < n_parts; k++) count += parts[k].outer * parts[k].inner;
  if (!t || t->ndim <= dim || t->count != count * n_old)
    return ftl_fail(w->error, FTL_ERR_FORMAT, w->source->path,
                    "tensor %s does not have the shape that is needed to add elements", name);
  data = to = ftl_tensors_allocate(&w->source->tensors, (size_t)(count * w->n) * ftl_dtype_bytes(t->dtype));
  if (!data) return ftl_fail(w->error, FTL_ERR_MEMORY, w->source->path, "no memory to add elements to tensor %s", name);
  for (int k = 0; k < n_parts; k++) widen_part(w, t, &parts[k], &to);
  t->shape[dim] = t->shape[dim] / n_old * w->n;
  t->count = count * w->n;
  t->data = data;
  return FTL_OK;
}

/* e3nn's FullyConnectedTensorProduct with the element's one-hot vector: a matrix [mul in][elements][mul out] for each
   pair of blocks with the same irrep. */
static ftl_status widen_skip(const widener *w, const char *name, const ftl_irreps *in, const ftl_irreps *out) {
  part parts[FTL_MAX_BLOCKS];
  int64_t offset = 0;
  int n = 0;
  for (int i = 0; i < in->n; i++)
    for (int o = 0; o < out->n; o++) {
      const ftl_irrep *a = &in->block[i], *b = &out->block[o];
      if (a->l != b->l || a->p != b->p || n == FTL_MAX_BLOCKS) continue;
      parts[n++] = (part){offset, a->mul, b->mul, NORMAL, 1};
      offset += (int64_t)a->mul * w->source->arch.n_elements * b->mul;
    }
  return widen(w, name, 0, parts, n);
}

static ftl_status widen_interaction(const widener *w, int t) {
  const ftl_layer *layer = &w->source->arch.layer[t];
  const part embedding = {0, 1, ftl_irreps_count(&layer->node_feats, 0, 1), UNIFORM, 0.001};
  char name[200];
  ftl_status status;
  if (layer->kind == FTL_INTERACTION_NONLINEAR) {
    snprintf(name, sizeof name, "interactions.%d.source_embedding.weight", t);
    if ((status = widen(w, name, 0, &embedding, 1))) return status;
    snprintf(name, sizeof name, "interactions.%d.target_embedding.weight", t);
    return widen(w, name, 0, &embedding, 1);
  }
  snprintf(name, sizeof name, "interactions.%d.skip_tp.weight", t);
  if (layer->kind == FTL_INTERACTION || layer->kind == FTL_INTERACTION_DENSITY)
    return widen_skip(w, name, &layer->target, &layer->target);
  return widen_skip(w, name, &layer->node_feats, &layer->hidden);
}

static ftl_status widen_product(const widener *w, int t) {
  const ftl_layer *layer = &w->source->arch.layer[t];
  char name[200];
  if (layer->agnostic_product) return FTL_OK;
  for (int block = 0; block < layer->product.n; block++)
    for (int nu = 1; nu <= layer->correlation; nu++) {
      char which[32] = "weights_max";
      const ftl_tensor *weights;
      ftl_status status;
      if (nu < layer->correlation) snprintf(which, sizeof which, "weights.%d", layer->correlation - 1 - nu);
      snprintf(name, sizeof name, "products.%d.symmetric_contractions.contractions.%d.%s", t, block, which);
      weights = find(w, name);
      if (!weights || weights->ndim != 3)
        return ftl_fail(w->error, FTL_ERR_FORMAT, w->source->path, "tensor %s is missing", name);
      status = widen(w, name, 0,
                     &(part){0, 1, weights->shape[1] * weights->shape[2], NORMAL, 1.0 / (double)weights->shape[1]}, 1);
      if (status) return status;
    }
  return FTL_OK;
}

static ftl_status widen_energies(const widener *w) {
  static const char name[] = "atomic_energies_fn.atomic_energies";
  const int n_heads = w->source->arch.n_heads;
  const ftl_tensor *e0 = find(w, name);
  ftl_status status = widen(w, name, e0 && e0->ndim == 2, &(part){0, n_heads, 1, ZERO, 0}, 1);
  if (status) return status;
  for (int h = 0; h < n_heads; h++)
    for (int k = 0; k < w->n; k++)
      if (w->slot[k].new && !isnan(w->slot[k].new->e0))
        put(e0, (char *)e0->data + (size_t)(h * w->n + k) * ftl_dtype_bytes(e0->dtype), w->slot[k].new->e0);
  return FTL_OK;
}

static ftl_status widen_numbers(const widener *w) {
  ftl_tensor *numbers = find(w, "atomic_numbers");
  int64_t *data = ftl_tensors_allocate(&w->source->tensors, (size_t)w->n * sizeof *data);
  if (!data) return ftl_fail(w->error, FTL_ERR_MEMORY, w->source->path, "no memory to add elements");
  for (int k = 0; k < w->n; k++) data[k] = w->slot[k].atomic_number;
  numbers->dtype = FTL_I64;
  numbers->ndim = 1;
  numbers->shape[0] = numbers->count = w->n;
  numbers->data = data;
  return FTL_OK;
}

static ftl_status widen_all(const widener *w) {
  const ftl_architecture *arch = &w->source->arch;
  const part embedding = {0, 1, ftl_irreps_count(&arch->layer[0].node_feats, 0, 1), NORMAL, 1};
  ftl_status status = widen(w, "node_embedding.linear.weight", 0, &embedding, 1);
  for (int t = 0; !status && t < arch->n_layers; t++) {
    status = widen_interaction(w, t);
    if (!status) status = widen_product(w, t);
  }
  if (!status) status = widen_energies(w);
  return status ? status : widen_numbers(w);
}

/* ---- the request ---- */

static int row_of(const ftl_architecture *arch, int atomic_number) {
  for (int k = 0; k < arch->n_elements; k++)
    if (arch->atomic_numbers[k] == atomic_number) return k;
  return -1;
}

static ftl_status check_one(const ftl_source *source, const ftl_new_element *elements, int k, const ftl_random *random,
                            ftl_error *error) {
  static const char *const tables[] = {"radial_embedding.distance_transform.covalent_radii",
                                       "pair_repulsion_fn.covalent_radii"};
  const ftl_new_element *e = &elements[k];
  const char *symbol = ftl_element_symbol(e->atomic_number);
  if (!symbol)
    return ftl_fail(error, FTL_ERR_INPUT, source->path, "there is no element %d that could be added", e->atomic_number);
  if (row_of(&source->arch, e->atomic_number) >= 0)
    return ftl_fail(error, FTL_ERR_INPUT, source->path, "the model has the element %s already", symbol);
  for (int j = 0; j < k; j++)
    if (elements[j].atomic_number == e->atomic_number)
      return ftl_fail(error, FTL_ERR_INPUT, source->path, "element %s is to be added twice", symbol);
  if (e->like != FTL_LIKE_MEAN && e->like != FTL_LIKE_RANDOM && row_of(&source->arch, e->like) < 0)
    return ftl_fail(error, FTL_ERR_INPUT, source->path, "element %s is to start like %s, which the model does not have",
                    symbol, ftl_element_symbol(e->like) ? ftl_element_symbol(e->like) : "no element");
  if (e->like == FTL_LIKE_RANDOM && !random)
    return ftl_fail(error, FTL_ERR_ARGUMENT, source->path, "random weights for %s need a generator", symbol);
  if (!isnan(e->e0) && !(fabs(e->e0) < 1e30))
    return ftl_fail(error, FTL_ERR_INPUT, source->path, "the E0 of %s is not a number", symbol);
  for (int j = 0; j < 2; j++) {
    const ftl_tensor *radii = ftl_tensors_find(&source->tensors, tables[j]);
    if (radii && e->atomic_number >= radii->count)
      return ftl_fail(error, FTL_ERR_INPUT, source->path,
                      "element %s cannot be added: the model's table of covalent radii ends before it", symbol);
  }
  return FTL_OK;
}

/* Slots in the order of the new model: ascending if the old one is. */
static int make_slots(const ftl_architecture *arch, const ftl_new_element *elements, int n, slot *slots) {
  bool ascending = true;
  int n_slots = arch->n_elements;
  for (int k = 0; k < n_slots; k++) {
    slots[k] = (slot){arch->atomic_numbers[k], k, NULL};
    ascending = ascending && (k == 0 || arch->atomic_numbers[k] > arch->atomic_numbers[k - 1]);
  }
  for (int k = 0; k < n; k++) {
    int at = n_slots++;
    for (; ascending && at > 0 && slots[at - 1].atomic_number > elements[k].atomic_number; at--)
      slots[at] = slots[at - 1];
    slots[at] =
        (slot){elements[k].atomic_number, elements[k].like > 0 ? row_of(arch, elements[k].like) : -1, &elements[k]};
  }
  return n_slots;
}

static ftl_status note(ftl_source *source, const ftl_new_element *elements, int n, ftl_error *error) {
  char text[FTL_MAX_ELEMENTS * 16 + 32] = "added elements";
  for (int k = 0; k < n; k++) {
    const size_t used = strlen(text);
    const int like = elements[k].like;
    snprintf(text + used, sizeof text - used, "%s %s (%s%s)", k ? "," : "",
             ftl_element_symbol(elements[k].atomic_number), like > 0 ? "like " : "",
             like > 0                ? ftl_element_symbol(like)
             : like == FTL_LIKE_MEAN ? "mean"
                                     : "random");
  }
  return ftl_provenance_note(source, text, error);
}

ftl_status ftl_source_add_elements(ftl_source *source, const ftl_new_element *elements, int n, ftl_random *random,
                                   ftl_error *error) {
  ftl_architecture *arch = &source->arch;
  slot slots[FTL_MAX_ELEMENTS];
  widener w = {.source = source, .slot = slots, .random = random, .error = error};
  ftl_status status;
  if (n < 1) return ftl_fail(error, FTL_ERR_INPUT, source->path, "no element is given to add");
  for (int k = 0; k < n; k++)
    if ((status = check_one(source, elements, k, random, error))) return status;
  if (n > FTL_MAX_ELEMENTS - arch->n_elements)
    return ftl_fail(error, FTL_ERR_INPUT, source->path, "with %d more elements it would have more than %d", n,
                    FTL_MAX_ELEMENTS);
  w.n = make_slots(arch, elements, n, slots);
  if ((status = widen_all(&w))) return status;
  for (int k = 0; k < w.n; k++) arch->atomic_numbers[k] = slots[k].atomic_number;
  arch->n_elements = w.n;
  if ((status = note(source, elements, n, error))) return status;
  return ftl_source_check(source, error);
}
