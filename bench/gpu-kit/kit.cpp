/* The program of the GPU kit, one for all it does, as most of it is core/kokkos compiled for several GPUs:

     gpu_kit check ...    gpu_check.c
     gpu_kit nve ...      gpu_nve.cpp
     gpu_kit step ...     bench/c/kokkos_step.c */
#include "kit.h"

#include <cstdio>
#include <cstring>

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    int (*run)(int, char **);
  } parts[] = {{"check", gpu_check}, {"nve", gpu_nve}, {"step", kokkos_step}};
  for (const auto &part : parts)
    if (argc > 1 && !std::strcmp(argv[1], part.name)) {
      argv[1] = argv[0];
      return part.run(argc - 1, argv + 1);
    }
  std::fprintf(stderr, "usage: %s check|nve|step ...\n", argv[0]);
  return 2;
}
