/* The equations that a structure gives for the coefficients of a linear potential (docs/theory.md, eq. 25): one row for
   its energy, one for each force component, six for the virial; a column for each function.

   With a second density they are those of a Gauss-Newton step: f(x) is expanded at the surrogate's coefficients x0, and
   J x = y - f(x0) + J x0 is solved for x, the coefficients of both densities. */
#ifndef FTL_DESIGN_H
#define FTL_DESIGN_H

#include "ace/descriptors.h"
#include "data/dataset.h"

/* A thread's memory. */
typedef struct {
  const ftl_surrogate *surrogate; /* belong to the caller */
  const ftl_descriptors *plan;
  ftl_descriptor_scratch *scratch;
  ftl_neighbours neighbours;
  ftl_structure_graph graph;
  int *sender_mu;
  size_t room;
  int n_second;    /* columns of the second density, behind the others; 0: none */
  double *tangent; /* [3 n_lanes] slopes of the second density, and [3 n_lanes] of a column in it */
  size_t tangent_room;
} ftl_designer;

/* Unknowns of a surrogate: columns of the equations, without their right-hand side. */
int ftl_design_unknowns(const ftl_surrogate *surrogate);
/* Coefficients of both densities in the order of the columns, x[ftl_design_unknowns], out of the surrogate and back. */
void ftl_design_pack(const ftl_surrogate *surrogate, double *x);
void ftl_design_unpack(const double *x, ftl_surrogate *surrogate);

ftl_status ftl_designer_new(const ftl_surrogate *surrogate, const ftl_descriptors *plan, ftl_designer *designer,
                            ftl_error *error);
void ftl_designer_free(ftl_designer *designer);

/* Rows of a structure: its labels if it has them. */
typedef struct {
  bool energy, forces, stress, atoms; /* atoms: energies of single ones, behind the others */
} ftl_design_rows;
int ftl_design_count(const ftl_structure *structure, ftl_design_rows rows);
ftl_design_rows ftl_design_labelled(const ftl_structure *structure);

/* Writes rows row .. row + count - 1 of block[n columns][ld] (column-major), energies without E0: eV, eV/Angstrom, eV
   (virial, xx yy zz xy xz yz). With a second density J x0 - f(x0) is added to one column more, where the labels are.
   FTL_ERR_INPUT names file, line and atoms: an element that the basis lacks, atoms within the inner cutoff. */
ftl_status ftl_design_fill(ftl_designer *designer, const ftl_structure *structure, ftl_design_rows rows, double *block,
                           int ld, int row, ftl_error *error);
/* The labels in the same order: energy less E0, forces, virial. */
void ftl_design_labels(const ftl_surrogate *surrogate, const ftl_structure *structure, ftl_design_rows rows,
                       double *label);

/* The functions of each atom: called with the atom's element and its values. */
typedef void ftl_design_visit(void *context, int atom, int mu, const double *value);
ftl_status ftl_design_atoms(ftl_designer *designer, const ftl_structure *structure, ftl_design_visit *visit,
                            void *context, ftl_error *error);

#endif
