/* Reference labels of a frame, and errors of a model against them. */
#ifndef FTL_LABELS_H
#define FTL_LABELS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "data/xyz.h"

/* Labels as in an XYZ file: keys PREFIXenergy (eV), PREFIXstress or PREFIXvirial (eV/Angstrom^3, eV), column
   PREFIXforces (eV/Angstrom). Zero-initialise; the forces are reused from frame to frame. */
typedef struct {
  bool has_energy, has_forces, has_stress;
  double energy;
  double (*forces)[3]; /* [n] */
  double stress[3][3];
  bool has_virial;     /* there is a virial label, whether the stress is from it or not */
  double virial[3][3]; /* as it is in the file, eV */
  size_t room;
} ftl_labels;

/* Volume of a frame that is periodic in three directions by a cell with a volume, otherwise 0. */
double ftl_frame_volume(const ftl_xyz_frame *frame);

/* A stress label of a frame without a volume is left out. FTL_ERR_FORMAT for labels that are not finite numbers. */
ftl_status ftl_labels_read(const ftl_xyz_frame *frame, const char *prefix, ftl_labels *labels, ftl_error *error);
void ftl_labels_free(ftl_labels *labels);

/* Sums of errors per head and config_type. Zero-initialise. */
typedef struct {
  double n, square, absolute;
} ftl_error_sum;

typedef struct {
  char *head, *config_type;
  int64_t frames, atoms;
  ftl_error_sum energy; /* per atom, eV; one number per frame */
  ftl_error_sum forces; /* components, eV/Angstrom */
  ftl_error_sum stress; /* nine components, eV/Angstrom^3 */
} ftl_error_row;

typedef struct {
  int n;
  size_t room;
  ftl_error_row *row; /* in order of appearance */
} ftl_error_table;

/* Adds a structure of n atoms; config_type NULL: "(none)". stress may be NULL: the model gave none. */
ftl_status ftl_error_table_add(ftl_error_table *table, const char *head, const char *config_type, int n,
                               const ftl_labels *labels, double energy, const double (*forces)[3],
                               const double (*stress)[3], ftl_error *error);
/* Sums over all rows of a head (NULL: all heads); its head and config_type are in static storage: "total". */
ftl_error_row ftl_error_table_total(const ftl_error_table *table, const char *head);
/* NAN if there is nothing in the sum. */
double ftl_error_rmse(const ftl_error_sum *sum);
double ftl_error_mae(const ftl_error_sum *sum);
bool ftl_error_table_has_labels(const ftl_error_table *table);
/* One table per head: a line per config_type, then their total. RMSE and MAE in meV (per atom), meV/Angstrom and
   meV/Angstrom^3. */
void ftl_error_table_print(const ftl_error_table *table, FILE *stream);
void ftl_error_table_free(ftl_error_table *table);

#endif
