/* Masses of the elements, for dynamics. */
#ifndef FTL_MASSES_H
#define FTL_MASSES_H

/* Standard atomic weight in u of an atomic number 1 .. 118 (IUPAC 2021, abridged; where an element has none, the mass
   number of its longest-lived isotope). 0 for anything else. */
double ftl_atomic_weight(int atomic_number);

#endif
