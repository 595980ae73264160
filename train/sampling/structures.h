/* Structures made by the program: copies, supercells, slabs, defects. No model is asked.

   What a function calls `made` owns its parts, as structures of a dataset do (ftl_structure_free), also after a
   failure. Structures have no labels and weights 1. Lengths in Angstrom. Errors: FTL_ERR_MEMORY, and FTL_ERR_INPUT with
   the structure's place where it cannot be done. */
#ifndef FTL_STRUCTURES_H
#define FTL_STRUCTURES_H

#include "data/dataset.h"
#include "base/random.h"

/* n atoms in one place, without a cell. */
ftl_status ftl_structure_new(int n, const char *path, ftl_structure *made, ftl_error *error);
ftl_status ftl_structure_copy(const ftl_structure *from, ftl_structure *made, ftl_error *error);
/* Frees what is in `structure` and puts `made` there. */
void ftl_structure_replace(ftl_structure *structure, ftl_structure *made);
ftl_status ftl_structure_config_type(ftl_structure *structure, const char *config_type, ftl_error *error);

/* The cell whose vectors are m times those of `from`, with its |det m| copies of the atoms. A direction that is not
   periodic may not be mixed with others or repeated. */
ftl_status ftl_structure_supercell(const ftl_structure *from, const int m[3][3], ftl_structure *made, ftl_error *error);

/* Cell and atoms times `factor`; only where the cell is periodic. */
void ftl_structure_scale(ftl_structure *structure, double factor);

/* Removes `count` atoms, drawn at random; one must stay. */
ftl_status ftl_structure_remove(ftl_structure *structure, int64_t count, ftl_random *random, ftl_error *error);

typedef struct {
  int miller[3]; /* the plane of the surface in the cell's vectors; {0,0,1} is perpendicular to a and b */
  int layers;    /* at least so many; 0: the structure is a slab already */
  double vacuum; /* above and below together */
  double width;  /* the slab is repeated until both its vectors are as long; 0: once */
} ftl_slab_options;

/* A slab with a and b in the surface, c normal to it, and pbc T T F; it is cut at the widest gap between layers, and
   atoms do not turn: the normal is c, wherever that points. FTL_ERR_INPUT: not periodic in the plane; with `layers`,
   not periodic in three directions; without, no gap of 5 Angstrom. */
ftl_status ftl_structure_slab(const ftl_structure *from, const ftl_slab_options *options, ftl_structure *made,
                              ftl_error *error);

/* The unit vector along the cell's third vector, and the height of the highest atom of the first n along it. */
void ftl_structure_normal(const ftl_structure *structure, double normal[3]);
double ftl_structure_top(const ftl_structure *structure, int n);

#endif
