/* Symmetric contraction: per output component a polynomial in the components of A, in Horner form over its trie,
   channels on the vector lanes. Forward: one multiply-add per node. Reverse: values and gradients in one walk, two per
   node. `nv` is the chunk's number of vectors, a compile-time constant where these are called. */

typedef struct {
  const ftl_polynomial *poly;
  const real *weight; /* of this output and chunk */
} polynomial_walk;

#define CHUNK_MAX 2

#define NODE_WEIGHT(walk, d, node, nv)                                                                                 \
  ((walk)->weight + (walk)->poly->weight[d] + (size_t)(node) * (size_t)((nv)*LANES))

#define HORNER_FORWARD(NAME, CHILDREN)                                                                                 \
  FTL_INLINE void NAME(int nv, const polynomial_walk *w, int d, int begin, int end, vec(*A)[CHUNK_MAX], vec *t) {      \
    for (int node = begin; node < end; node++) {                                                                       \
      const real *c = NODE_WEIGHT(w, d, node, nv);                                                                     \
      const vec *a = A[w->poly->index[d][node]];                                                                       \
      vec s[CHUNK_MAX];                                                                                                \
      for (int v = 0; v < nv; v++) s[v] = load(c + v * LANES);                                                         \
      CHILDREN                                                                                                         \
      for (int v = 0; v < nv; v++) t[v] += s[v] * a[v];                                                                \
    }                                                                                                                  \
  }
#define FORWARD_CHILDREN(NAME) NAME(nv, w, d + 1, w->poly->first[d][node], w->poly->first[d][node + 1], A, s);
HORNER_FORWARD(horner_forward_1, )
HORNER_FORWARD(horner_forward_2, FORWARD_CHILDREN(horner_forward_1))
HORNER_FORWARD(horner_forward_3, FORWARD_CHILDREN(horner_forward_2))
HORNER_FORWARD(horner_forward_4, FORWARD_CHILDREN(horner_forward_3))

/* g: the adjoint of t. Gradients go to dA. */
#define HORNER_REVERSE(NAME, CHILDREN)                                                                                 \
  FTL_INLINE void NAME(int nv, const polynomial_walk *w, int d, int begin, int end, vec(*A)[CHUNK_MAX], const vec *g,  \
                       vec *t, vec(*dA)[CHUNK_MAX]) {                                                                  \
    for (int node = begin; node < end; node++) {                                                                       \
      const real *c = NODE_WEIGHT(w, d, node, nv);                                                                     \
      int i = w->poly->index[d][node];                                                                                 \
      vec s[CHUNK_MAX], h[CHUNK_MAX];                                                                                  \
      for (int v = 0; v < nv; v++) s[v] = load(c + v * LANES);                                                         \
      for (int v = 0; v < nv; v++) h[v] = g[v] * A[i][v];                                                              \
      CHILDREN                                                                                                         \
      for (int v = 0; v < nv; v++) t[v] += s[v] * A[i][v];                                                             \
      for (int v = 0; v < nv; v++) dA[i][v] += g[v] * s[v];                                                            \
      (void)h;                                                                                                         \
    }                                                                                                                  \
  }
#define REVERSE_CHILDREN(NAME) NAME(nv, w, d + 1, w->poly->first[d][node], w->poly->first[d][node + 1], A, h, s, dA);
HORNER_REVERSE(horner_reverse_1, )
HORNER_REVERSE(horner_reverse_2, REVERSE_CHILDREN(horner_reverse_1))
HORNER_REVERSE(horner_reverse_3, REVERSE_CHILDREN(horner_reverse_2))
HORNER_REVERSE(horner_reverse_4, REVERSE_CHILDREN(horner_reverse_3))

FTL_INLINE void polynomial_forward(int nv, const polynomial_walk *w, vec (*A)[CHUNK_MAX], vec *t) {
  switch (w->poly->depth) {
  case 1:
    horner_forward_1(nv, w, 0, 0, w->poly->n[0], A, t);
    break;
  case 2:
    horner_forward_2(nv, w, 0, 0, w->poly->n[0], A, t);
    break;
  case 3:
    horner_forward_3(nv, w, 0, 0, w->poly->n[0], A, t);
    break;
  case 4:
    horner_forward_4(nv, w, 0, 0, w->poly->n[0], A, t);
    break;
  default:
    break; /* no monomials: zero */
  }
}

FTL_INLINE void polynomial_reverse(int nv, const polynomial_walk *w, vec (*A)[CHUNK_MAX], const vec *g, vec *t,
                                   vec (*dA)[CHUNK_MAX]) {
  switch (w->poly->depth) {
  case 1:
    horner_reverse_1(nv, w, 0, 0, w->poly->n[0], A, g, t, dA);
    break;
  case 2:
    horner_reverse_2(nv, w, 0, 0, w->poly->n[0], A, g, t, dA);
    break;
  case 3:
    horner_reverse_3(nv, w, 0, 0, w->poly->n[0], A, g, t, dA);
    break;
  case 4:
    horner_reverse_4(nv, w, 0, 0, w->poly->n[0], A, g, t, dA);
    break;
  default:
    break;
  }
}

#define MAX_COMPONENTS 64 /* of A, all irreps together: 16 for max_ell = 3, 32 with both parities */

/* Calls body(component index, offset of its channels for atom a in block order). */
#define FOR_COMPONENTS(layout, n, a, component, at)                                                                    \
  for (int b_ = 0, component = 0; b_ < (layout)->n; b_++)                                                              \
    for (size_t m_ = 0, at = (size_t)(n) * (size_t)(layout)->b[b_].offset +                                            \
                             (size_t)(a) * (size_t)((layout)->b[b_].d * (layout)->b[b_].pad);                          \
         m_ < (size_t)(layout)->b[b_].d; m_++, component++, at += (size_t)(layout)->b[b_].pad)

FTL_INLINE void contraction_chunk(int nv, const ftl_contraction *contraction, const real *weight, int chunk, int n,
                                  int a, const real *A, real *out, const real *out_adjoint, real *A_adjoint) {
  vec components[MAX_COMPONENTS][CHUNK_MAX], adjoint[MAX_COMPONENTS][CHUNK_MAX];
  size_t shift = (size_t)(chunk * nv * LANES);
  FOR_COMPONENTS(&contraction->in, n, a, i, offset) {
    for (int v = 0; v < nv; v++) components[i][v] = load(A + offset + shift + (size_t)(v * LANES));
    if (A_adjoint)
      for (int v = 0; v < nv; v++) adjoint[i][v] = (vec){0};
  }
  FOR_COMPONENTS(&contraction->out, n, a, o, out_offset) {
    polynomial_walk walk = {&contraction->polynomial[o], weight + contraction->output_offset[o]};
    vec t[CHUNK_MAX] = {{0}};
    if (A_adjoint) {
      vec g[CHUNK_MAX];
      for (int v = 0; v < nv; v++) g[v] = load(out_adjoint + out_offset + shift + (size_t)(v * LANES));
      polynomial_reverse(nv, &walk, components, g, t, adjoint);
    } else {
      polynomial_forward(nv, &walk, components, t);
      for (int v = 0; v < nv; v++) store(out + out_offset + shift + (size_t)(v * LANES), t[v]);
    }
  }
  if (A_adjoint) FOR_COMPONENTS(&contraction->in, n, a, i, offset)
  for (int v = 0; v < nv; v++) store(A_adjoint + offset + shift + (size_t)(v * LANES), adjoint[i][v]);
}

/* out[n atoms][out components][channels] from A; the chunk loop is outside so that its weights stay in cache. */
static void contraction_forward(const ftl_contraction *contraction, int species, int n, const real *A, real *out) {
  const real *weight = (const real *)contraction->weight + (size_t)species * contraction->species_stride;
  for (int chunk = 0; chunk < contraction->n_chunks; chunk++, weight += contraction->chunk_stride)
    for (int a = 0; a < n; a++) {
      if (contraction->chunk_vectors == 2) contraction_chunk(2, contraction, weight, chunk, n, a, A, out, NULL, NULL);
      else contraction_chunk(1, contraction, weight, chunk, n, a, A, out, NULL, NULL);
    }
}

static void contraction_reverse(const ftl_contraction *contraction, int species, int n, const real *A,
                                const real *out_adjoint, real *A_adjoint) {
  const real *weight = (const real *)contraction->weight + (size_t)species * contraction->species_stride;
  for (int chunk = 0; chunk < contraction->n_chunks; chunk++, weight += contraction->chunk_stride)
    for (int a = 0; a < n; a++) {
      if (contraction->chunk_vectors == 2)
        contraction_chunk(2, contraction, weight, chunk, n, a, A, NULL, out_adjoint, A_adjoint);
      else contraction_chunk(1, contraction, weight, chunk, n, a, A, NULL, out_adjoint, A_adjoint);
    }
}
