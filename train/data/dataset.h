/* A training set in memory: structures with labels and weights, and their neighbour lists. */
#ifndef FTL_DATASET_H
#define FTL_DATASET_H

#include "data/label_survey.h"
#include "data/selection.h"
#include "model/provenance.h"
#include "neighbour/neighbours.h"

/* config_type of a structure that has none, in tables and logs. In a table of weights "Default" (mace-torch's name for
   it) means the same. */
#define FTL_NO_CONFIG_TYPE FTL_SELECT_NONE

/* Everything is owned by the dataset. Weights are 1 unless the file says otherwise (config_weight,
   config_energy_weight, config_forces_weight, config_stress_weight, as mace-torch); `weight` includes the factor of the
   config_type. */
typedef struct {
  char *path; /* file, frame (from 0) and first line (from 1), for messages */
  int64_t frame, line;
  int n;
  int *atomic_number;    /* [n] */
  double (*position)[3]; /* [n] Angstrom */
  bool has_cell;
  double cell[3][3]; /* rows are vectors */
  int pbc[3];
  double volume;              /* Angstrom^3; 0 unless periodic in three directions */
  char *config_type;          /* never NULL: FTL_NO_CONFIG_TYPE */
  char *head;                 /* key `head`, or NULL */
  bool stress_without_volume; /* a stress or virial was left out: not periodic in three directions */
  bool isolated;              /* what is known without a cutoff, until ftl_isolated_mark (data/isolated.h) */
  double weight, energy_weight, forces_weight, stress_weight;
  ftl_labels labels;   /* forces are NULL without has_forces; a virial has become a stress */
  double *atom_energy; /* [n] a model's energies of the atoms, without E0, eV: never from a file; NULL: none */
} ftl_structure;

typedef struct {
  char *path;
  char sha256[FTL_SHA256_HEX]; /* of the whole file */
  int64_t frames;              /* kept when it was read */
} ftl_dataset_file;

/* How many structures have which labels. */
typedef struct {
  int64_t energy, forces, stress, none;
  int64_t stress_without_volume;
} ftl_label_counts;

typedef struct {
  int64_t n;
  ftl_structure *structure; /* [n] in the order of the files */
  int n_files;
  ftl_dataset_file *file;  /* [n_files] */
  int64_t dropped;         /* for forces above max_force */
  char first_dropped[512]; /* "FILE, line L, frame F: atom A has ..."; "" if none */
  ftl_label_survey survey; /* of all structures that were read, whichever of them are moved or removed later */

  size_t room; /* private */
} ftl_dataset;

typedef struct {
  ftl_label_names labels;
  ftl_selection select;        /* which frames are taken */
  double max_force;            /* eV/Angstrom, length of a force; 0: any */
  bool drop_absurd;            /* leave frames with a larger force out, instead of refusing the file */
  int n_configs;               /* factors of the weight by config_type */
  char *const *config;         /* [n_configs] */
  const double *config_weight; /* [n_configs] */
} ftl_dataset_options;

/* Reads extended XYZ files one after another. options may be NULL. *dataset must be zero; free it also after a failure.
   An empty file, or a file without labels, is no error (data/checks.h finds it). What the files have and is not read is
   in dataset->survey. Files may be packed with gzip; a digest is that of the file's own bytes.
   FTL_ERR_FORMAT with "FILE, line L, frame F": a bad frame; a label or weight that is not a finite number, or a
   negative weight; a key that is read and given twice. FTL_ERR_INPUT: forces above max_force (how many frames, and the
   first); a selection that takes nothing; a pipe (a data set is read
   twice). FTL_ERR_IO, FTL_ERR_MEMORY. */
ftl_status ftl_dataset_read(char *const *paths, int n_paths, const ftl_dataset_options *options, ftl_dataset *dataset,
                            ftl_error *error);
void ftl_dataset_free(ftl_dataset *dataset);
/* Frees what a structure owns and zeroes it. */
void ftl_structure_free(ftl_structure *structure);

/* Keeps the first n structures. */
void ftl_dataset_truncate(ftl_dataset *dataset, int64_t n);
/* Moves the structures whose flag moved[n] is set to the end of `into` (another dataset, or a zero one, which then
   names the same files, with frames 0); the order stays. FTL_ERR_MEMORY: nothing was moved. */
ftl_status ftl_dataset_move(ftl_dataset *dataset, const bool *moved, ftl_dataset *into, ftl_error *error);
/* Removes isolated atoms (their energies are E0, not something to train on, as in mace-torch). Returns how many. */
int64_t ftl_dataset_remove_isolated(ftl_dataset *dataset);

void ftl_dataset_count_labels(const ftl_dataset *dataset, ftl_label_counts *counts);
/* "23 energies (REF_energy), 23 with forces (REF_forces), 0 stresses", of the structures as they are now. */
void ftl_dataset_describe_labels(const ftl_dataset *dataset, char text[400]);
int64_t ftl_dataset_atoms(const ftl_dataset *dataset);
int ftl_dataset_largest(const ftl_dataset *dataset); /* atoms of a structure; 0 when there is none */
/* "FILE, line L, frame F", for messages; line is that of atom `atom`, or of the frame if atom < 0. */
void ftl_structure_where(const ftl_structure *structure, int atom, char where[256]);
/* One number for the set: the SHA-256 of its file, or of the hexadecimal digests of its files one after another.
   FTL_ERR_MEMORY. */
ftl_status ftl_dataset_digest(const ftl_dataset *dataset, char sha256[FTL_SHA256_HEX], ftl_error *error);

/* ---- neighbours ---- */

/* The graph of a structure, in one allocation of exactly its size. */
typedef struct {
  ftl_graph graph;
  size_t bytes; /* held; 0 when freed */
  void *memory; /* private */
} ftl_structure_graph;

/* Species are indices into elements[n_elements] (a model's atomic_numbers). `scratch` serves one thread. FTL_ERR_INPUT
   names file, line, atom and element: one that is not in the list, atoms in one place, a flat cell. FTL_ERR_MEMORY. */
ftl_status ftl_structure_graph_build(const ftl_structure *structure, const int *elements, int n_elements, double cutoff,
                                     ftl_neighbours *scratch, ftl_structure_graph *graph, ftl_error *error);
void ftl_structure_graph_free(ftl_structure_graph *graph);

/* The neighbours alone, whatever the elements. Errors as above. */
ftl_status ftl_structure_neighbours(const ftl_structure *structure, double cutoff, ftl_neighbours *list,
                                    ftl_error *error);

/* Index of an atomic number, or -1. */
int ftl_element_index(const int *elements, int n_elements, int atomic_number);
/* Atomic numbers of all structures, ascending; returns how many (at most 118). */
int ftl_dataset_elements(const ftl_dataset *dataset, int elements[118]);

/* Mean number of neighbours within the cutoff over atoms that have one (mace-torch's avg_num_neighbors); 1 if none has.
   FTL_ERR_INPUT as above, FTL_ERR_MEMORY. */
ftl_status ftl_dataset_average_neighbours(const ftl_dataset *dataset, double cutoff, double *average, ftl_error *error);

#endif
