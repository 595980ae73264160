#include "cli/trust_output.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/cli.h"
#include "files/foundations.h"
#include "files/ftl_file.h"
#include "files/model_file.h"

/* ---- writing ---- */

static bool is_factor(const char *name) { return ftl_ends_with(name, ".lora_A") || ftl_ends_with(name, ".lora_B"); }

/* The source as the delta that it was read from, whose own tensors `own` has. */
static ftl_status write_delta(const ftl_source *source, const ftl_source *own, const char *out, ftl_error *error) {
  const size_t n = (size_t)own->tensors.n;
  const char **name = malloc((n + 1) * sizeof *name);
  ftl_tensor *factor = malloc((n + 1) * sizeof *factor);
  json_t *metadata = own->metadata ? json_loads(own->metadata, 0, NULL) : NULL;
  ftl_source_delta delta = {.name = name, .factor = factor};
  ftl_status status = name && factor ? FTL_OK : ftl_no_memory(error, out, "writing the file");
  if (!status &&
      json_unpack(metadata, "{s:{s:s, s:s}}", "foundation", "name", &delta.foundation, "sha256", &delta.sha256))
    status = ftl_fail(error, FTL_ERR_FORMAT, own->path, "its metadata do not name its foundation");
  for (size_t k = 0; k < n && !status; k++) {
    if (is_factor(own->tensors.tensor[k].name)) factor[delta.n_factors++] = own->tensors.tensor[k];
    else name[delta.n++] = own->tensors.tensor[k].name;
  }
  if (!status) status = ftl_source_write_delta(source, &delta, out, error);
  json_decref(metadata);
  free(name);
  free(factor);
  return status;
}

static ftl_status write_again(const ftl_source *source, const char *model, const char *out, ftl_error *error) {
  char file[FTL_PATH_ROOM];
  void *data = NULL;
  size_t size;
  FTL_TRY(ftl_model_path(model, file, sizeof file, error));
  FTL_TRY(ftl_file_map(file, &data, &size, error));
  ftl_source *own = calloc(1, sizeof *own);
  ftl_status status = own && (own->path = strdup(file)) ? ftl_ftl_read(data, size, false, own, error)
                                                        : ftl_no_memory(error, out, "writing the file");
  if (!status) status = write_delta(source, own, out, error);
  ftl_source_free(own);
  munmap(data, size);
  return status;
}

int cli_trust_write(const ftl_source *source, const char *model, const char *out, ftl_error *error) {
  const ftl_status status =
      source->delta ? write_again(source, model, out, error) : cli_write_model(source, out, error);
  return status ? cli_report(error, CLI_OUTPUT) : CLI_OK;
}

/* In a file, as float32. */
static double bytes_of(const ftl_trust *t) {
  return 4.0 * t->n * (t->n_committee + 0.5 * (t->n + 1) + (double)t->n_active * t->n);
}

/* ---- a run's ---- */

ftl_status cli_trust_of_run(const ftl_host *host, ftl_source *source, const ftl_dataset *train,
                            const ftl_dataset *valid, double most, int threads, ftl_error *error) {
  const ftl_trust_options how = {
      .members = FTL_TRUST_MEMBERS,
      .equations = {.threads = threads, .seed = 1, .progress = host->progress, .context = host->context}};
  const double began = ftl_seconds();
  double work;
  ftl_trust_report r;
  char text[400], good[160] = "";
  FTL_TRY(ftl_trust_work(source, train, valid, &how, &work, error));
  if (work > most) {
    snprintf(text, sizeof text,
             "the model does not tell its errors, as learning that takes %.0f %% of this run's work: trust: true, or "
             "frozentl trust",
             10 * work / most);
    if (host->say) host->say(host->context, text);
    return FTL_OK;
  }
  if (host->stage) host->stage(host->context, "structures", (double)train->n);
  ftl_status status = ftl_trust_make(source, train, valid, &how, &r, error);
  if (host->stage) host->stage(host->context, NULL, 0);
  FTL_TRY(status);
  if (r.force.n > 0)
    snprintf(good, sizeof good,
             "of the errors of forces on valid %.0f %% are in the intervals of 68 %%, and %.0f %% in "
             "those of 95 %%; ",
             100 * r.force.within[0], 100 * r.force.within[1]);
  snprintf(text, sizeof text, "the model tells its errors (frozentl eval --trust): %s%.1f kB of it, %.1f s", good,
           bytes_of(source->trust) / 1000, ftl_seconds() - began);
  if (host->say) host->say(host->context, text);
  return FTL_OK;
}

/* ---- tables ---- */

void cli_print_calibration_head(void) {
  printf("%-16s %9s %12s %12s %8s %8s %10s %9s\n", "deviation of", "errors", "RMS error", "RMS told", "in 68 %",
         "in 95 %", "miscalibr.", "Spearman");
}

void cli_print_calibration(const char *what, const ftl_calibration_result *r, const char *unit) {
  char label[64];
  snprintf(label, sizeof label, "%s", what);
  if (r->n == 0) {
    printf("%-16s no labels\n", label);
    return;
  }
  printf("%-16s %9lld %12.2f %12.2f %7.1f%% %7.1f%% %10.3f ", label, (long long)r->n, 1e3 * r->error,
         1e3 * r->deviation, 100 * r->within[0], 100 * r->within[1], r->miscalibration);
  if (isnan(r->spearman)) printf("%9s", "-");
  else printf("%9.2f", r->spearman);
  printf("  %s\n", unit);
}

void cli_trust_report(const ftl_source *source, const ftl_trust_report *r, const char *out, double seconds) {
  const ftl_trust *t = source->trust;
  struct stat info;
  printf("%lld structures: %lld energies, %lld force components; the last layer has %d weights, of which the data "
         "determine %.0f\n",
         (long long)r->structures, (long long)r->energies, (long long)r->forces, t->n, r->effective);
  for (int z = 0; z < t->n_active; z++)
    printf("%s: %lld atoms, gamma up to %.2f among them\n", ftl_element_symbol(t->atomic_number[z]),
           (long long)r->active.atoms[z], r->active.largest[z]);
  printf("deviations, scaled by %.3g (energies) and %.3g (forces) to the errors of %lld structures:\n", t->energy_scale,
         t->force_scale, (long long)r->held);
  cli_print_calibration_head();
  cli_print_calibration("energy per atom", &r->energy, "meV");
  cli_print_calibration("forces", &r->force, "meV/Angstrom");
  if (stat(out, &info) == 0)
    printf("%s: %.1f kB, %.1f kB of them for this; %.1f s\n", out, (double)info.st_size / 1000, bytes_of(t) / 1000,
           seconds);
}
