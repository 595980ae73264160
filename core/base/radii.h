/* Sizes of the elements. */
#ifndef FTL_RADII_H
#define FTL_RADII_H

/* Covalent radii in Angstrom by atomic number, from 0 for no element (Cordero et al., Dalton Trans. 2008, 2832, as ASE
   has them; 2.0 stands for elements that have none). */
#define FTL_N_RADII 119
extern const double ftl_covalent_radii[FTL_N_RADII];

#endif
