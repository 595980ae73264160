/* frozentl convert: any model to .ftl, whole or cut to some elements, one head, another precision; a surrogate to
 * .yace.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/yace_writer.h"
#include "cli/cli.h"
#include "cli/command.h"
#include "cli/python.h"
#include "support/output.h"
#include "files/foundations.h"
#include "files/model_file.h"
#include "files/surrogate_file.h"
#include "model/architecture.h"
#include "base/error.h"
#include "base/text.h"

typedef struct {
  const char *in, *out;
  char *head, *foundation, *symbols;
  int elements[FTL_MAX_ELEMENTS], n_elements;
  int dtype; /* ftl_dtype */
  bool cast, force, exports;
  int target;         /* of an export */
  double spline_bins; /* 0: not given */
} options;

#define FTL_VALUES options
#include "support/option_table.h"

typedef enum { TO_MACE, TO_SEVENNET, TO_SEVENNET_STATES } export_target; /* the last by the ending of OUT */
static const struct {
  const char *program, *ending, *module, *package;
} exports[] = {[TO_MACE] = {"mace", ".model", "frozentl.export.mace", "mace-torch"},
               [TO_SEVENNET] = {"sevennet", ".pth", "frozentl.export.sevennet", "sevenn"},
               [TO_SEVENNET_STATES] = {"sevennet", ".safetensors", "frozentl.export.states", "numpy"}};
CHOICES(target_words, TO_SEVENNET + 1, [TO_MACE] = "mace", [TO_SEVENNET] = "sevennet");

CHOICES(dtype_words, FTL_F64 + 1, [FTL_F32] = "float32", [FTL_F64] = "float64");

static const ftl_option rows[] = {
    TEXT(symbols, .key = "elements", .flag = "elements", .letter = 'e', .value = "H,Cu",
         .doc = "keep only these elements: a smaller file with the same energies for them"),
    TEXT(head, .key = "head", .flag = "head", .letter = 'H', .value = "NAME", .doc = "keep only this head"),
    PATH(foundation, .key = "foundation", .flag = "foundation", .letter = 'F', .doc = CLI_FOUNDATION_HELP),
    CHOICE(dtype, dtype_words, .key = "dtype", .flag = "dtype", .letter = 'd', .value = "TYPE",
           .doc = "weights of this type, by default as they are"),
    REAL(spline_bins, FTL_ACE_LEAST_BINS, FTL_ACE_MOST_BINS, .key = "spline-bins", .flag = "spline-bins", .letter = 'b',
         .value = "LENGTH", .doc = "of OUT.yace: the spacing of ML-PACE's radial splines in Angstrom (default: 0.001)"),
    CHOICE(target, target_words, .key = "to", .flag = "to", .letter = 't', .value = "PROGRAM",
           .doc =
               "the other way: a file of this program, OUT.model of mace-torch or OUT.pth of sevenn, which is that of "
               "--foundation with IN's weights; OUT.safetensors: sevenn's state_dict, without torch"),
    SWITCH(force, .key = "force", .flag = "force", .letter = 'f', .doc = "replace OUT if it exists"),
};

static void check(const cli_given *given, struct argp_state *state) {
  options *o = given->options.values;
  o->in = given->file[0];
  o->out = given->file[1];
  o->cast = ftl_options_is_set(&given->options, "dtype");
  o->exports = ftl_options_is_set(&given->options, "to");
  if (o->symbols) o->n_elements = cli_elements(state, "--elements", o->symbols, o->elements, FTL_MAX_ELEMENTS);
  if (o->exports) {
    if (o->target == TO_SEVENNET && ftl_ends_with(o->out, exports[TO_SEVENNET_STATES].ending))
      o->target = TO_SEVENNET_STATES;
    if (!ftl_ends_with(o->out, exports[o->target].ending))
      argp_error(state, "with --to %s it writes %s files, and '%s' does not end so", exports[o->target].program,
                 exports[o->target].ending, o->out);
    if (!o->foundation)
      argp_error(state, "--to %s needs --foundation, the file that IN was made from", exports[o->target].program);
    if (o->n_elements > 0 || o->head || o->cast || o->spline_bins > 0)
      argp_error(state, "--to takes a model as it is: without --elements, --head, --dtype, --spline-bins");
    return;
  }
  if (!ftl_ends_with(o->out, ".ftl") && !ftl_ends_with(o->out, ".yace"))
    argp_error(state, "it writes .ftl files (of surrogates: .yace), and '%s' does not end so", o->out);
  if (o->spline_bins > 0 && !ftl_ends_with(o->out, ".yace")) argp_error(state, "--spline-bins is for OUT.yace");
}

static const cli_command command_line = {
    .table = {.command = "convert", .option = rows, .n = sizeof rows / sizeof *rows},
    .files =
        "IN OUT.ftl\nSURROGATE.ftl OUT.yace\nIN --to mace OUT.model --foundation X.model\nIN --to sevennet OUT.pth "
        "--foundation X.pth",
    .doc = "Writes a MACE .model, a SevenNet .pth or a FrozenTL .ftl file as .ftl: a safetensors file with the "
           "architecture and its "
           "origin in the header (docs/ftl-format.md). A delta becomes a full file. A surrogate is written as .yace, "
           "for pair_style pace. With --to, a model made from a foundation of mace-torch or sevenn goes back into its "
           "format, by a Python that has that program (FROZENTL_PYTHON names one)."
           "\vOUT appears complete or not at all. Nothing in IN is executed.\n\n"
           "Example: frozentl convert mace-mp.model h2cu.ftl --elements H,Cu",
    .least = 2,
    .most = 2,
    .missing = "it takes two files: IN and OUT.ftl (or OUT.yace)",
    .extra = "IN and OUT are all it takes",
    .check = check};

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
  if (!ftl_ends_with(o->out, ".yace"))
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

/* What Python has made of the foundation; what is said of it, if anything, is a note. */
static int save_export(const options *o, const cli_python *run) {
  const int code = cli_save(o->out, run->text, run->size);
  if (code != CLI_OK) return code;
  printf("%s: %.1f kB, made of %s\n", o->out, (double)run->size / 1000, o->foundation);
  if (*run->last) printf("note: %s\n", run->last);
  return CLI_OK;
}

static int export(const options *o) {
  ftl_error error = {0};
  cli_python run = {0};
  char self[FTL_PATH_ROOM], foundation[FTL_PATH_ROOM], doing[100], done[100];
  if (!cli_own_path(self, sizeof self)) {
    ftl_fail(&error, FTL_ERR_IO, "/proc/self/exe", "cannot tell where this program is: %s", strerror(errno));
    return cli_report(&error, CLI_INPUT);
  }
  if (ftl_model_path(o->foundation, foundation, sizeof foundation, &error) != FTL_OK)
    return cli_report(&error, CLI_INPUT);
  for (int k = 0; k < 2; k++) {
    const char *file = k ? foundation : o->in;
    if (access(file, R_OK) == 0) continue;
    ftl_fail(&error, FTL_ERR_IO, file, "cannot open it: %s", strerror(errno));
    return cli_report(&error, CLI_INPUT);
  }
  snprintf(doing, sizeof doing, "write %s files", exports[o->target].ending);
  snprintf(done, sizeof done, "written as %s", exports[o->target].ending);
  const cli_python_task task = {exports[o->target].package, doing, doing, done};
  int code = cli_python_run(exports[o->target].module, 3, (const char *const[]){self, o->in, foundation}, &task, &run);
  if (code == CLI_OK) code = save_export(o, &run);
  cli_python_free(&run);
  return code;
}

static int convert(const cli_given *given) {
  const options *o = given->options.values;
  ftl_error error = {0};
  ftl_source *source = NULL;
  struct stat info;
  int code = check_paths(o);
  if (code == CLI_OK && !o->force) code = cli_refuse_existing(o->out);
  if (code != CLI_OK) return code;
  if (o->exports) return export(o);
  ftl_pace_kind pace;
  ftl_status status = ftl_pace_kind_of_file(o->in, &pace, &error);
  if (status == FTL_OK && (pace != FTL_PACE_NONE || ftl_ends_with(o->out, ".yace")))
    return convert_surrogate(o, pace, &error);
  if (status == FTL_OK) status = ftl_source_read_with(o->in, o->foundation, &source, &error);
  if (status == FTL_OK && o->foundation && !source->delta) status = ftl_source_no_delta(o->in, &error);
  if (status == FTL_OK && o->n_elements > 0)
    status = ftl_source_cut_elements(source, o->elements, o->n_elements, &error);
  if (status == FTL_OK && o->head) status = ftl_source_cut_head(source, o->head, &error);
  if (status == FTL_OK && o->cast) status = ftl_source_cast(source, (ftl_dtype)o->dtype, &error);
  if (status != FTL_OK) {
    code = cli_report(&error, CLI_INPUT);
  } else if (cli_write_model(source, o->out, &error) != FTL_OK) {
    code = cli_report(&error, CLI_OUTPUT);
  } else if (stat(o->out, &info) == 0) {
    printf("%s: %d element%s, %d head%s, %.1f kB\n", o->out, source->arch.n_elements,
           source->arch.n_elements == 1 ? "" : "s", source->arch.n_heads, source->arch.n_heads == 1 ? "" : "s",
           (double)info.st_size / 1000);
  }
  ftl_source_free(source);
  return code;
}

int cmd_convert(int argc, char **argv) {
  options o = {0};
  return cli_command_run(&command_line, argc, argv, &o, convert);
}
