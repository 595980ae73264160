/* Symmetric contraction: per output component a polynomial in the components of A, in Horner form over its trie,
   channels on the vector lanes. Forward: one multiply-add per node. Reverse: values and gradients in one walk, two per
   node.

   A walk takes one vector of channels of several atoms, CONTRACTION_ATOMS of them where there are as many: a node's
   weights and its place in the trie serve all, and their chains of multiply-adds are independent. An output's weights,
   some 10 kB, stay in the innermost cache for the block. */

#define CONTRACTION_ATOMS  4
#define CONTRACTION_GROUPS ((FTL_BLOCK_ATOMS + CONTRACTION_ATOMS - 1) / CONTRACTION_ATOMS)

typedef struct {
  const ftl_polynomial *poly;
  const real *weight; /* of this output and vector of channels */
} polynomial_walk;

#define HORNER_FORWARD(NAME, CHILDREN)                                                                                 \
  FTL_INLINE void NAME(int na, const polynomial_walk *w, int d, int begin, int end, vec(*A)[CONTRACTION_ATOMS],        \
                       vec *t) {                                                                                       \
    const real *c = w->weight + w->poly->weight[d] + (size_t)begin * LANES;                                            \
    for (int node = begin; node < end; node++, c += LANES) {                                                           \
      const vec *a = A[w->poly->index[d][node]];                                                                       \
      vec s[CONTRACTION_ATOMS];                                                                                        \
      for (int v = 0; v < na; v++) s[v] = load(c);                                                                     \
      CHILDREN                                                                                                         \
      for (int v = 0; v < na; v++) t[v] += s[v] * a[v];                                                                \
    }                                                                                                                  \
  }
#define FORWARD_CHILDREN(NAME) NAME(na, w, d + 1, w->poly->first[d][node], w->poly->first[d][node + 1], A, s);
HORNER_FORWARD(horner_forward_1, )
HORNER_FORWARD(horner_forward_2, FORWARD_CHILDREN(horner_forward_1))
HORNER_FORWARD(horner_forward_3, FORWARD_CHILDREN(horner_forward_2))
HORNER_FORWARD(horner_forward_4, FORWARD_CHILDREN(horner_forward_3))

/* g: the adjoint of t. Gradients go to dA. */
#define HORNER_REVERSE(NAME, CHILDREN)                                                                                 \
  FTL_INLINE void NAME(int na, const polynomial_walk *w, int d, int begin, int end, vec(*A)[CONTRACTION_ATOMS],        \
                       const vec *g, vec *t, vec(*dA)[CONTRACTION_ATOMS]) {                                            \
    const real *c = w->weight + w->poly->weight[d] + (size_t)begin * LANES;                                            \
    for (int node = begin; node < end; node++, c += LANES) {                                                           \
      int i = w->poly->index[d][node];                                                                                 \
      const vec *a = A[i];                                                                                             \
      vec s[CONTRACTION_ATOMS], h[CONTRACTION_ATOMS];                                                                  \
      for (int v = 0; v < na; v++) s[v] = load(c);                                                                     \
      for (int v = 0; v < na; v++) h[v] = g[v] * a[v];                                                                 \
      CHILDREN                                                                                                         \
      for (int v = 0; v < na; v++) t[v] += s[v] * a[v];                                                                \
      for (int v = 0; v < na; v++) dA[i][v] += g[v] * s[v];                                                            \
      (void)h;                                                                                                         \
    }                                                                                                                  \
  }
#define REVERSE_CHILDREN(NAME) NAME(na, w, d + 1, w->poly->first[d][node], w->poly->first[d][node + 1], A, h, s, dA);
HORNER_REVERSE(horner_reverse_1, )
HORNER_REVERSE(horner_reverse_2, REVERSE_CHILDREN(horner_reverse_1))
HORNER_REVERSE(horner_reverse_3, REVERSE_CHILDREN(horner_reverse_2))
HORNER_REVERSE(horner_reverse_4, REVERSE_CHILDREN(horner_reverse_3))

FTL_INLINE void polynomial_forward(int na, const polynomial_walk *w, vec (*A)[CONTRACTION_ATOMS], vec *t) {
  switch (w->poly->depth) {
  case 1:
    horner_forward_1(na, w, 0, 0, w->poly->n[0], A, t);
    break;
  case 2:
    horner_forward_2(na, w, 0, 0, w->poly->n[0], A, t);
    break;
  case 3:
    horner_forward_3(na, w, 0, 0, w->poly->n[0], A, t);
    break;
  case 4:
    horner_forward_4(na, w, 0, 0, w->poly->n[0], A, t);
    break;
  default:
    break; /* no monomials: zero */
  }
}

FTL_INLINE void polynomial_reverse(int na, const polynomial_walk *w, vec (*A)[CONTRACTION_ATOMS], const vec *g, vec *t,
                                   vec (*dA)[CONTRACTION_ATOMS]) {
  switch (w->poly->depth) {
  case 1:
    horner_reverse_1(na, w, 0, 0, w->poly->n[0], A, g, t, dA);
    break;
  case 2:
    horner_reverse_2(na, w, 0, 0, w->poly->n[0], A, g, t, dA);
    break;
  case 3:
    horner_reverse_3(na, w, 0, 0, w->poly->n[0], A, g, t, dA);
    break;
  case 4:
    horner_reverse_4(na, w, 0, 0, w->poly->n[0], A, g, t, dA);
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

/* One vector of channels of a block's atoms `begin` to `end` of n, at most FTL_BLOCK_ATOMS, in groups of
   CONTRACTION_ATOMS; the last may be filled up with zeros. */
FTL_INLINE void contraction_chunk(const ftl_contraction *contraction, const real *weight, int chunk, int n, int begin,
                                  int end, const real *A, real *out, const real *out_adjoint, real *A_adjoint) {
  vec components[CONTRACTION_GROUPS][MAX_COMPONENTS][CONTRACTION_ATOMS],
      adjoint[CONTRACTION_GROUPS][MAX_COMPONENTS][CONTRACTION_ATOMS];
  const int n_groups = (end - begin + CONTRACTION_ATOMS - 1) / CONTRACTION_ATOMS;
  const size_t shift = (size_t)(chunk * LANES);
  for (int a = 0; a < n_groups * CONTRACTION_ATOMS; a++) FOR_COMPONENTS(&contraction->in, n, begin + a, i, offset) {
      components[a / CONTRACTION_ATOMS][i][a % CONTRACTION_ATOMS] =
          begin + a < end ? load(A + offset + shift) : (vec){0};
      adjoint[a / CONTRACTION_ATOMS][i][a % CONTRACTION_ATOMS] = (vec){0};
    }
  for (int b = 0, o = 0; b < contraction->out.n; b++)
    for (int m = 0; m < contraction->out.b[b].d; m++, o++) {
      const ftl_layout_block *block = &contraction->out.b[b];
      polynomial_walk walk = {&contraction->polynomial[o], weight + contraction->output_offset[o]};
      size_t next = (size_t)(block->d * block->pad);
      size_t at = (size_t)n * (size_t)block->offset + (size_t)(m * block->pad) + shift;
      for (int group = 0; group < n_groups; group++) {
        int first = begin + group * CONTRACTION_ATOMS;
        vec t[CONTRACTION_ATOMS] = {{0}}, g[CONTRACTION_ATOMS];
        if (A_adjoint) {
          for (int k = 0; k < CONTRACTION_ATOMS; k++)
            g[k] = first + k < end ? load(out_adjoint + at + (size_t)(first + k) * next) : (vec){0};
          polynomial_reverse(CONTRACTION_ATOMS, &walk, components[group], g, t, adjoint[group]);
        } else {
          polynomial_forward(CONTRACTION_ATOMS, &walk, components[group], t);
          for (int k = 0; k < CONTRACTION_ATOMS && first + k < end; k++)
            store(out + at + (size_t)(first + k) * next, t[k]);
        }
      }
    }
  for (int a = 0; a < end - begin && A_adjoint; a++) FOR_COMPONENTS(&contraction->in, n, begin + a, i, offset)
  store(A_adjoint + offset + shift, adjoint[a / CONTRACTION_ATOMS][i][a % CONTRACTION_ATOMS]);
}

/* out[n atoms][out components][channels] from A; the loop over channels is outside so that their weights stay in cache.
 */
static void contraction_forward(const ftl_contraction *contraction, int species, int n, const real *A, real *out) {
  const real *weight = (const real *)contraction->weight + (size_t)species * contraction->species_stride;
  for (int chunk = 0; chunk < contraction->n_chunks; chunk++, weight += contraction->chunk_stride)
    FOR_SOME_ATOMS(n, begin, end) { contraction_chunk(contraction, weight, chunk, n, begin, end, A, out, NULL, NULL); }
}

static void contraction_reverse(const ftl_contraction *contraction, int species, int n, const real *A,
                                const real *out_adjoint, real *A_adjoint) {
  const real *weight = (const real *)contraction->weight + (size_t)species * contraction->species_stride;
  for (int chunk = 0; chunk < contraction->n_chunks; chunk++, weight += contraction->chunk_stride)
    FOR_SOME_ATOMS(n, begin, end) {
      contraction_chunk(contraction, weight, chunk, n, begin, end, A, NULL, out_adjoint, A_adjoint);
    }
}
