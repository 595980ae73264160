/* FrozenTL: inference of MACE and PACE interatomic potentials in C.

   This is the only public header of the core library. It is in six parts:

     1. conventions, errors              what every call shares
     2. models                           open, describe, free
     3. the simple interface             atoms and a cell in, energy, forces and virial out
     4. the layer-wise interface         for hosts that own ghost atoms (MPI): LAMMPS
     5. how far to trust an answer       extrapolation grades and deviations of a surrogate
     6. descriptors                      the features of atoms that a model's layers make

   Conventions, everywhere:
     - energies in eV, lengths in Angstrom, forces in eV/Angstrom, stress in eV/Angstrom^3;
     - arrays are C row-major; positions are double x[n][3]; the rows of a cell are its vectors;
     - an edge (i <- j) has the receiver i, the sender j and the vector r_ij = x_j - x_i (for a periodic image of j,
       x_j is the image's position);
     - forces are -dE/dx; the virial is W = -sum over edges of r_ij (x) dE/dr_ij, in LAMMPS' order xx yy zz xy xz yz
   where it is symmetric; stress as in ASE is -W/volume;
     - spherical harmonics are real, in e3nn's order and "component" normalisation, as in MACE.

   Threads: a model is immutable once opened and may be shared by any number of threads. A workspace holds everything
   that changes and serves one caller at a time; it runs its own OpenMP team inside. No function prints, exits, or keeps
   state elsewhere (but how often the process was forked, see below).

   Fork: models and workspaces go on working in a child made by fork(). A workspace that the parent made computes there
   with one thread, to the same bits; one made in the child has the threads that it asks for. What another thread of the
   parent was computing at that moment is lost to the child: that workspace must not be used there, nor freed, and the
   child computes with one thread throughout. To fork costs the parent a new OpenMP team at its next computation.

   Memory: what a *_open or *_new function returns belongs to the caller, who gives it to the matching *_free; *_free
   accepts NULL. Arrays passed in are only read during the call. */
#ifndef FROZENTL_H
#define FROZENTL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FTL_VERSION_MAJOR 0
#define FTL_VERSION_MINOR 2
#define FTL_VERSION_PATCH 0

#if defined(__GNUC__)
#define FTL_API __attribute__((visibility("default")))
#else
#define FTL_API
#endif

/* ---- 1. Errors ------------------------------------------------------------------------------------------------------
 */

typedef enum {
  FTL_OK = 0,
  FTL_ERR_ARGUMENT,    /* the caller broke the contract: NULL, a negative count, calls out of order */
  FTL_ERR_MEMORY,      /* an allocation failed */
  FTL_ERR_IO,          /* a file cannot be opened, read or written */
  FTL_ERR_FORMAT,      /* a file is not what it claims to be: truncated, inconsistent, hostile */
  FTL_ERR_UNSUPPORTED, /* a valid model with something this version does not cover */
  FTL_ERR_INPUT        /* atoms or elements that the model cannot answer for */
} ftl_status;

/* What went wrong: one sentence for the user, and where. Every function that takes an ftl_error* accepts NULL, and
   fills it only when it fails. */
typedef struct {
  ftl_status code;
  char message[512]; /* one sentence: what, and what to do */
  char where[256];   /* the file, tensor, line or atom; "" when there is none */
} ftl_error;

/* "frozentl 0.2.0". Static storage. */
FTL_API const char *ftl_version(void);

/* ---- 2. Models ------------------------------------------------------------------------------------------------------
 */

typedef enum {
  FTL_DOUBLE = 0, /* everything in float64 */
  FTL_MIXED = 1   /* float32 stages; energies, forces and virials are summed in float64 */
} ftl_precision;

typedef struct ftl_model ftl_model;

typedef struct {
  ftl_precision precision;
  const char *head; /* which head (modality, level of theory) answers; NULL: the only one, or of several the one named
                       "Default", or else what the family's own program takes: the last of a MACE, as mace-torch; none
                       of a SevenNet (FTL_ERR_INPUT, with the list), as sevenn */
  const int *elements; /* atomic numbers the model is prepared for; NULL: all it has. Fewer is faster to open. */
  int n_elements;
  const char *foundation; /* for a delta `.ftl`: the file (or name) of its foundation; NULL: it is looked for next to
                             the delta, then in the folders of the environment variable FROZENTL_PATH (separated by
                             colons) and in ~/.cache/frozentl. FTL_ERR_INPUT when the file is no delta */
} ftl_open_options;

/* The file of a model, into path[size]. `given` is a path, which is copied as it is, or the name of a published
   foundation ("sevennet-0"; `frozentl foundation --list` has them), whose file is looked for in the folders of
   FROZENTL_PATH, then in $XDG_CACHE_HOME/frozentl or ~/.cache/frozentl, and must have the SHA-256 that is published or
   was recorded at the first download. Nothing is downloaded. ftl_model_open takes names by this, for both files.
   FTL_ERR_IO: it is not there (the message says how to get it), or longer than `size` allows; FTL_ERR_INPUT: a file of
   that name is in the working folder too (write ./NAME for it); FTL_ERR_FORMAT: another SHA-256. */
FTL_API ftl_status ftl_model_path(const char *given, char *path, size_t size, ftl_error *error);

/* Opens a MACE `.model` (torch.save), a SevenNet checkpoint (`.pth`), a `.ftl` file or a PACE potential (`.yace`;
   double only), told apart by content. options may be NULL (double, all elements). Reading executes nothing from the
   file. Errors: FTL_ERR_IO, FTL_ERR_FORMAT, FTL_ERR_UNSUPPORTED (names the class or option found), FTL_ERR_INPUT
   (unknown head or element), FTL_ERR_MEMORY. */
FTL_API ftl_status ftl_model_open(const char *path, const ftl_open_options *options, ftl_model **model,
                                  ftl_error *error);
FTL_API void ftl_model_free(ftl_model *model);

/* One copy of a model's tables for several processes of a machine, as the ranks of an MPI run: one opens the file and
   shares its model, and the others, which have got its ftl_shared_model by any means, open that. Tables of many
   elements take hundreds of MB; of these a process then has some hundred kB of its own, and opening takes milliseconds.

   The tables lie in a memory object without a name: nothing is left behind when processes end, whichever way. It is
   sealed, so that nobody can change it, and goes when the last process that has it has freed the model. */
typedef struct {
  int process, descriptor; /* of the one that shares: /proc/PROCESS/fd/DESCRIPTOR */
  char digest[65]; /* SHA-256, hexadecimal, of all that memory is addressed by: what is opened is what was shared */
} ftl_shared_model;

/* Moves a model's arrays into shared memory: *model becomes another one, which gives the same bits, and no workspace of
   the old one may be left. While it is there, processes of the same user and machine (and PID namespace) can open it;
   whether they can is not known here. For a moment the tables are there twice. FTL_ERR_IO: there is no such memory
   here, or not enough; FTL_ERR_MEMORY; FTL_ERR_ARGUMENT: NULL, or a model that is shared already. *model then is as it
   was. */
FTL_API ftl_status ftl_model_share(ftl_model **model, ftl_shared_model *shared, ftl_error *error);
/* Opens what another process shares (or this one); the model is like any other, and stays when the other process ends.
   FTL_ERR_IO: it cannot be reached, as from another machine, container or user; FTL_ERR_FORMAT: it is something else
   than what was shared, or is cut short; FTL_ERR_UNSUPPORTED: another build of FrozenTL made it, or kernels of another
   instruction set; FTL_ERR_MEMORY. */
FTL_API ftl_status ftl_model_open_shared(const ftl_shared_model *shared, ftl_model **model, ftl_error *error);

typedef struct {
  double cutoff; /* r_max, Angstrom: edges at or beyond it do not exist */
  int n_layers;  /* interactions */
  int n_elements;
  const int *atomic_numbers; /* [n_elements], the order of species indices below */
  int n_heads;
  const char *const *heads; /* [n_heads] */
  int head;                 /* index of the one that answers */
  ftl_precision precision;
  int64_t n_parameters;   /* numbers in the file's tensors that are weights */
  const char *kernel_isa; /* "avx512", "avx2", "generic" or "neon": which build of the kernels this CPU runs */
  int ace;                /* 1: a linear or PACE potential (atomic cluster expansion); 0: MACE or NequIP */
  int extrapolation;      /* 1: it knows its extrapolation grades (section 5) */
  int n_committee;        /* members of its committee, whose spread are the deviations of section 5; 0: none */
} ftl_model_info;

/* The pointers inside live as long as the model. */
FTL_API void ftl_model_get_info(const ftl_model *model, ftl_model_info *info);

/* Index of an atomic number in atomic_numbers, or -1. This is what `species` arrays hold. */
FTL_API int ftl_model_species(const ftl_model *model, int atomic_number);

/* E0 of a species for the chosen head, eV. */
FTL_API double ftl_model_e0(const ftl_model *model, int species);

/* Chemical symbols, H to Og, spelt as in the periodic table: "Cu" is 29. ftl_atomic_number answers 0 for anything else
   (and NULL); ftl_element_symbol answers NULL outside 1 .. 118, otherwise a string in static storage. */
FTL_API int ftl_atomic_number(const char *symbol);
FTL_API const char *ftl_element_symbol(int atomic_number);

/* ---- 3. The simple interface ----------------------------------------------------------------------------------------
 */

typedef struct ftl_workspace ftl_workspace;

/* n_threads: OpenMP threads of its stages, up to 1024; 0 means omp_get_max_threads(). The model must outlive the
   workspace. FTL_ERR_ARGUMENT, FTL_ERR_MEMORY. */
FTL_API ftl_status ftl_workspace_new(const ftl_model *model, int n_threads, ftl_workspace **workspace,
                                     ftl_error *error);
FTL_API void ftl_workspace_free(ftl_workspace *workspace);
/* Bytes held now by a workspace. */
FTL_API size_t ftl_workspace_bytes(const ftl_workspace *workspace);

typedef struct {
  double energy;       /* sum of node_energy, E0 included */
  double *forces;      /* [n][3], overwritten; caller's array; may be NULL */
  double *node_energy; /* [n], overwritten; may be NULL */
  double virial[6];    /* xx yy zz xy xz yz, eV; NaN with energy_only */
  /* how far to trust them, section 5; each [n], overwritten, NULL: not computed */
  double *extrapolation;
  double *energy_deviation;
  double *force_deviation;
  /* 1: energies alone, the same to the bit, in 0.4 (MACE) or 0.7 (PACE) of the time: Monte Carlo and the like. forces
     and force_deviation must be NULL then: FTL_ERR_ARGUMENT. 0: everything. */
  int energy_only;
  double total_deviation; /* of `energy`, eV; set with energy_deviation */
  double *descriptors;    /* [n][width], section 6, overwritten; NULL: not kept. Also with energy_only */
} ftl_result;

/* Energy, forces and virial of one structure. species[n] are species indices; positions[n][3]; cell[3][3] rows are
   vectors, NULL for none; pbc[3] says which are periodic. Any cell, also smaller than the cutoff, and any position,
   also outside the cell. Errors: FTL_ERR_INPUT (a NaN position, a singular periodic cell, two atoms in one place),
   FTL_ERR_MEMORY. */
FTL_API ftl_status ftl_compute(ftl_workspace *workspace, int n, const int *species, const double (*positions)[3],
                               const double (*cell)[3], const int pbc[3], ftl_result *result, ftl_error *error);

/* ---- 4. The layer-wise interface
   -------------------------------------------------------------------------------------

   For a host that owns a part of the atoms and has copies ("ghosts") of others. It calls

       ftl_begin(ws, graph, output)
       for t = 0 .. n_layers-2:  ftl_layer_forward(ws, t, part);   fill the ghost rows of ftl_features(ws, t)
       ftl_last_layer(ws, part)                                    (forward and reverse of the last layer)
       for t = n_layers-2 .. 0:  add the ghost rows of ftl_feature_adjoints(ws, t) to their owners' rows, and with
                                 output.centroid_virial those of ftl_feature_moments(ws, t, 0 .. 2) likewise;
                                 ftl_layer_reverse(ws, t, part)
       ftl_end(ws)

   with one exchange per layer boundary and direction. With n_total == n_local there is nothing to exchange: that is
   what ftl_compute does. After a call fails, start again at ftl_begin.

   Instead of ftl_last_layer the host may call ftl_layer_forward(ws, n_layers-1, part) and, once that is done for all
   atoms, ftl_layer_reverse(ws, n_layers-1, part): every atom's energy is known before any derivative is taken. The
   answers are the same, and the last layer takes about half as long again, as its forward is computed twice. To have
   energies alone, call ftl_end right after that forward, with forces, atom_virial and centroid_virial NULL; the virial
   is NaN then.

   A layer is done by one call with FTL_ALL, or, so that an exchange can be under way while the rest is computed, by
   FTL_OUTER and then FTL_INNER. Outer receivers are those with a ghost among their senders. With a symmetric cutoff
   they are also the ones that are ghosts elsewhere, so that after ftl_layer_forward(FTL_OUTER) the rows that others
   wait for are final, and after ftl_last_layer or ftl_layer_reverse(FTL_OUTER) the ghosts' adjoint rows are; FTL_INNER
   neither reads nor writes a ghost row. */

typedef enum { FTL_ALL = 0, FTL_OUTER, FTL_INNER } ftl_part;

/* Nodes are what has features: the local atoms, then ghosts. Atoms are what has a position: where one node is seen in
   several places (periodic images), each of them is an atom, `node` says of which node, and only the node has a row of
   features and a force. */
typedef struct {
  int n_local;        /* nodes whose energy is computed: receivers */
  int n_total;        /* n_local + ghosts; ghosts are numbered n_local .. n_total-1 */
  const int *species; /* [n_total] species index; < 0: the atom does not exist for this model (it must have no edges) */
  const int64_t *first_edge; /* [n_local + 1]: the edges of receiver i are first_edge[i] .. first_edge[i+1]-1 */
  const int *sender;         /* [n_edges], an atom */
  /* Edges longer than the cutoff are ignored. Either of the two: */
  const double (*vector)[3];   /* [n_edges], r_ij = x_sender - x_receiver, or NULL: from positions */
  const double (*position)[3]; /* [n_atoms]; the first n_local are the receivers' */
  int n_atoms;                 /* with `node` */
  const int *node;             /* [n_atoms] the node that an atom is an image of; NULL: atom k is node k */
} ftl_graph;

typedef struct {
  double energy;       /* of the local atoms; set by ftl_end */
  double *forces;      /* [n_total][3] flat, added to: ghosts get the part that belongs to their owners; may be NULL */
  double *node_energy; /* [n_local], overwritten; may be NULL */
  double virial[9];    /* xx yy zz xy xz yz yx zx zy; set by ftl_end; NaN where nothing was reversed */
  double (*atom_virial)[9]; /* [n_total][9], added to, same order: half of each edge to either end; may be NULL */
  /* how far to trust them, section 5; NULL: not computed */
  double *extrapolation;    /* [n_local], overwritten */
  double *energy_deviation; /* [n_local], overwritten */
  double *committee_forces; /* [n_total][n_committee][3] flat, added to: of each member, less the potential's; ghosts
                               get the part that belongs to their owners, as with `forces` */
  double total_deviation;   /* of `energy`; set by ftl_end with energy_deviation. Ranks' do not add up */
  /* [n_total][9], added to, order of `virial`, eV: W_j = sum over i of (x_i - x_j) (x) dU_i/dx_j with the energies U_i
     of single atoms, ghosts get the part that belongs to their owners; may be NULL. They sum to the virial, and sum
     over j of W_j v_j is the potential part of the heat flux (docs/theory.md, eq. 32). Exact for any number of layers;
     with two, a step takes two to three times as long. */
  double (*centroid_virial)[9];
  double *descriptors; /* [n_local][width], section 6, overwritten; may be NULL. Final after the last layer's forward */
} ftl_output;

/* The graph's arrays must stay valid and unchanged, and the output's valid, until ftl_end. FTL_ERR_INPUT names the atom
   when an edge has length zero or is not finite, or when a species is out of range. */
FTL_API ftl_status ftl_begin(ftl_workspace *workspace, const ftl_graph *graph, ftl_output *output, ftl_error *error);
FTL_API ftl_status ftl_layer_forward(ftl_workspace *workspace, int layer, ftl_part part, ftl_error *error);
FTL_API ftl_status ftl_last_layer(ftl_workspace *workspace, ftl_part part, ftl_error *error);
FTL_API ftl_status ftl_layer_reverse(ftl_workspace *workspace, int layer, ftl_part part, ftl_error *error);
FTL_API ftl_status ftl_end(ftl_workspace *workspace, ftl_error *error);

/* While layers are computed, the thread that called also calls poll(context) every few milliseconds. An exchange of MPI
   that is under way goes on only when its host looks at it. NULL: nothing is called. */
FTL_API void ftl_workspace_set_poll(ftl_workspace *workspace, void (*poll)(void *context), void *context);

/* Rows of the features that layer `layer` made for the next one, and of the energy's derivative by them: [n_total] rows
 *of row_bytes bytes each (float64, or float32 in FTL_MIXED). Valid until ftl_end. */
FTL_API void *ftl_features(ftl_workspace *workspace, int layer, size_t *row_bytes);
FTL_API void *ftl_feature_adjoints(ftl_workspace *workspace, int layer, size_t *row_bytes);
/* With output.centroid_virial, rows like ftl_feature_adjoints': component 0, 1 or 2 of the sum over atoms k of
   (x_k - x_j) times the derivative of k's energy by the features of node j. NULL when they are not carried (one layer,
   no centroid_virial). Valid until ftl_end; row_bytes may be NULL. */
FTL_API void *ftl_feature_moments(ftl_workspace *workspace, int layer, int component, size_t *row_bytes);
/* With output.committee_forces of a model whose committee has last layers of its own (MACE, NequIP), rows like
   ftl_feature_adjoints': the derivative of a member's energy, less the model's, for member 0 .. n_committee - 1. They
   go to their owners as the moments do. NULL when they are not carried. Valid until ftl_end; row_bytes may be NULL. */
FTL_API void *ftl_feature_members(ftl_workspace *workspace, int layer, int member, size_t *row_bytes);
/* The same row size before any graph is there; `real_bytes` (4 or 8, may be NULL) is the size of its numbers. */
FTL_API size_t ftl_feature_row_bytes(const ftl_model *model, int layer, size_t *real_bytes);

/* ---- 5. How far to trust an answer
   ----------------------------------------------------------------------------------------------------

   Surrogates that `frozentl distill` makes can tell, and MACE and NequIP models that `frozentl train` or `frozentl
   trust` has written this into; asking another model is FTL_ERR_UNSUPPORTED, and ftl_model_info says which is which. It
   costs more than the forces do, and nothing when it is not asked for.

     - extrapolation: the grade gamma of an atom's surroundings. Up to about 1, they are within what the atoms of the
       training data span; far above, the energy is an extrapolation. FTL_TOO_CLOSE or more: a neighbour is closer than
       any pair of its elements was, within the potential's inner cutoff; or the data had no atom of its element. 0: an
       atom of no element of the model.
     - energy_deviation, eV: the standard deviation of the atom's energy over the posterior of the fit (of a surrogate:
       over a committee drawn from it) or of the last layer, times a factor that makes it the error expected on data
       held back. Those of atoms are correlated: total_deviation is that of their sum.
     - force_deviation, eV/Angstrom: likewise the root mean square length of the force's deviation over the committee.

   Deviations of forces are not additive over ranks, the committee's forces are: a host with ghosts adds the ghosts'
   rows of ftl_output.committee_forces to their owners' rows and then calls ftl_force_deviation. */

#define FTL_TOO_CLOSE 1e6 /* not infinity, which hosts like LAMMPS cannot calculate with */

/* deviation[n] from committee_forces[n][n_committee][3]. FTL_ERR_UNSUPPORTED for a model without a committee. */
FTL_API ftl_status ftl_force_deviation(const ftl_model *model, int n, const double *committee_forces, double *deviation,
                                       ftl_error *error);

/* ---- 6. Descriptors -------------------------------------------------------------------------------------------------

   What a layer of a MACE or NequIP model makes of an atom's surroundings, before readouts take energies from it:
   numbers without a unit, to compare, cluster or learn from. A row holds the outputs of all layers one after another
   (MACE: of the product with its self-connection, what mace-torch calls node_feats and its `get_descriptors` gives;
   NequIP: of the gate), each irrep as [channel][component], components in e3nn's order. Those with l = 0 do not change
   when the structure is turned; of these, those of odd parity change their sign when it is mirrored. E0, scale and
   shift are not in them; the head is where layers depend on it. In FTL_MIXED they have float32's accuracy. PACE
   potentials have no layers: FTL_ERR_UNSUPPORTED. */

typedef struct {
  int layer; /* 0 .. n_layers-1 */
  int channels;
  int l, parity; /* of the irrep; parity 1 (even) or -1 (odd) */
  int first;     /* in a row; its numbers are first .. first + channels (2 l + 1) - 1 */
} ftl_descriptor_block;

/* The number of blocks that a row consists of, in the order of their `first`; `blocks` (may be NULL) is set to them:
   they live as long as the model; `width` (may be NULL) to the numbers in a row. All 0 and NULL for a model without. */
FTL_API int ftl_model_descriptors(const ftl_model *model, const ftl_descriptor_block **blocks, int *width);

#ifdef __cplusplus
}
#endif
#endif
