#include "data/error_csv.h"

#include <math.h>
#include <string.h>

#include "base/numbers.h"
#include "base/printable.h"

void ftl_csv_name(FILE *stream, const char *name) {
  const bool quoted = strpbrk(name, ",\"") != NULL;
  if (quoted) putc('"', stream);
  for (int size; *name; name += size > 0 ? size : 1) {
    size = ftl_printable_size(name);
    if (*name == '"') putc('"', stream);
    if (size > 0) fwrite(name, 1, (size_t)size, stream);
    else putc('?', stream);
  }
  if (quoted) putc('"', stream);
}

void ftl_csv_real(FILE *stream, double value) {
  char text[32];
  putc(',', stream);
  if (!isfinite(value)) return;
  ftl_format_real(value, text);
  fputs(text, stream);
}

static void print_errors(FILE *stream, const char *name, const ftl_error_row *row) {
  const ftl_error_sum *sum[] = {&row->energy, &row->forces, &row->stress};
  fprintf(stream, "%s,", name);
  ftl_csv_name(stream, row->config_type);
  fprintf(stream, ",%lld,%lld", (long long)row->frames, (long long)row->atoms);
  for (int k = 0; k < 3; k++) {
    ftl_csv_real(stream, ftl_error_rmse(sum[k]));
    ftl_csv_real(stream, ftl_error_mae(sum[k]));
  }
  putc('\n', stream);
}

void ftl_error_csv_begin(FILE *stream) {
  fputs("set,config_type,frames,atoms,energy_rmse,energy_mae,forces_rmse,forces_mae,stress_rmse,stress_mae\n", stream);
}

void ftl_error_csv_set(FILE *stream, const char *set, const ftl_error_table *table) {
  for (int k = 0; k < table->n; k++) print_errors(stream, set, &table->row[k]);
  const ftl_error_row total = ftl_error_table_total(table, NULL);
  print_errors(stream, set, &total);
}
