#include "stage_times.h"

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Sum {
  long launches = 0;
  double seconds = 0;
};
std::map<std::string, Sum> sums;
Sum *running = nullptr; /* kernels do not nest */
Clock::time_point started;

void begin(const char *name, std::uint32_t, std::uint64_t *) {
  Kokkos::fence();
  running = &sums[name];
  started = Clock::now();
}
void end(std::uint64_t) {
  Kokkos::fence();
  if (!running) return;
  running->launches++;
  running->seconds += std::chrono::duration<double>(Clock::now() - started).count();
  running = nullptr;
}

} // namespace

extern "C" {

void kokkos_time_stages(int on) {
  namespace Tools = Kokkos::Tools::Experimental;
  if (on) sums.clear();
  Tools::set_begin_parallel_for_callback(on ? begin : nullptr);
  Tools::set_begin_parallel_reduce_callback(on ? begin : nullptr);
  Tools::set_begin_parallel_scan_callback(on ? begin : nullptr);
  Tools::set_end_parallel_for_callback(on ? end : nullptr);
  Tools::set_end_parallel_reduce_callback(on ? end : nullptr);
  Tools::set_end_parallel_scan_callback(on ? end : nullptr);
}

int kokkos_stages(kokkos_stage *stages, int most) {
  std::vector<std::pair<std::string, Sum>> sorted(sums.begin(), sums.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const auto &a, const auto &b) { return a.second.seconds > b.second.seconds; });
  const int n = static_cast<int>(sorted.size());
  for (int k = 0; k < n && k < most; k++) {
    const auto &from = sorted[static_cast<std::size_t>(k)];
    const std::size_t length = std::min(from.first.size(), sizeof stages[k].name - 1);
    std::memcpy(stages[k].name, from.first.data(), length);
    stages[k].name[length] = 0;
    stages[k].launches = from.second.launches;
    stages[k].seconds = from.second.seconds;
  }
  return n;
}

} // extern "C"
