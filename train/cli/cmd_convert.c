/* frozentl convert: any model to .ftl, whole or cut to some elements, one head, another precision. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "model/architecture.h"
#include "model/error.h"

typedef struct {
  const char *in, *out, *head, *foundation;
  int elements[FTL_MAX_ELEMENTS], n_elements;
  int cast; /* 0: keep */
  ftl_dtype dtype;
  int force;
} options;

static error_t parse_option(int key, char *argument, struct argp_state *state) {
  options *o = state->input;
  switch (key) {
  case 'e':
    o->n_elements = cli_elements(state, "--elements", argument, o->elements, FTL_MAX_ELEMENTS);
    return 0;
  case 'H':
    o->head = argument;
    return 0;
  case 'F':
    o->foundation = argument;
    return 0;
  case 'd':
    o->cast = 1;
    if (strcmp(argument, "float32") == 0) o->dtype = FTL_F32;
    else if (strcmp(argument, "float64") == 0) o->dtype = FTL_F64;
    else argp_error(state, "--dtype is float32 or float64, not '%s'", argument);
    return 0;
  case 'f':
    o->force = 1;
    return 0;
  case ARGP_KEY_ARG:
    if (!o->in) o->in = argument;
    else if (!o->out) o->out = argument;
    else argp_error(state, "IN and OUT.ftl are all it takes, not also '%s'", argument);
    return 0;
  case ARGP_KEY_END:
    if (!o->out) argp_error(state, "it takes two files: IN and OUT.ftl");
    size_t length = strlen(o->out);
    if (length < 4 || strcmp(o->out + length - 4, ".ftl") != 0)
      argp_error(state, "it writes .ftl files, and '%s' does not end in .ftl", o->out);
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_option option_list[] = {
    {"elements", 'e', "H,Cu", 0, "keep only these elements: a smaller file with the same energies for them", 0},
    {"head", 'H', "NAME", 0, "keep only this head", 0},
    {"foundation", 'F', "FILE", 0, CLI_FOUNDATION_HELP, 0},
    {"dtype", 'd', "TYPE", 0, "float32 or float64 weights (default: as they are)", 0},
    {"force", 'f', NULL, 0, "replace OUT.ftl if it exists", 0},
    {0},
};
static const struct argp argp = {
    option_list,
    parse_option,
    "IN OUT.ftl",
    "Writes a MACE .model or a FrozenTL .ftl file as .ftl: a safetensors file with the architecture and its origin in "
    "the header (docs/ftl-format.md). A delta becomes a full file."
    "\vOUT.ftl appears complete or not at all. Nothing in IN is executed.\n\n"
    "Example: frozentl convert mace-mp.model h2cu.ftl --elements H,Cu",
    NULL,
    NULL,
    NULL};

int cmd_convert(int argc, char **argv) {
  options o = {0};
  ftl_error error = {0};
  ftl_source *source = NULL;
  struct stat info;
  int code = cli_parse(&argp, "convert", argc, argv, &o);
  if (code != CLI_OK) return code;
  if (!o.force && lstat(o.out, &info) == 0) {
    ftl_fail(&error, FTL_ERR_IO, o.out, "it exists; choose another name, or --force to replace it");
    return cli_report(&error, CLI_OUTPUT);
  }
  ftl_status status = ftl_source_read_with(o.in, o.foundation, &source, &error);
  if (status == FTL_OK && o.n_elements > 0) status = ftl_source_cut_elements(source, o.elements, o.n_elements, &error);
  if (status == FTL_OK && o.head) status = ftl_source_cut_head(source, o.head, &error);
  if (status == FTL_OK && o.cast) status = ftl_source_cast(source, o.dtype, &error);
  if (status != FTL_OK) {
    code = cli_report(&error, CLI_INPUT);
  } else if (ftl_source_write(source, o.out, &error) != FTL_OK) {
    code = cli_report(&error, CLI_OUTPUT);
  } else if (stat(o.out, &info) == 0) {
    printf("%s: %d element%s, %d head%s, %.1f kB\n", o.out, source->arch.n_elements,
           source->arch.n_elements == 1 ? "" : "s", source->arch.n_heads, source->arch.n_heads == 1 ? "" : "s",
           (double)info.st_size / 1000);
  }
  ftl_source_free(source);
  return code;
}
