/* frozentl convert: any model to .ftl, whole or cut to some elements, one head, another precision; a surrogate to
 * .yace.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "files/yace_writer.h"
#include "cli/cli.h"
#include "support/output.h"
#include "files/model_file.h"
#include "files/surrogate_file.h"
#include "model/architecture.h"
#include "base/error.h"

typedef struct {
  const char *in, *out, *head, *foundation;
  int elements[FTL_MAX_ELEMENTS], n_elements;
  int cast; /* 0: keep */
  ftl_dtype dtype;
  int force;
  double spline_bins; /* 0: not given */
} options;

static bool ends_in(const char *name, const char *end) {
  size_t n = strlen(name), m = strlen(end);
  return n >= m && strcmp(name + n - m, end) == 0;
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
  options *o = state->input;
  char *end;
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
  case 'b':
    o->spline_bins = strtod(argument, &end);
    if (end == argument || *end || !(o->spline_bins >= 1e-6 && o->spline_bins <= 0.1))
      argp_error(state, "--spline-bins is a length in Angstrom, 1e-6 to 0.1, not '%s'", argument);
    return 0;
  case ARGP_KEY_ARG:
    if (!o->in) o->in = argument;
    else if (!o->out) o->out = argument;
    else argp_error(state, "IN and OUT are all it takes, not also '%s'", argument);
    return 0;
  case ARGP_KEY_END:
    if (!o->out) argp_error(state, "it takes two files: IN and OUT.ftl (or OUT.yace)");
    if (!ends_in(o->out, ".ftl") && !ends_in(o->out, ".yace"))
      argp_error(state, "it writes .ftl files (of surrogates: .yace), and '%s' does not end so", o->out);
    if (o->spline_bins > 0 && !ends_in(o->out, ".yace")) argp_error(state, "--spline-bins is for OUT.yace");
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
    {"spline-bins", 'b', "LENGTH", 0,
     "of OUT.yace: the spacing of ML-PACE's radial splines in Angstrom (default: 0.001)", 0},
    {"force", 'f', NULL, 0, "replace OUT if it exists", 0},
    {0},
};
static const struct argp argp = {
    option_list,
    parse_option,
    "IN OUT.ftl\nSURROGATE.ftl OUT.yace",
    "Writes a MACE .model or a FrozenTL .ftl file as .ftl: a safetensors file with the architecture and its origin in "
    "the header (docs/ftl-format.md). A delta becomes a full file. A surrogate is written as .yace, for pair_style "
    "pace."
    "\vOUT appears complete or not at all. Nothing in IN is executed.\n\n"
    "Example: frozentl convert mace-mp.model h2cu.ftl --elements H,Cu",
    NULL,
    NULL,
    NULL};

static ftl_status write_yace(const ftl_ace_file *file, const options *o, ftl_error *error) {
  ftl_output_file output;
  FTL_TRY(ftl_output_open(o->out, &output, error));
  ftl_status status = ftl_ace_file_write(file, o->spline_bins > 0 ? o->spline_bins : 0.001, NULL, output.stream, error);
  if (!status) return ftl_output_commit(&output, error);
  ftl_output_discard(&output);
  return status;
}

static ftl_status read_surrogate(const options *o, ftl_pace_kind kind, ftl_ace_file *file, ftl_error *error) {
  ftl_surrogate surrogate;
  if (kind == FTL_PACE_YACE)
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, o->in,
                    "a PACE potential (.yace) has the products of couplings and coefficients only, which cannot be "
                    "told apart again: no "
                    "surrogate's .ftl can be made of it; programs take the .yace as it is");
  if (kind == FTL_PACE_NONE)
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, o->in,
                    "only a surrogate can become .yace; this is none (`frozentl distill` makes one of a MACE model)");
  if (!ends_in(o->out, ".yace"))
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, o->in, "a surrogate is an .ftl file already; it can become a .yace");
  if (o->n_elements > 0 || o->head || o->cast || o->foundation)
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, o->in,
                    "a surrogate is converted whole: without --elements, --head, --dtype, --foundation");
  FTL_TRY(ftl_surrogate_open(o->in, &surrogate, NULL, error));
  ftl_status status = ftl_surrogate_file(&surrogate, surrogate.coefficient, file, error);
  ftl_surrogate_free(&surrogate);
  return status;
}

static int convert_surrogate(const options *o, ftl_pace_kind kind, ftl_error *error) {
  ftl_ace_file file;
  struct stat info;
  if (read_surrogate(o, kind, &file, error) != FTL_OK) return cli_report(error, CLI_INPUT);
  ftl_status status = write_yace(&file, o, error);
  if (!status && stat(o->out, &info) == 0)
    printf("%s: %d element%s, %.1f kB\n", o->out, file.n_elements, file.n_elements == 1 ? "" : "s",
           (double)info.st_size / 1000);
  ftl_ace_file_free(&file);
  return status == FTL_OK ? CLI_OK : cli_report(error, CLI_OUTPUT);
}

static int check_paths(const options *o) {
  ftl_paths paths = {0};
  ftl_paths_model(&paths, "IN", o->in, o->foundation);
  ftl_paths_output(&paths, "OUT", o->out);
  return cli_check_paths(&paths);
}

int cmd_convert(int argc, char **argv) {
  options o = {0};
  ftl_error error = {0};
  ftl_source *source = NULL;
  struct stat info;
  int code = cli_parse(&argp, "convert", argc, argv, &o);
  if (code == CLI_OK) code = check_paths(&o);
  if (code != CLI_OK) return code;
  if (!o.force && lstat(o.out, &info) == 0) {
    ftl_fail(&error, FTL_ERR_IO, o.out, "it exists; choose another name, or --force to replace it");
    return cli_report(&error, CLI_OUTPUT);
  }
  ftl_pace_kind pace;
  ftl_status status = ftl_pace_kind_of_file(o.in, &pace, &error);
  if (!status && (pace != FTL_PACE_NONE || ends_in(o.out, ".yace"))) return convert_surrogate(&o, pace, &error);
  if (!status) status = ftl_source_read_with(o.in, o.foundation, &source, &error);
  if (!status && o.foundation && !source->delta) status = ftl_source_no_delta(o.in, &error);
  if (!status && o.n_elements > 0) status = ftl_source_cut_elements(source, o.elements, o.n_elements, &error);
  if (!status && o.head) status = ftl_source_cut_head(source, o.head, &error);
  if (!status && o.cast) status = ftl_source_cast(source, o.dtype, &error);
  if (status) {
    code = cli_report(&error, CLI_INPUT);
  } else if (cli_write_model(source, o.out, &error) != FTL_OK) {
    code = cli_report(&error, CLI_OUTPUT);
  } else if (stat(o.out, &info) == 0) {
    printf("%s: %d element%s, %d head%s, %.1f kB\n", o.out, source->arch.n_elements,
           source->arch.n_elements == 1 ? "" : "s", source->arch.n_heads, source->arch.n_heads == 1 ? "" : "s",
           (double)info.st_size / 1000);
  }
  ftl_source_free(source);
  return code;
}
