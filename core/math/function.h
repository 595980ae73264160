/* Small functions that the C core and the Kokkos build (core/kokkos) have in common: there they are compiled for the
   device as well, and FTL_FUNCTION is Kokkos' macro for that. */
#ifndef FTL_FUNCTION_H
#define FTL_FUNCTION_H

#ifndef FTL_FUNCTION
#define FTL_FUNCTION static inline
#endif

#endif
