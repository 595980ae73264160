#include "tune/log.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/output.h"
#include "data/xyz.h"
#include "base/path.h"
#include "base/error.h"

const char ftl_log_columns[] = "epoch,step,stage,lr,train_loss,valid_loss,energy_rmse,forces_rmse,stress_rmse,"
                               "gradient_norm,best,seconds";

struct ftl_log {
  FILE *csv, *lines;
  char *csv_path, *lines_path;
};

static ftl_status cannot_write(const char *path, ftl_error *error) {
  return ftl_fail(error, FTL_ERR_IO, path, "cannot write the log: %s", strerror(errno));
}

/* ---- going on with a log ---- */

/* The epoch of a line, or -1: the first cell in CSV, "epoch" of an epoch event in JSON lines. */
static int64_t epoch_of(const char *line, bool json) {
  if (!json) return *line >= '0' && *line <= '9' ? strtoll(line, NULL, 10) : -1;
  json_t *event = json_loads(line, 0, NULL);
  const char *kind = json_string_value(json_object_get(event, "event"));
  json_t *number = json_object_get(event, "epoch");
  int64_t epoch = kind && strcmp(kind, "epoch") == 0 && json_is_integer(number) ? json_integer_value(number) : -1;
  json_decref(event);
  return epoch;
}

/* How the file of an earlier part is used. */
typedef enum { GO_ON, MISSING, FOREIGN, NO_FILE } old_log;

static old_log look_at(const char *path, bool json) {
  struct stat info;
  char *line = NULL;
  size_t room = 0;
  if (stat(path, &info) != 0) return MISSING;
  if (!S_ISREG(info.st_mode)) return NO_FILE;
  FILE *stream = fopen(path, "r");
  const ssize_t length = stream ? getline(&line, &room, stream) : 0;
  bool own = length > 0 || !stream; /* opening it again says why it can't be */
  if (length > 0 && !json) own = strncmp(line, ftl_log_columns, sizeof ftl_log_columns - 1) == 0;
  free(line);
  if (stream) fclose(stream);
  return own ? GO_ON : json || info.st_size == 0 ? MISSING : FOREIGN;
}

/* A log that is missing, or that is not what a run writes, is begun anew: all that counts is in the state. */
static ftl_status prepare(const char *path, bool json, bool *fresh, char warning[400], ftl_error *error) {
  char old[4096];
  const old_log is = look_at(path, json);
  const size_t used = strlen(warning);
  *fresh = is != GO_ON;
  if (is == GO_ON) return FTL_OK;
  if (is == NO_FILE) return ftl_fail(error, FTL_ERR_INPUT, path, "the log of the run is no regular file: remove it");
  if (is == MISSING) {
    snprintf(warning + used, 400 - used, "%s%.150s is missing, and begun anew", used ? "; " : "", path);
    return FTL_OK;
  }
  snprintf(old, sizeof old, "%s.old", path);
  if (access(old, F_OK) == 0 || rename(path, old) != 0)
    return ftl_fail(error, FTL_ERR_INPUT, path,
                    "its first line is not that of a run's log: restore the file, or remove it");
  snprintf(warning + used, 400 - used, "%s%.150s does not begin as a run's log: it is log.csv.old now, and begun anew",
           used ? "; " : "", path);
  return FTL_OK;
}

/* Ends the file behind the last line of an epoch up to `last` (its first line, if there is none). */
static ftl_status cut(const char *path, int64_t last, bool json, ftl_error *error) {
  char *line = NULL;
  size_t room = 0;
  off_t keep = 0, at = 0;
  FILE *stream = fopen(path, "r+");
  if (!stream) return ftl_fail(error, FTL_ERR_IO, path, "cannot open the log of the run: %s", strerror(errno));
  for (int64_t number = 0;; number++) {
    const ssize_t length = getline(&line, &room, stream);
    if (length <= 0 || line[length - 1] != '\n') break; /* a line that a crash cut short goes */
    at += length;
    const int64_t epoch = epoch_of(line, json);
    if (epoch > last) break;
    if (epoch >= 0 || number == 0) keep = at;
  }
  free(line);
  const bool ok = fflush(stream) == 0 && ftruncate(fileno(stream), keep) == 0;
  if (fclose(stream) != 0 || !ok) return cannot_write(path, error);
  return FTL_OK;
}

/* ---- writing ---- */

/* Flushes, or takes back what got out of an incomplete line. */
static ftl_status finish(FILE *stream, const char *path, off_t began, ftl_error *error) {
  if (!ferror(stream) && fflush(stream) == 0) return FTL_OK;
  const int why = errno;
  clearerr(stream);
  if (ftruncate(fileno(stream), began) != 0) clearerr(stream);
  errno = why;
  return cannot_write(path, error);
}

static off_t size_of(FILE *stream) { return lseek(fileno(stream), 0, SEEK_END); }

ftl_status ftl_log_open(const char *run, int64_t resume_epoch, ftl_log **log, char warning[400], ftl_error *error) {
  ftl_log *l = *log = calloc(1, sizeof *l);
  ftl_status status = FTL_OK;
  bool fresh = resume_epoch < 0, fresh_lines = fresh;
  *warning = '\0';
  if (!l || !(l->csv_path = ftl_path_join(run, "log.csv")) || !(l->lines_path = ftl_path_join(run, "log.jsonl"))) {
    status = ftl_no_memory(error, NULL, "the log");
  } else if (!fresh) {
    status = prepare(l->csv_path, false, &fresh, warning, error);
    if (!status) status = prepare(l->lines_path, true, &fresh_lines, warning, error);
    if (!status && !fresh) status = cut(l->csv_path, resume_epoch, false, error);
    if (!status && !fresh_lines) status = cut(l->lines_path, resume_epoch, true, error);
  }
  if (!status && !(l->csv = fopen(l->csv_path, fresh ? "w" : "a"))) status = cannot_write(l->csv_path, error);
  if (!status && !(l->lines = fopen(l->lines_path, fresh_lines ? "w" : "a")))
    status = cannot_write(l->lines_path, error);
  if (!status && fresh) {
    fprintf(l->csv, "%s\n", ftl_log_columns);
    status = finish(l->csv, l->csv_path, 0, error);
  }
  if (status) {
    ftl_log_close(l);
    *log = NULL;
  }
  return status;
}

void ftl_log_close(ftl_log *log) {
  if (!log) return;
  if (log->csv) fclose(log->csv);
  if (log->lines) fclose(log->lines);
  free(log->csv_path);
  free(log->lines_path);
  free(log);
}

ftl_status ftl_log_event(ftl_log *log, const char *event, json_t *members, ftl_error *error) {
  json_t *object = json_pack("{ss}", "event", event);
  if (object && members) json_object_update(object, members);
  json_decref(members);
  char *text = object ? json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII) : NULL;
  json_decref(object);
  if (!text) return ftl_no_memory(error, log->lines_path, "a line of the log");
  const off_t began = size_of(log->lines);
  fprintf(log->lines, "%s\n", text);
  free(text);
  return finish(log->lines, log->lines_path, began, error);
}

static void print_real(FILE *stream, double value) {
  char text[32];
  if (!isfinite(value)) return;
  ftl_format_real(value, text);
  fputs(text, stream);
}

static json_t *real(double value) { return isfinite(value) ? json_real(value) : json_null(); }

ftl_status ftl_log_write_epoch(ftl_log *log, const ftl_log_epoch *e, ftl_error *error) {
  const double reals[] = {e->lr,          e->train_loss,  e->valid_loss,   e->energy_rmse,
                          e->forces_rmse, e->stress_rmse, e->gradient_norm};
  const off_t began = size_of(log->csv);
  fprintf(log->csv, "%lld,%lld,%d", (long long)e->epoch, (long long)e->step, e->stage);
  for (size_t k = 0; k < sizeof reals / sizeof *reals; k++) {
    putc(',', log->csv);
    print_real(log->csv, reals[k]);
  }
  fprintf(log->csv, ",%d,%.3f\n", e->best, e->seconds);
  FTL_TRY(finish(log->csv, log->csv_path, began, error));
  json_t *members = json_pack(
      "{sI sI si so so so so so so so sb so}", "epoch", (json_int_t)e->epoch, "step", (json_int_t)e->step, "stage",
      e->stage, "lr", real(e->lr), "train_loss", real(e->train_loss), "valid_loss", real(e->valid_loss), "energy_rmse",
      real(e->energy_rmse), "forces_rmse", real(e->forces_rmse), "stress_rmse", real(e->stress_rmse), "gradient_norm",
      real(e->gradient_norm), "best", e->best, "seconds", real(e->seconds));
  if (members && e->strength > 0) json_object_set_new(members, "strength", json_real(e->strength));
  if (!members) return ftl_no_memory(error, log->lines_path, "a line of the log");
  return ftl_log_event(log, "epoch", members, error);
}
