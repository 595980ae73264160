/* frozentl eval: a model on the frames of an XYZ file.

   Two passes over the file: a survey that reads and checks every frame (so that a mistake in the last one is told
   before hours of work), finds which elements are needed, and counts for the progress bar; then the evaluation, one
   frame in memory at a time. A pipe is read once, without a survey. */
#include <string.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/eval.h"

#define FTL_VALUES cli_eval_options
#include "support/option_table.h"

#include "data/data_options.h"

static const ftl_option rows[] = {
    TEXT(head, .key = "head", .flag = "head", .letter = 'H', .value = "NAME",
         .doc = "the head that is evaluated, or 'all'; default: the frame's own head=, or else the model's default"),
    PATH(foundation, .key = "foundation", .flag = "foundation", .letter = 'F', .doc = CLI_FOUNDATION_HELP),
    PATH(xyz, .key = "output", .flag = "output", .letter = 'o', .value = "OUT.xyz",
         .doc = "write the frames with energy, stress, forces and node_energy (an atom's energy as in ASE's "
                "calculators: of a MACE without E0, of a SevenNet all of it)"),
    PATH(json, .key = "json", .flag = "json", .letter = 'j', .value = "OUT.json",
         .doc = "write a list with, per frame: frame, head, energy, forces, node_energy, stress (3x3, or null without "
                "a cell that is periodic in three directions), and what the frame had: config_type, reference; "
                "frozentl plot draws it"),
    LABEL_OPTIONS("", 'l'),
    WORDS(select, .key = "select", .flag = "select", .value = "KEY=VALUE,...",
          .doc = "only frames whose comment line has this: head=pbe; several values of one key are alternatives, "
                 "(none) stands for no such key"),
    PRECISION(precision),
    INTEGER(threads, 1, 4096, .key = "threads", .flag = "threads", .letter = 't',
            .doc = "threads to use; default: OMP_NUM_THREADS, or all cores"),
    INTEGER(repeat, 1, 1000000, .key = "repeat", .flag = "repeat", .letter = 'r',
            .doc = "benchmark: evaluate each frame N times more and print the median time per atom and step, neighbour "
                   "list included, and the memory used"),
    SWITCH(trust, .key = "trust", .flag = "trust", .letter = 'T',
           .doc = "also what the model knows of its errors (a surrogate, or a model that frozentl trust has taught): "
                  "extrapolation, energy_deviation, force_deviation of each atom and total_deviation of the energy in "
                  "--json and --output, and with labels a table of how well they tell errors"),
    SWITCH(quiet, .key = "quiet", .flag = "quiet", .letter = 'q', .doc = "no tables and no progress bar"),
};

static void check(const cli_given *given, struct argp_state *state) {
  cli_eval_options *o = given->options.values;
  o->model = given->file[0];
  o->data = given->file[1];
  if (strlen(o->labels) > 100) argp_error(state, "--labels takes a short prefix");
}

static const cli_command command_line = {
    .table = {.command = "eval", .option = rows, .n = sizeof rows / sizeof *rows},
    .files = "MODEL DATA.xyz",
    .doc = "Evaluates a MACE .model, a FrozenTL .ftl or a PACE .yace file on the frames of an extended XYZ file: "
           "energies (eV), forces (eV/Angstrom), energies per atom and stress (eV/Angstrom^3, ASE's sign). If the "
           "frames have labels (REF_energy, REF_forces, REF_stress), prints RMSE and MAE per config_type and in total: "
           "energy per atom in meV, forces in meV/Angstrom over all components, stress in meV/Angstrom^3 over its nine "
           "components."
           "\vDATA.xyz may be - for standard input. Output files appear complete or not at all; they may be no file "
           "that is read. Frames and atoms are counted from 0.\n\n"
           "Example: frozentl eval potential.ftl test.xyz -o predicted.xyz",
    .least = 2,
    .most = 2,
    .missing = "it takes two files: MODEL and DATA.xyz",
    .extra = "MODEL and DATA.xyz are all it takes",
    .check = check};

static int run(cli_eval *j, ftl_error *error) {
  struct stat info;
  int code = CLI_OK;
  if (ftl_evaluator_open_with(j->o->model, j->o->foundation, (ftl_precision)j->o->precision, (int)j->o->threads,
                              &j->evaluator, error) != FTL_OK)
    return cli_report(error, CLI_INPUT);
  j->all_heads = j->o->head && strcmp(j->o->head, "all") == 0;
  j->head = FTL_DEFAULT_HEAD;
  if (j->o->head && !j->all_heads && ftl_evaluator_find_head(j->evaluator, j->o->head, &j->head, error) != FTL_OK)
    return cli_report(error, CLI_INPUT);
  if (j->o->trust) ftl_evaluator_ask_trust(j->evaluator);
  if (stat(j->o->data, &info) != 0 || S_ISREG(info.st_mode)) {
    if (strcmp(j->o->data, "-") != 0) code = cli_eval_survey(j, error);
  }
  if (code == CLI_OK) code = cli_eval_open_outputs(j, error);
  if (code == CLI_OK) code = cli_eval_frames(j, error);
  if (code == CLI_OK) code = cli_eval_close_outputs(j, error);
  if (code == CLI_OK && j->o->repeat)
    ftl_evaluator_write_stage_times(j->evaluator, j->done * (double)(j->o->repeat + 1), stdout);
  return code != CLI_OK || j->o->quiet || j->o->repeat ? code : cli_eval_summary(j, error);
}

static int check_paths(const cli_eval_options *o) {
  ftl_paths paths = {0};
  ftl_paths_model(&paths, "MODEL", o->model, o->foundation);
  ftl_paths_input(&paths, "DATA.xyz", o->data);
  ftl_paths_output(&paths, "--output", o->xyz);
  ftl_paths_output(&paths, "--json", o->json);
  return cli_check_paths(&paths);
}

static int eval(const cli_given *given) {
  const cli_eval_options *o = given->options.values;
  ftl_error error = {0};
  int code = check_paths(o);
  if (code != CLI_OK) return code;
  cli_eval j = {.o = o,
                .names = {o->labels, {o->label.energy, o->label.forces, o->label.stress, o->label.virial}},
                .select = {o->select.n, o->select.item},
                .energy_errors = {.dimensions = 1},
                .force_errors = {.dimensions = 3}};
  if (ftl_selection_check(&j.select, &error) != FTL_OK) code = cli_report(&error, CLI_INPUT);
  if (code == CLI_OK) cli_warn_of_threads((int)o->threads);
  if (code == CLI_OK) code = run(&j, &error);
  ftl_output_discard(&j.xyz);
  ftl_output_discard(&j.json);
  ftl_error_table_free(&j.table);
  ftl_comparison_free(&j.comparison);
  ftl_calibration_free(&j.energy_errors);
  ftl_calibration_free(&j.force_errors);
  ftl_answer_free(&j.answer);
  ftl_labels_free(&j.labels);
  ftl_xyz_frame_free(&j.frame);
  ftl_evaluator_free(j.evaluator);
  return code;
}

int cmd_eval(int argc, char **argv) {
  cli_eval_options o = {0};
  return cli_command_run(&command_line, argc, argv, &o, eval);
}
