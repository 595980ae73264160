/* The LAMMPS that loads a plugin, before anything is known about its C++ classes: its C library interface, which is
   stable, and symbols found by name. */
#ifndef FTL_HOST_H
#define FTL_HOST_H

#include <dlfcn.h>
#include <string>

namespace frozentl {

/* A function of the LAMMPS that loads this, or null if it has none of that name or keeps it to itself. */
template <typename Function> Function *host_function(const char *name) {
  return reinterpret_cast<Function *>(dlsym(RTLD_DEFAULT, name));
}

struct Release {
  int version; /* 20250722; 0: unknown */
  int update;  /* of a stable release; 0: as it was first released; -1: unknown, or between two releases */
};

Release host_release(void *lammps);

/* "22 Jul 2025 update 4", the words that LAMMPS has for itself. */
std::string release_text(Release release);

/* The end of a sentence about a plugin that does not fit. */
inline constexpr char how_to_build[] = " (how to build it for this one: docs/user-guide.md)";

/* On rank 0, to the screen and the log file. */
void warn(void *lammps, const std::string &text);

} // namespace frozentl

#endif
