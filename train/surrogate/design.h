/* The equations that a structure gives for the coefficients of a linear potential (docs/theory.md, eq. 25): one row for
   its energy, one for each force component, six for the virial; a column for each function. */
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
} ftl_designer;

ftl_status ftl_designer_new(const ftl_surrogate *surrogate, const ftl_descriptors *plan, ftl_designer *designer,
                            ftl_error *error);
void ftl_designer_free(ftl_designer *designer);

/* Rows of a structure: its labels if it has them. */
typedef struct {
  bool energy, forces, stress;
} ftl_design_rows;
int ftl_design_count(const ftl_structure *structure, ftl_design_rows rows);
ftl_design_rows ftl_design_labelled(const ftl_structure *structure);

/* Writes rows row .. row + count - 1 of block[n columns][ld] (column-major), energies without E0: eV, eV/Angstrom, eV
   (virial, xx yy zz xy xz yz). FTL_ERR_INPUT names file, line and atoms: an element that the basis lacks, atoms within
   the inner cutoff. */
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
