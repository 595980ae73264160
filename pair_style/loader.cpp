/* frozentlplugin.so of a Python package: asks which LAMMPS loads it, and hands over to the plugin that was compiled for
   that very release, `releases/20250722-4.so` beside it. For any other it gives LAMMPS styles that say which there are.

   Updates count: from one to the next members and virtual functions of Pair, Compute, Fix and Comm came and went. */
#include "host.h"
#include "lammps_plugin.h"

#include <algorithm>
#include <cstdio>
#include <dirent.h>
#include <vector>

using namespace frozentl;

namespace {

/* The folder of the releases; empty if it cannot be told. */
std::string folder() {
  Dl_info me;
  if (!dladdr(reinterpret_cast<const void *>(lammpsplugin_init), &me) || !me.dli_fname) return "";
  const std::string path = me.dli_fname;
  const size_t slash = path.rfind('/');
  return (slash == std::string::npos ? "." : path.substr(0, slash)) + "/releases";
}

/* From the oldest on. */
std::vector<Release> releases_in(const std::string &where) {
  std::vector<Release> found;
  DIR *open = opendir(where.c_str());
  while (const dirent *entry = open ? readdir(open) : nullptr) {
    Release one;
    char so[4] = "";
    if (sscanf(entry->d_name, "%8d-%2d.%3s", &one.version, &one.update, so) == 3 && std::string(so) == "so")
      found.push_back(one);
  }
  if (open) closedir(open);
  std::sort(found.begin(), found.end(), [](const Release &a, const Release &b) {
    return a.version != b.version ? a.version < b.version : a.update < b.update;
  });
  return found;
}

/* "2 Aug 2023 with update 0, 1, 3, and 22 Jul 2025 with update 4" */
std::string listed(const std::vector<Release> &releases) {
  std::string text;
  for (size_t k = 0; k < releases.size(); k++) {
    const Release one = releases[k];
    if (k > 0 && one.version == releases[k - 1].version) text += ", ";
    else text += (k > 0 ? "; " : "") + release_text({one.version, 0}) + " with update ";
    text += std::to_string(one.update);
  }
  return text;
}

/* A function of the plugin for a release, which stays loaded; null, and `why`, if it has none. */
template <typename Function>
Function *function_of(const std::string &where, Release release, const char *name, std::string &why) {
  const std::string file = where + "/" + std::to_string(release.version) + "-" + std::to_string(release.update) + ".so";
  void *plugin = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  auto *function = plugin ? reinterpret_cast<Function *>(dlsym(plugin, name)) : nullptr;
  if (!function) {
    const char *said = dlerror();
    why = said ? said : file + " has no " + name;
  }
  return function;
}

} // namespace

extern "C" void lammpsplugin_init(void *lammps, void *handle, void *register_function) {
  const std::string where = folder();
  const std::vector<Release> releases = releases_in(where);
  const Release host = host_release(lammps);
  std::string why;
  for (const Release &one : releases)
    if (one.version == host.version && one.update == host.update) {
      auto *start = function_of<decltype(lammpsplugin_init)>(where, one, "lammpsplugin_init", why);
      if (start) start(lammps, handle, register_function);
      else warn(lammps, "The plugin frozentlplugin.so cannot be loaded: " + why);
      return;
    }

  std::string problem = "The plugin frozentlplugin.so has nothing for ";
  if (host.version == 0) problem += "a LAMMPS whose functions it cannot see (load liblammps.so with RTLD_GLOBAL)";
  else problem += "this LAMMPS, " + release_text(host) + (host.update < 0 ? " between two releases" : "");
  problem += releases.empty() ? "; there is none in " + where : "; it is for LAMMPS " + listed(releases);
  problem += how_to_build;
  warn(lammps, problem);
  /* A style that ends the run calls Error::all, of which there have been two: one of the plugins knows this LAMMPS'. */
  for (auto one = releases.rbegin(); one != releases.rend(); ++one) {
    auto *refuse = function_of<decltype(frozentl_refuse)>(where, *one, "frozentl_refuse", why);
    if (refuse && refuse(lammps, handle, register_function, problem.c_str())) return;
  }
}
