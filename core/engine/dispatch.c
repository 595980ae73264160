#include <stdlib.h>
#include <string.h>

#include "model/kernels.h"
#include "base/error.h"

typedef struct {
  const char *name;
  const ftl_kernels *build[2]; /* by ftl_precision */
} candidate;

#define CANDIDATE(isa) {#isa, {&ftl_kernels_##isa##_f64, &ftl_kernels_##isa##_f32}},
#define NAME(isa)      " " #isa
static const candidate candidates[] = {FTL_FOR_EACH_ISA(CANDIDATE)};
static const char names[] = FTL_FOR_EACH_ISA(NAME);

static bool cpu_has(const char *isa) {
#ifdef FTL_X86_KERNELS
  __builtin_cpu_init();
  if (strcmp(isa, "avx512") == 0)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("fma");
  if (strcmp(isa, "avx2") == 0) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return strcmp(isa, candidates[sizeof candidates / sizeof *candidates - 1].name) == 0;
}

ftl_status ftl_kernels_choose(ftl_precision precision, const ftl_kernels **kernels, ftl_error *error) {
  const char *forced = getenv("FROZENTL_ISA");
  for (size_t k = 0; k < sizeof candidates / sizeof *candidates; k++) {
    if (forced && strcmp(forced, candidates[k].name) != 0) continue;
    if (cpu_has(candidates[k].name)) {
      *kernels = candidates[k].build[precision == FTL_MIXED];
      return FTL_OK;
    }
    if (forced)
      return ftl_fail(error, FTL_ERR_ARGUMENT, "FROZENTL_ISA", "this CPU cannot run the %s kernels; unset FROZENTL_ISA",
                      forced);
  }
  return ftl_fail(error, FTL_ERR_ARGUMENT, "FROZENTL_ISA", "no kernels are called '%s'; this program has:%s",
                  forced ? forced : "", names);
}
