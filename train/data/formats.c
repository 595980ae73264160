#define _GNU_SOURCE /* memmem */
#include "data/formats.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/xyz.h"

enum { CONVERT, UNPACK, OWN_TOOLS, ENCODING, LINE_ENDS, MODEL };

typedef struct {
  const char *name;
  int advice;
  const char *tool; /* of UNPACK */
} format;

/* ---- binary files, by their magic numbers ---- */

#define MAGIC(text, ...)                                                                                               \
  { text, sizeof text - 1, __VA_ARGS__ }

static const struct {
  const char *bytes;
  size_t length, offset;
  format is;
} magic[] = {
    MAGIC("\x89HDF\r\n\x1a\n", 0, {"an HDF5 file", CONVERT, NULL}),
    MAGIC("SQLite format 3", 0, {"an SQLite file, as ASE's databases (.db) are", CONVERT, NULL}),
    MAGIC("- of Ulm", 0, {"a trajectory of ASE (.traj)", CONVERT, NULL}),
    MAGIC("AFFormat", 0, {"a file of ASE or GPAW in the Ulm format", CONVERT, NULL}),
    MAGIC("CDF\x01", 0, {"a NetCDF file", CONVERT, NULL}),
    MAGIC("CDF\x02", 0, {"a NetCDF file", CONVERT, NULL}),
    MAGIC("BZh", 0, {"packed with bzip2", UNPACK, "bzip2 -dc"}),
    MAGIC("\xfd"
          "7zXZ",
          0, {"packed with xz", UNPACK, "xz -dc"}),
    MAGIC("\x28\xb5\x2f\xfd", 0, {"packed with zstd", UNPACK, "zstd -dc"}),
    MAGIC("\x04\x22\x4d\x18", 0, {"packed with lz4", UNPACK, "lz4 -dc"}),
    MAGIC("\x1f\x9d", 0, {"packed with compress", UNPACK, "gzip -dc"}),
    MAGIC("7z\xbc\xaf\x27\x1c", 0, {"a 7-Zip archive", UNPACK, "7z x -so"}),
    MAGIC("ustar", 257, {"a tar archive", UNPACK, "tar -xOf"}),
    MAGIC("PAR1", 0, {"a Parquet file", OWN_TOOLS, NULL}),
    MAGIC("\xde\xc0\xef\xbe", 16, {"an LMDB database", OWN_TOOLS, NULL}),
    MAGIC("\x93NUMPY", 0, {"an array of NumPy (.npy)", OWN_TOOLS, NULL}),
    MAGIC("\x80\x02", 0, {"a pickle of Python", OWN_TOOLS, NULL}),
    MAGIC("\x80\x03", 0, {"a pickle of Python", OWN_TOOLS, NULL}),
    MAGIC("\x80\x04", 0, {"a pickle of Python", OWN_TOOLS, NULL}),
    MAGIC("\x80\x05", 0, {"a pickle of Python", OWN_TOOLS, NULL}),
    MAGIC("\xff\xfe", 0, {"text in UTF-16", ENCODING, "UTF-16"}),
    MAGIC("\xfe\xff", 0, {"text in UTF-16", ENCODING, "UTF-16"}),
    MAGIC("{\"__meta", 8, {"a model of FrozenTL (.ftl), not structures", MODEL, NULL}),
};

/* npz, zip and PyTorch's files are all ZIP: their first member tells. */
static format which_zip(const unsigned char *bytes, size_t n) {
  if (memmem(bytes, n, "data.pkl", 8)) return (format){"a model or data of PyTorch, not structures", MODEL, NULL};
  if (memmem(bytes, n, ".npy", 4)) return (format){"arrays of NumPy (.npz)", OWN_TOOLS, NULL};
  return (format){"a ZIP archive", UNPACK, "unzip -p"};
}

/* ---- text ---- */

/* The first bytes as lines; line k, or "" behind the last. */
typedef struct {
  char text[4097];
  int n;
  const char *line[64];
} lines;

static void cut_lines(lines *l, const unsigned char *bytes, size_t n) {
  if (n > sizeof l->text - 1) n = sizeof l->text - 1;
  memcpy(l->text, bytes, n);
  l->text[n] = '\0';
  l->n = 0;
  for (char *p = l->text; p && *p && l->n < 64;) {
    l->line[l->n++] = p;
    p = strchr(p, '\n');
    if (!p) break;
    if (p > l->text && p[-1] == '\r') p[-1] = '\0';
    *p++ = '\0';
  }
  for (int k = l->n; k < 64; k++) l->line[k] = "";
}

static bool begins(const char *line, const char *with) { return strncmp(line, with, strlen(with)) == 0; }

static bool any_begins(const lines *l, const char *with) {
  for (int k = 0; k < l->n; k++)
    if (begins(l->line[k], with)) return true;
  return false;
}

static bool any_has(const lines *l, const char *what) {
  for (int k = 0; k < l->n; k++)
    if (strstr(l->line[k], what)) return true;
  return false;
}

/* How many numbers a line has and nothing else; -1 for other words. */
static int numbers_in(const char *line) {
  double values[16];
  char copy[256], *rest = NULL;
  int n = 0;
  if (strlen(line) >= sizeof copy) return -1;
  strcpy(copy, line);
  for (char *word = strtok_r(copy, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest))
    if (n == 16 || !ftl_parse_real(word, &values[n++])) return -1;
  return n;
}

/* Whole numbers, as many as there are elements. */
static bool is_counts(const char *line) { return numbers_in(line) > 0 && !line[strspn(line, " \t0123456789")]; }

/* A title, a scale, three vectors, then elements and how many of each, or (VASP 4) the numbers alone. */
static bool is_poscar(const lines *l) {
  if (l->n < 7 || (numbers_in(l->line[1]) != 1 && numbers_in(l->line[1]) != 3)) return false;
  for (int k = 2; k < 5; k++)
    if (numbers_in(l->line[k]) != 3) return false;
  const int at = is_counts(l->line[5]) ? 6 : 7;
  if (at == 7 && !is_counts(l->line[6])) return false;
  const char mode = (char)toupper((unsigned char)l->line[at][strspn(l->line[at], " \t")]);
  return mode && strchr("SDCK", mode);
}

static bool is_lammps_data(const lines *l) {
  bool atoms = false, types = false, box = false;
  for (int k = 1; k < l->n; k++) {
    char *end;
    strtod(l->line[k], &end);
    if (end == l->line[k]) continue;
    end += strspn(end, " \t");
    atoms |= begins(end, "atoms");
    types |= begins(end, "atom types");
    box |= strstr(end, "xlo xhi") != NULL;
  }
  return atoms + types + box >= 2;
}

static format which_text(const lines *l, const unsigned char *bytes, size_t n) {
  const char *first = l->line[0], *shown = first + strspn(first, " \t");
  const format none = {NULL, 0, NULL};
  if (!memchr(bytes, '\n', n) && memchr(bytes, '\r', n))
    return (format){"text whose lines end in CR alone (old Mac OS)", LINE_ENDS, NULL};
  if (any_begins(l, "ITEM: ")) return (format){"a dump of LAMMPS", CONVERT, NULL};
  if (begins(first, "LAMMPS (")) return (format){"a log of LAMMPS, which has no structures", OWN_TOOLS, NULL};
  if (is_lammps_data(l)) return (format){"a data file of LAMMPS", CONVERT, NULL};
  if (any_begins(l, "<modeling")) return (format){"a vasprun.xml of VASP", CONVERT, NULL};
  if (begins(shown, "<?xml")) return (format){"an XML file", CONVERT, NULL};
  if (begins(shown, "vasp.") && any_has(l, "executed on")) return (format){"an OUTCAR of VASP", CONVERT, NULL};
  if (begins(shown, "vasp.")) return (format){"an OUTCAR of VASP", CONVERT, NULL};
  if (any_begins(l, "Direct configuration=")) return (format){"an XDATCAR of VASP", CONVERT, NULL};
  if (is_poscar(l)) return (format){"a POSCAR or CONTCAR of VASP", CONVERT, NULL};
  if (any_begins(l, "data_") && (any_begins(l, "_") || any_begins(l, "loop_")))
    return (format){"a CIF file", CONVERT, NULL};
  if (begins(first, "CRYST1") || begins(first, "HETATM") || begins(first, "ATOM  ") || begins(first, "HEADER ") ||
      begins(first, "REMARK ") || begins(first, "MODEL  "))
    return (format){"a PDB file", CONVERT, NULL};
  if (*shown == '{' || *shown == '[') return (format){"a JSON file, as ASE and pymatgen write them", CONVERT, NULL};
  if (begins(first, "%YAML") || begins(first, "---")) return (format){"a YAML file", OWN_TOOLS, NULL};
  if (any_has(l, "Program PWSCF")) return (format){"an output of Quantum ESPRESSO", CONVERT, NULL};
  if (any_has(l, "Invoking FHI-aims")) return (format){"an output of FHI-aims", CONVERT, NULL};
  if (any_begins(l, "lattice_vector ") || (any_begins(l, "atom ") && numbers_in(first) < 0 && begins(first, "atom ")))
    return (format){"a geometry.in of FHI-aims", CONVERT, NULL};
  if (any_has(l, "DBCSR| ") || any_has(l, "CP2K| ")) return (format){"an output of CP2K", CONVERT, NULL};
  if (any_begins(l, " Entering Gaussian System")) return (format){"an output of Gaussian", CONVERT, NULL};
  if (any_begins(l, "BEGIN_CFG")) return (format){"a .cfg of MLIP (moment tensor potentials)", OWN_TOOLS, NULL};
  if (begins(shown, "begin") && any_begins(l, "lattice"))
    return (format){"an input.data of RuNNer or n2p2", OWN_TOOLS, NULL};
  return none;
}

/* ---- the sentence ---- */

static void advise(const format *is, const char *path, char text[512]) {
  const size_t most = 100, length = strlen(path); /* a longer path would leave no room for what to do */
  const char *in = length <= most ? path : "IN";
  switch (is->advice) {
  case CONVERT:
    snprintf(text, 512, "this is %s, not extended XYZ; convert it: python -m frozentl.convert %s OUT.xyz", is->name,
             in);
    break;
  case UNPACK:
    snprintf(text, 512, "this is %s, which is not read; unpack it: %s %s > OUT.xyz (gzip is read as it is)", is->name,
             is->tool, in);
    break;
  case ENCODING:
    snprintf(text, 512, "this is %s; convert it: iconv -f %s -t UTF-8 %s > OUT.xyz", is->name, is->tool, in);
    break;
  case LINE_ENDS:
    snprintf(text, 512, "this is %s; convert it: tr '\\r' '\\n' < %s > OUT.xyz", is->name, in);
    break;
  case MODEL:
    snprintf(text, 512, "this is %s; are the arguments in the wrong order? The model comes first", is->name);
    break;
  default:
    snprintf(text, 512,
             "this is %s, which is not read: write extended XYZ from it with the program that made it, or with ASE's "
             "write()",
             is->name);
  }
}

bool ftl_format_recognise(const unsigned char *bytes, size_t n, const char *path, char text[512]) {
  for (size_t k = 0; k < sizeof magic / sizeof *magic; k++)
    if (n >= magic[k].offset + magic[k].length &&
        memcmp(bytes + magic[k].offset, magic[k].bytes, magic[k].length) == 0) {
      advise(&magic[k].is, path, text);
      return true;
    }
  format is = {NULL, 0, NULL};
  if (n >= 4 && memcmp(bytes, "PK\3\4", 4) == 0) {
    is = which_zip(bytes, n);
  } else if (!memchr(bytes, 0, n)) {
    lines *l = malloc(sizeof *l);
    if (!l) return false;
    cut_lines(l, bytes, n);
    if (!strstr(l->line[1], "Properties=")) is = which_text(l, bytes, n);
    free(l);
  }
  if (is.name) advise(&is, path, text);
  return is.name != NULL;
}
