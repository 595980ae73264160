/* Without OpenBLAS and OpenMP, which the readers do not need. */
#include "support/work_memory.h"

bool ftl_memory_is_left(void) { return true; }
