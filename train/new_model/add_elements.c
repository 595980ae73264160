/* A model for more elements: every tensor whose schema has an axis over elements, [outer][elements][inner], gets rows
   there. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "model/provenance.h"
#include "model/schema.h"
#include "model/tensors.h"
#include "new_model/new_model.h"

/* What an element of the widened model starts from. */
typedef struct {
  int atomic_number;
  int row;                    /* of the old model, to be copied; -1: none */
  const ftl_new_element *new; /* NULL: an element that the model had */
} slot;

typedef struct {
  ftl_source *source;
  const slot *slot; /* [n] */
  int n;
  ftl_random *random;
  ftl_error *error;
} widener;

/* One part of a tensor. */
typedef struct {
  const ftl_tensor_spec *spec;
  int64_t offset, outer, inner; /* offset: of the part in the tensor */
} part;

/* ---- rows ---- */

static void put(const ftl_tensor *t, char *to, double value) {
  const float single = (float)value;
  if (t->dtype == FTL_F32) memcpy(to, &single, sizeof single);
  else memcpy(to, &value, sizeof value);
}

static double draw(const widener *w, const ftl_tensor_spec *spec) {
  switch (spec->initial) {
  case FTL_INITIAL_NORMAL:
    return spec->width * ftl_random_normal(w->random);
  case FTL_INITIAL_UNIFORM:
    return spec->width * (2 * ftl_random_uniform(w->random) - 1);
  case FTL_INITIAL_VALUE:
    return spec->width;
  case FTL_INITIAL_CONSTANT: /* E0, which is fitted to data */
    break;
  }
  return 0;
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
        else put(t, *to, s->new->like == FTL_LIKE_RANDOM ? draw(w, p->spec) : mean(w, t, p, o, i));
      }
}

/* ---- tensors ---- */

static ftl_tensor *find(const widener *w, const char *name) {
  return (ftl_tensor *)ftl_tensors_find(&w->source->tensors, name);
}

static ftl_status widen(const widener *w, const ftl_tensor_spec *spec) {
  const int n_old = w->source->arch.n_elements, axis = spec->element_axis;
  ftl_tensor *t = find(w, spec->name);
  int64_t count = 0, offset = 0;
  char *data, *to;
  for (int k = 0; k < spec->n_parts; k++) count += spec->part[k].outer * spec->part[k].inner;
  if (!t || t->ndim <= axis || t->count != count * n_old)
    return ftl_fail(w->error, FTL_ERR_FORMAT, w->source->path,
                    "tensor %s does not have the shape that is needed to add elements", spec->name);
  data = to = ftl_tensors_allocate(&w->source->tensors, (size_t)(count * w->n) * ftl_dtype_bytes(t->dtype));
  if (!data) return ftl_no_memory(w->error, w->source->path, "adding elements to tensor %s", spec->name);
  for (int k = 0; k < spec->n_parts; k++) {
    const part p = {spec, offset, spec->part[k].outer, spec->part[k].inner};
    widen_part(w, t, &p, &to);
    offset += p.outer * n_old * p.inner;
  }
  t->shape[axis] = t->shape[axis] / n_old * w->n;
  t->count = count * w->n;
  t->data = data;
  return FTL_OK;
}

/* E0 of the new elements where they are given. */
static void set_energies(const widener *w, const ftl_tensor_spec *spec) {
  const ftl_tensor *e0 = find(w, spec->name);
  for (int h = 0; h < w->source->arch.n_heads; h++)
    for (int k = 0; k < w->n; k++)
      if (w->slot[k].new && !isnan(w->slot[k].new->e0))
        put(e0, (char *)e0->data + (size_t)(h * w->n + k) * ftl_dtype_bytes(e0->dtype), w->slot[k].new->e0);
}

static ftl_status widen_numbers(const widener *w) {
  ftl_tensor *numbers = find(w, "atomic_numbers");
  int64_t *data = ftl_tensors_allocate(&w->source->tensors, (size_t)w->n * sizeof *data);
  if (!data) return ftl_no_memory(w->error, w->source->path, "adding elements");
  for (int k = 0; k < w->n; k++) data[k] = w->slot[k].atomic_number;
  numbers->dtype = FTL_I64;
  numbers->ndim = 1;
  numbers->shape[0] = numbers->count = w->n;
  numbers->data = data;
  return FTL_OK;
}

static ftl_status widen_all(const widener *w) {
  ftl_schema schema;
  ftl_status status = ftl_schema_of(w->source, &schema, w->error);
  for (int k = 0; !status && k < schema.n; k++) {
    const ftl_tensor_spec *spec = &schema.spec[k];
    if (!spec->n_parts || spec->holds == FTL_HOLDS_NUMBERS) continue; /* atomic_numbers: below */
    status = widen(w, spec);
    if (!status && spec->group == FTL_GROUP_E0) set_energies(w, spec);
  }
  ftl_schema_free(&schema);
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
  if (n < 1) return ftl_fail(error, FTL_ERR_INPUT, source->path, "no element is given to add");
  for (int k = 0; k < n; k++) FTL_TRY(check_one(source, elements, k, random, error));
  if (n > FTL_MAX_ELEMENTS - arch->n_elements)
    return ftl_fail(error, FTL_ERR_INPUT, source->path, "with %d more elements it would have more than %d", n,
                    FTL_MAX_ELEMENTS);
  w.n = make_slots(arch, elements, n, slots);
  FTL_TRY(widen_all(&w));
  for (int k = 0; k < w.n; k++) arch->atomic_numbers[k] = slots[k].atomic_number;
  arch->n_elements = w.n;
  FTL_TRY(note(source, elements, n, error));
  return ftl_source_check(source, error);
}
