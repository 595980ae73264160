/* Neighbour lists of finite and periodic structures, in the layout of ftl_graph. Internal header of core.

   One call lists, for every atom i, each atom j and each periodic image of j (of i itself too) with |r| < cutoff, where
   r = x_j + shift - x_i. The only pair left out is an atom with its own unshifted self. Edges are sorted by receiver;
   the order within a receiver depends on the input alone. The list is symmetric to the bit: with (i <- j, r) it holds
   (j <- i, -r).

   Cost: linked cells over the atoms and the images that the cutoff reaches, O(atoms + images + edges) for any
   structure whose atoms are not all in one place. */
#ifndef FTL_NEIGHBOURS_H
#define FTL_NEIGHBOURS_H

#include <stddef.h>
#include <stdint.h>

#include "frozentl.h"

/* Zero-initialise it before the first call. The first members are the answer of the last successful call; the rest
   is kept between calls, so that a trajectory allocates only when it grows. Not to be shared between threads. */
typedef struct {
  int64_t n_edges;
  int64_t *first_edge; /* [n + 1]: edges of receiver i are first_edge[i] .. first_edge[i + 1] - 1 */
  int *sender;         /* [n_edges] atom j; of ftl_neighbours_build_images an atom or image, as in ftl_graph */
  double (*vector)[3]; /* [n_edges], r_ij = x_j + shift - x_i, Angstrom; not of ftl_neighbours_build_images */
  /* of ftl_neighbours_build_images: */
  int n_atoms;           /* n, and the images */
  double (*position)[3]; /* [n_atoms], the first n are the atoms, moved into the cell */
  int *node;             /* [n_atoms], the atom of which an image is one */

  /* private */
  size_t atom_room, edge_room, vector_room, image_room, position_room, bin_room,
      hit_room;            /* elements that the buffers below have room for */
  double (*wrapped)[3];    /* [n] positions moved into the cell along periodic directions */
  double (*fractional)[3]; /* [n] the same in units of the cell */
  int *home;               /* [n] where the atom itself stands among the sorted images */
  struct ftl_image *image; /* [n_images] in order of creation: by atom */
  int *image_bin;          /* [n_images]; once they are sorted, the number in `position` of a sorted image */
  int *image_atom;         /* [n_images] sorted by bin, as the three below */
  double (*image_shift)[3];
  double *image_x, *image_y, *image_z; /* position of the image, to filter candidates */
  int *bin_start;                      /* [n_bins + 1] */
  int *hit;                            /* candidates of one receiver that pass the filter */
} ftl_neighbours;

/* positions[n][3], Angstrom, anywhere; cell[3][3], rows are vectors, may be NULL if nothing is periodic; pbc[3], may be
   NULL for "not periodic". Vectors of directions that are not periodic are not looked at: they may be zero. A failed
   call leaves the list empty and reusable.

   FTL_ERR_ARGUMENT: n < 0, NULL positions, a cutoff that is not a positive number.
   FTL_ERR_INPUT: a position that is not finite or so large (1e8) that distances are lost in rounding; two atoms closer
   than 1e-6 Angstrom; a periodic direction without a cell, or a cell that is not finite or is flat; a cell so small for
   the cutoff, or atoms so dense, that the list would be absurd (more than 32 images per atom and 1e6 in all, or more
   than 2000 edges per atom and 1e7 in all).
   FTL_ERR_MEMORY. */
ftl_status ftl_neighbours_build(ftl_neighbours *list, int n, const double (*positions)[3], const double (*cell)[3],
                                const int pbc[3], double cutoff, ftl_error *error);

/* The same list in a sixth of the memory: images stand for the vectors. The order of edges is the same; vectors made
   from the positions differ by rounding. */
ftl_status ftl_neighbours_build_images(ftl_neighbours *list, int n, const double (*positions)[3],
                                       const double (*cell)[3], const int pbc[3], double cutoff, ftl_error *error);

/* The graph of n atoms of these species whose list with images this is; it points into the list. */
ftl_graph ftl_neighbours_graph(const ftl_neighbours *list, int n, const int *species);

/* Frees the buffers and zeroes the list. NULL is allowed. */
void ftl_neighbours_free(ftl_neighbours *list);

/* Bytes held now. */
size_t ftl_neighbours_bytes(const ftl_neighbours *list);

#endif
