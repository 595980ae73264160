/* Writing structures with labels. */
#ifndef FTL_FRAMES_H
#define FTL_FRAMES_H

#include "data/dataset.h"

/* One frame of extended XYZ with the labels there are, as REF_energy, REF_forces and REF_stress; numbers read back to
   the bit. `more` is put behind the comment line's keys (" key=value"), or NULL. The stream's errors are the caller's
   to look for. */
void ftl_frame_write(FILE *stream, const ftl_structure *structure, const char *more);

#endif
