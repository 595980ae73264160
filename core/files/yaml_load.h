/* YAML from outside, made into libyaml's document. Internal to core and train. */
#ifndef FTL_YAML_LOAD_H
#define FTL_YAML_LOAD_H

#include <stddef.h>
#include <yaml.h>

#include "frozentl.h"

/* Takes time and memory in proportion to `size`, and refuses by line what has no place in a file of this project:
   nesting deeper than 64, anchors and aliases, a key that is twice in a mapping, a second document, a sign that is no
   YAML. The caller deletes the document after FTL_OK; one without content has no root node. */
ftl_status ftl_yaml_load(const void *data, size_t size, const char *path, yaml_document_t *document, ftl_error *error);

#endif
