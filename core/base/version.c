#include "frozentl.h"

#define TEXT(x)  #x
#define VALUE(x) TEXT(x)

const char *ftl_version(void) {
  return "frozentl " VALUE(FTL_VERSION_MAJOR) "." VALUE(FTL_VERSION_MINOR) "." VALUE(FTL_VERSION_PATCH);
}
