/* frozentl select: which of many structures to label next. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/command.h"
#include "data/dataset.h"
#include "sampling/frames.h"
#include "sampling/starts.h"
#include "support/output.h"
#include "surrogate/choose.h"

typedef struct {
  int64_t n, threads;
  char *out, *foundation;
  ftl_words data, elements;
  int by; /* FTL_SELECT_... */
} options;

#define FTL_VALUES options
#include "support/option_table.h"

CHOICES(by_words, FTL_N_SELECTS, [FTL_SELECT_BY_VOLUME] = "volume", [FTL_SELECT_BY_DISTANCE] = "distance");

static const ftl_option rows[] = {
    INTEGER(n, 1, 1e7, .key = "number", .flag = "number", .letter = 'n', .value = "N", .needed = true,
            .doc = "so many are chosen (fewer if there are not as many different ones)"),
    PATH(out, .key = "output", .flag = "output", .letter = 'o', .value = "CHOSEN.xyz",
         .doc = "write them, in the order of CANDIDATES, with everything that they have there (of a dump: elements, "
                "positions and cell), as extended XYZ"),
    WORDS(elements, .key = "elements", .flag = "elements", .value = "EL,...",
          .doc = "elements of the types 1, 2, ... of a dump of LAMMPS without a column element"),
    PATHS(data, .key = "data", .flag = "data", .letter = 'd', .value = "DATA.xyz",
          .doc = "structures that are labelled already: what they tell need not be told again"),
    CHOICE(by, by_words, .key = "by", .flag = "by", .initial = "volume",
           .doc = "structures whose descriptors span the largest volume (D-optimal), or that are farthest apart"),
    PATH(foundation, .key = "foundation", .flag = "foundation", .letter = 'F', .doc = CLI_FOUNDATION_HELP),
    INTEGER(threads, 0, 4096, .key = "threads", .flag = "threads", .letter = 't', .initial = "0",
            .doc = "0: all processors"),
};

static void check(const cli_given *given, struct argp_state *state) {
  const options *o = given->options.values;
  if (o->n == 0) argp_error(state, "how many? -n 50 chooses fifty");
}

static const cli_command command_line = {
    .table = {.command = "select", .option = rows, .n = sizeof rows / sizeof *rows},
    .files = "MODEL CANDIDATES -n N",
    .doc =
        "Chooses the structures of CANDIDATES, extended XYZ or a dump of LAMMPS, that are most worth a label: those "
        "whose surroundings, within the "
        "cutoff of MODEL, differ most from one another and from those of --data. Prints them in the order of what each "
        "adds."
        "\vMODEL gives elements and cutoff; it is not asked for energies.\n\nExample: frozentl select run/model.ftl "
        "md.xyz -n 50 --data train.xyz -o to-label.xyz",
    .least = 2,
    .most = 2,
    .missing = "which MODEL and CANDIDATES?",
    .extra = "one MODEL and one CANDIDATES",
    .check = check};

/* ---- what is chosen from ---- */

static ftl_status check_elements(const ftl_dataset *set, const ftl_model *model, ftl_error *error) {
  for (int64_t k = 0; k < set->n; k++)
    for (int i = 0; i < set->structure[k].n; i++) {
      const int z = set->structure[k].atomic_number[i];
      char where[256];
      if (ftl_model_species(model, z) >= 0) continue;
      ftl_structure_where(&set->structure[k], i, where);
      return ftl_fail(error, FTL_ERR_INPUT, where, "atom %d is %s, which the model lacks", i, ftl_element_symbol(z));
    }
  return FTL_OK;
}

static ftl_status read_xyz(char *const *paths, int n, ftl_dataset *set, ftl_error *error) {
  const ftl_dataset_options plain = {.labels = {.prefix = "REF_"}};
  FTL_TRY(ftl_dataset_read(paths, n, &plain, set, error));
  return set->n > 0 ? FTL_OK : ftl_fail(error, FTL_ERR_INPUT, paths[0], "there is no structure in it");
}

static ftl_status read_dump(const options *o, const char *path, ftl_dataset *set, ftl_error *error) {
  int element[118];
  for (int k = 0; k < o->elements.n; k++) {
    element[k < 118 ? k : 117] = ftl_atomic_number(o->elements.item[k]);
    if (k >= 118 || element[k] == 0)
      return ftl_fail(error, FTL_ERR_INPUT, "--elements", "'%.20s' is no chemical symbol", o->elements.item[k]);
  }
  return ftl_starts_read_dump(path, element, o->elements.n, set, error);
}

static ftl_status read_candidates(const options *o, char *path, ftl_dataset *set, ftl_error *error) {
  if (ftl_starts_is_dump(path)) return read_dump(o, path, set, error);
  if (o->elements.n > 0)
    return ftl_fail(error, FTL_ERR_INPUT, path,
                    "--elements are for the types of a dump of LAMMPS, which this is not; leave them out");
  return read_xyz(&path, 1, set, error);
}

/* Elements that are there, and the cutoff. */
static ftl_status describe(const ftl_model *model, const ftl_dataset *candidates, const ftl_dataset *given,
                           ftl_basis_options *basis, ftl_error *error) {
  ftl_model_info info;
  int all[2][118], n[2];
  ftl_model_get_info(model, &info);
  *basis = (ftl_basis_options){.radial = FTL_ACE_SBESSEL, .cutoff = info.cutoff, .d_cutoff = 0.1 * info.cutoff};
  n[0] = ftl_dataset_elements(candidates, all[0]);
  n[1] = ftl_dataset_elements(given, all[1]);
  for (int set = 0; set < 2; set++)
    for (int k = 0; k < n[set]; k++) {
      if (ftl_element_index(basis->elements, basis->n_elements, all[set][k]) >= 0) continue;
      if (basis->n_elements == FTL_MAX_ELEMENTS)
        return ftl_fail(error, FTL_ERR_INPUT, NULL, "there are more than %d elements", FTL_MAX_ELEMENTS);
      basis->elements[basis->n_elements++] = all[set][k];
    }
  return FTL_OK;
}

/* ---- the answer ---- */

static void print(const options *o, const ftl_dataset *candidates, const int64_t *list, const double *gain, int64_t n) {
  printf("%-6s %-8s %-8s %-8s %-20s %s\n", "", "frame", "line", "atoms", "config_type",
         o->by == FTL_SELECT_BY_VOLUME ? "log of volume gained" : "distance");
  for (int64_t k = 0; k < n; k++) {
    const ftl_structure *s = &candidates->structure[list[k]];
    printf("%-6lld %-8lld %-8lld %-8d %-20s %.4g\n", (long long)k + 1, (long long)s->frame, (long long)s->line, s->n,
           s->config_type, gain[k]);
  }
  printf("%lld of %lld structures are chosen\n", (long long)n, (long long)candidates->n);
}

static ftl_status copy_frames(const char *from, const bool *chosen, FILE *to, ftl_error *error) {
  ftl_xyz_reader *reader;
  ftl_xyz_frame frame = {0};
  bool end = false;
  FTL_TRY(ftl_xyz_open(from, &reader, error));
  ftl_status status = ftl_xyz_read(reader, &frame, &end, error);
  while (!status && !end) {
    if (chosen[frame.index]) status = ftl_xyz_write(to, &frame, NULL, 0, error);
    if (!status) status = ftl_xyz_read(reader, &frame, &end, error);
  }
  ftl_xyz_frame_free(&frame);
  ftl_xyz_close(reader);
  return status;
}

static int write(const options *o, const char *from, const ftl_dataset *candidates, const int64_t *list, int64_t n,
                 ftl_error *error) {
  ftl_output_file file;
  bool *chosen = calloc((size_t)candidates->n + 1, sizeof *chosen);
  if (!chosen) {
    ftl_no_memory(error, NULL, "writing what is chosen");
    return cli_report(error, CLI_MEMORY);
  }
  for (int64_t k = 0; k < n; k++) chosen[candidates->structure[list[k]].frame] = true;
  const bool dump = ftl_starts_is_dump(from);
  ftl_status status = ftl_output_open(o->out, &file, error);
  for (int64_t k = 0; k < candidates->n && !status && dump; k++)
    if (chosen[k]) ftl_frame_write(file.stream, &candidates->structure[k], NULL);
  if (!status) {
    if (!dump) status = copy_frames(from, chosen, file.stream, error);
    if (!status) status = ftl_output_commit(&file, error);
    else ftl_output_discard(&file);
  }
  free(chosen);
  return status ? cli_report(error, CLI_OUTPUT) : CLI_OK;
}

static int check_paths(const cli_given *given) {
  const options *o = given->options.values;
  ftl_paths paths = {0};
  ftl_paths_model(&paths, "MODEL", given->file[0], o->foundation);
  ftl_paths_input(&paths, "CANDIDATES", given->file[1]);
  for (int k = 0; k < o->data.n; k++) ftl_paths_input(&paths, "--data", o->data.item[k]);
  if (o->out) ftl_paths_output(&paths, "--output", o->out);
  return cli_check_paths(&paths);
}

static int choose(const cli_given *given) {
  const options *o = given->options.values;
  ftl_error error = {0};
  ftl_model *model = NULL;
  ftl_dataset candidates = {0}, labelled = {0};
  ftl_basis_options basis;
  int64_t n = 0;
  int code = check_paths(given);
  if (code != CLI_OK) return code;
  const ftl_open_options open = {.foundation = o->foundation};
  ftl_status status = ftl_model_open(given->file[0], &open, &model, &error);
  if (!status) status = read_candidates(o, given->file[1], &candidates, &error);
  if (!status && o->data.n > 0) status = read_xyz(o->data.item, o->data.n, &labelled, &error);
  if (!status) status = check_elements(&candidates, model, &error);
  if (!status) status = check_elements(&labelled, model, &error);
  if (!status) status = describe(model, &candidates, &labelled, &basis, &error);
  int64_t *list = malloc(((size_t)o->n + 1) * sizeof *list);
  double *gain = malloc(((size_t)o->n + 1) * sizeof *gain);
  if (!status && (!list || !gain)) status = ftl_no_memory(&error, NULL, "a choice");
  if (!status)
    status = ftl_choose_structures(&basis, &labelled, &candidates, o->n, o->by == FTL_SELECT_BY_DISTANCE,
                                   (int)o->threads, list, gain, &n, &error);
  if (status) code = cli_report(&error, CLI_INPUT);
  else print(o, &candidates, list, gain, n);
  if (!status && o->out) code = write(o, given->file[1], &candidates, list, n, &error);
  free(list);
  free(gain);
  ftl_dataset_free(&candidates);
  ftl_dataset_free(&labelled);
  ftl_model_free(model);
  return code;
}

int cmd_select(int argc, char **argv) {
  options o = {0};
  return cli_command_run(&command_line, argc, argv, &o, choose);
}
