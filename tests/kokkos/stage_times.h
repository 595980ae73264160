/* Time of every kernel that Kokkos starts, by its name, whatever the space. */
#ifndef FTL_TESTS_KOKKOS_STAGE_TIMES_H
#define FTL_TESTS_KOKKOS_STAGE_TIMES_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  char name[64];
  long launches;
  double seconds;
} kokkos_stage;

/* Forgets what was counted and counts from now on, or stops counting. While it counts the device is waited for after
   each kernel, so a step takes longer than without. Between kokkos_start and kokkos_stop; one caller at a time. */
void kokkos_time_stages(int on);

/* Writes up to `most` stages, longest first; returns how many there are. */
int kokkos_stages(kokkos_stage *stages, int most);

#ifdef __cplusplus
}
#endif
#endif
