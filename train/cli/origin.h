/* Where a model comes from, as `frozentl info` prints it. */
#ifndef FTL_CLI_ORIGIN_H
#define FTL_CLI_ORIGIN_H

#include <jansson.h>
#include <stdbool.h>

/* The metadata of a source (docs/ftl-format.md, sections 3 and 5): provenance, foundation, freeze, trained tensors,
   dataset and training summary in words; what else there is as it is in the file. Members may be missing or of another
   kind than the format says. verbose: each trained tensor by its name, else their number. */
void cli_print_origin(const json_t *origin, bool verbose);

#endif
