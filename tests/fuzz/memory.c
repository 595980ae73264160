/* Without OpenBLAS and OpenMP, which the readers do not need. */
#include "parallel/memory.h"

bool ftl_memory_is_left(void) { return true; }
