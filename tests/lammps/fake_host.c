/* What of LAMMPS a plugin sees before it knows the release: for test_loader.py, which gives it other releases than the
   one that is installed. fake_host VERSION PLUGIN     prints the warnings and the styles that the plugin registers
   FAKE_GIT is what its git descriptor says; the test writes another update into the banner of its copy. */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define HOST __attribute__((visibility("default"), used))

static int version;
HOST const char banner[] = "Large-scale Atomic/Molecular Massively Parallel Simulator - 1 Jan 2024 - Update 9\n";

HOST int lammps_version(void *lammps) {
  (void)lammps;
  return version;
}
HOST void lammps_error(void *lammps, int type, const char *text) {
  (void)lammps;
  printf("error of type %d: %s\n", type, text);
}
HOST bool _ZN9LAMMPS_NS6LAMMPS12has_git_infoEv(void) { return getenv("FAKE_GIT") != NULL; }
HOST const char *_ZN9LAMMPS_NS6LAMMPS14git_descriptorEv(void) { return getenv("FAKE_GIT"); }

struct plugin {
  const char *version, *style, *name;
};
static void register_style(void *plugin, void *lammps) {
  const struct plugin *p = plugin;
  (void)lammps;
  printf("registered %s %s\n", p->style, p->name);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  version = atoi(argv[1]);
  void *plugin = dlopen(argv[2], RTLD_NOW | RTLD_GLOBAL);
  if (!plugin) {
    puts(dlerror());
    return 1;
  }
  void (*start)(void *, void *, void (*)(void *, void *));
  *(void **)&start = dlsym(plugin, "lammpsplugin_init");
  start(NULL, plugin, register_style);
  return 0;
}
