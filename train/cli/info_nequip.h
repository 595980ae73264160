/* frozentl info of a model of the NequIP family: what it has besides, or in another form than, a MACE. */
#ifndef CLI_INFO_NEQUIP_H
#define CLI_INFO_NEQUIP_H

#include <jansson.h>

#include "model/architecture.h"

/* Adds to the description of a model; nothing of one that is of another family. */
void cli_nequip_describe(const ftl_source *source, json_t *object);

/* The lines of text of a model that was described so: after the harmonics; of a layer; of a head. */
void cli_nequip_print(const json_t *object);
void cli_nequip_print_layer(const json_t *layer);
void cli_nequip_print_scale(const json_t *head);

#endif
