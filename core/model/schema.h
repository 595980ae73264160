/* The schema: every tensor of an architecture, described once. Checking a file, cutting it to fewer elements or one
   head, adding elements or a head, making a new model, groups, freezing, weight decay and counting are loops over this
   list, so that a new block is described in one place (schema_mace.c, schema_nequip.c) and nowhere else.

   Names are those of mace-torch's state_dict, for the NequIP family too. The order is that in which a new model draws
   its random numbers. */
#ifndef FTL_SCHEMA_H
#define FTL_SCHEMA_H

#include "model/architecture.h"
#include "model/groups.h"

#define FTL_ANY_EXTENT (-1) /* an extent that only has to be positive */
#define FTL_MAX_NET    16   /* layers of a radial network */

/* What a tensor holds. */
typedef enum {
  FTL_HOLDS_REALS,            /* floating point, of exactly this shape */
  FTL_HOLDS_NUMBERS,          /* of any type; one number may be a scalar or a vector */
  FTL_HOLDS_EXPONENT,         /* one number, a whole one from 1 to 100 (some versions save it as a float) */
  FTL_HOLDS_BY_ATOMIC_NUMBER, /* a table that has to reach the model's heaviest element */
} ftl_holding;

/* Where the numbers of a new model come from. */
typedef enum {
  FTL_INITIAL_CONSTANT, /* they follow from the architecture and the options: not a weight */
  FTL_INITIAL_NORMAL,   /* `width` times normal numbers */
  FTL_INITIAL_UNIFORM,  /* from -width to width */
  FTL_INITIAL_VALUE,    /* all are `width` */
} ftl_initial;

/* Part of a tensor with an axis over elements, seen as [outer][elements][inner]. */
typedef struct {
  int64_t outer, inner;
} ftl_element_part;

typedef struct {
  char name[160];
  ftl_holding holds;
  int ndim;
  int64_t shape[FTL_MAX_NDIM]; /* FTL_ANY_EXTENT where the architecture leaves it open */
  bool optional;               /* it may be missing (e3nn writes some constants only without optimisation) */

  ftl_group group; /* FTL_GROUP_NONE: a constant */
  int layer;       /* -1: of none */
  bool decays;     /* with mace-torch's weight decay */

  /* The axis over elements: consecutive parts, n_parts = 0 without; `element_axis` of the shape grows with them. */
  int n_parts, element_axis;
  ftl_element_part part[FTL_MAX_BLOCKS];

  /* Heads: the tensor as a matrix [rows][columns] whose rows, columns or both are heads times equal blocks. With both,
     only the blocks on the diagonal count. */
  bool heads_in_rows, heads_in_columns;
  int64_t rows, columns;

  ftl_initial initial;
  double width;
  bool coupling; /* a constant that couples irreps: */
  int l[3], nu;  /* of a coupling constant: a 3j symbol (nu 0), or the U matrix of l[0] and correlation nu */
} ftl_tensor_spec;

/* Zero-initialise; free with ftl_schema_free. */
typedef struct {
  int n;
  ftl_tensor_spec *spec; /* [n] */

  /* private: while it is listed */
  size_t room;
  bool failed; /* memory was lacking: specs went to `lost` */
  ftl_tensor_spec lost;
} ftl_schema;

/* Extents that an architecture leaves open: hidden widths of radial networks, paths of U matrices. */
typedef struct {
  int n;                      /* layers of the network, the last included */
  int64_t width[FTL_MAX_NET]; /* of the hidden ones; FTL_ANY_EXTENT if not known */
} ftl_net_size;

typedef struct {
  ftl_net_size weights[FTL_MAX_LAYERS], density[FTL_MAX_LAYERS]; /* conv_tp_weights and density_fn of each layer */
  int64_t u_paths[FTL_MAX_LAYERS][FTL_MAX_BLOCKS][8];            /* [layer][block of the product][nu - 1] */
  ftl_net_size readout;                                          /* of a readout that is a net */
  bool flat_e0; /* E0 as [elements], before there were heads; else [heads][elements] */
} ftl_open_extents;

/* The open extents as the tensors have them; FTL_ANY_EXTENT where they are missing or have another shape. */
void ftl_open_extents_of(const ftl_source *source, ftl_open_extents *extents);

/* The list for an architecture. FTL_ERR_MEMORY; FTL_ERR_UNSUPPORTED: more paths of a convolution than are covered. */
ftl_status ftl_schema_make(const ftl_architecture *arch, const ftl_open_extents *extents, ftl_schema *schema,
                           ftl_error *error);
/* The same for the tensors of a source. */
ftl_status ftl_schema_of(const ftl_source *source, ftl_schema *schema, ftl_error *error);
void ftl_schema_free(ftl_schema *schema);

/* NULL if there is none of this name. */
const ftl_tensor_spec *ftl_schema_find(const ftl_schema *schema, const char *name);
/* The group of a tensor, and its layer (-1 for none). What is not a weight has none, but for E0, scale and shift, which
   are buffers that are fitted to data. */
ftl_group ftl_schema_group(const ftl_schema *schema, const ftl_tensor *tensor, int *layer);
int64_t ftl_tensor_spec_count(const ftl_tensor_spec *spec); /* numbers; the shape must have no open extent */

/* Every tensor that the schema asks for is there with its shape and kind of number, and there is no other: a tensor
   that no block asks for means that the file holds something this version does not know. FTL_ERR_FORMAT,
   FTL_ERR_UNSUPPORTED, FTL_ERR_MEMORY. */
ftl_status ftl_schema_check(const ftl_source *source, ftl_error *error);

/* ---- for the files that list the tensors of a family ---- */

/* Adds a spec with this name and shape, layer -1, no group, holding reals, a constant. Never NULL: ftl_schema_make
   reports lack of memory once all are listed. The next call may move it. */
ftl_tensor_spec *ftl_schema_add(ftl_schema *schema, int ndim, const int64_t *shape, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
ftl_status ftl_schema_list_mace(const ftl_architecture *arch, const ftl_open_extents *extents, ftl_schema *schema,
                                ftl_error *error);
void ftl_open_extents_of_mace(const ftl_source *source, ftl_open_extents *extents);
ftl_status ftl_schema_list_nequip(const ftl_architecture *arch, const ftl_open_extents *extents, ftl_schema *schema,
                                  ftl_error *error);
void ftl_open_extents_of_nequip(const ftl_source *source, ftl_open_extents *extents);

#endif
