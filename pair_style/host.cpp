#include "host.h"

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <link.h>

namespace frozentl {

/* "stable_22Jul2025_update4", where LAMMPS was built from a tag of its git repository. */
static int update_of_git() {
  auto has_git_info = host_function<bool()>("_ZN9LAMMPS_NS6LAMMPS12has_git_infoEv");
  auto git_descriptor = host_function<const char *()>("_ZN9LAMMPS_NS6LAMMPS14git_descriptorEv");
  int update = -1;
  if (!has_git_info || !git_descriptor || !has_git_info()) return -1;
  const char *text = git_descriptor();
  if (strncmp(text, "stable_", 7) != 0) return -1;
  const char *suffix = strstr(text, "_update");
  if (!suffix) return 0;
  return sscanf(suffix, "_update%d", &update) == 1 ? update : -1;
}

/* The first line of `lmp -h`, a constant in the object that has LAMMPS' functions and the only place where every build
 * has its update: no function gives it. */
struct Banner {
  uintptr_t object; /* any address in it */
  int update;
};

static int look_for_banner(dl_phdr_info *object, size_t, void *data) {
  static const char start[] = "Massively Parallel Simulator - ";
  auto *banner = static_cast<Banner *>(data);
  bool it = false;
  for (int k = 0; k < object->dlpi_phnum; k++) {
    const auto &part = object->dlpi_phdr[k];
    it |= part.p_type == PT_LOAD && banner->object - (object->dlpi_addr + part.p_vaddr) < part.p_memsz;
  }
  if (!it) return 0;
  for (int k = 0; k < object->dlpi_phnum; k++) {
    const auto &part = object->dlpi_phdr[k];
    if (part.p_type != PT_LOAD || !(part.p_flags & PF_R) || (part.p_flags & PF_W)) continue;
    const char *from = reinterpret_cast<const char *>(object->dlpi_addr + part.p_vaddr), *end = from + part.p_memsz;
    const void *found = memmem(from, part.p_memsz, start, strlen(start));
    if (!found) continue;
    from = static_cast<const char *>(found) + strlen(start);
    const std::string text(from, strnlen(from, end - from)); /* "22 Jul 2025 - Update 4\n..." */
    const std::string line = text.substr(0, text.find('\n'));
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos) banner->update = 0;
    else if (sscanf(line.c_str() + dash, " - Update %d", &banner->update) != 1) banner->update = -1; /* "Development" */
    return 1;
  }
  return 1;
}

Release host_release(void *lammps) {
  auto version = host_function<int(void *)>("lammps_version");
  if (!version) return {0, -1};
  Release release = {version(lammps), update_of_git()};
  if (release.update < 0) {
    Banner banner = {reinterpret_cast<uintptr_t>(version), -1};
    dl_iterate_phdr(look_for_banner, &banner);
    release.update = banner.update;
  }
  return release;
}

std::string release_text(Release release) {
  static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const int day = release.version % 100, month = release.version / 100 % 100, year = release.version / 10000;
  std::string text =
      std::to_string(day) + " " + months[month >= 1 && month <= 12 ? month - 1 : 0] + " " + std::to_string(year);
  if (release.update > 0) text += " update " + std::to_string(release.update);
  return text;
}

void warn(void *lammps, const std::string &text) {
  auto setting = host_function<int(void *, const char *)>("lammps_extract_setting");
  auto message = host_function<void(void *, int, const char *)>("lammps_error");
  if (setting && setting(lammps, "world_rank") != 0) return;
  if (message) message(lammps, 0 /* a warning */, text.c_str());
  else fprintf(stderr, "WARNING: %s\n", text.c_str());
}

} // namespace frozentl
