#include "files/zip.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "base/error.h"

/* A large MACE has about 400 storages. */
#define MAX_ENTRIES 65536

struct ftl_zip {
  zip_t *archive;
  size_t file_size;
  int n;
  char where[256];
};

/* ---- what torch.save never writes ---- */

static int compare_names(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool is_plain(const char *name) {
  if (!*name || *name == '/' || strchr(name, '\\')) return false;
  for (const char *part = name; part; part = strchr(part, '/')) {
    part += *part == '/';
    if (!strncmp(part, "..", 2) && (part[2] == '/' || !part[2])) return false;
  }
  return true;
}

/* Two entries of one name: readers differ in which they take. */
static ftl_status check_names(ftl_zip *z, ftl_error *error) {
  const char **name = malloc(((size_t)z->n + 1) * sizeof *name);
  ftl_status status = FTL_OK;
  if (!name) return ftl_no_memory(error, z->where, "opening the archive");
  for (int k = 0; k < z->n && !status; k++) {
    name[k] = ftl_zip_name(z, k);
    if (!is_plain(name[k]))
      status = ftl_fail(error, FTL_ERR_FORMAT, z->where,
                        "entry '%.200s' of the archive has a name that leads elsewhere", name[k]);
  }
  if (!status) qsort(name, (size_t)z->n, sizeof *name, compare_names);
  for (int k = 1; k < z->n && !status; k++)
    if (!strcmp(name[k - 1], name[k]))
      status =
          ftl_fail(error, FTL_ERR_FORMAT, z->where, "entry %.200s is in the archive twice: write it again", name[k]);
  free(name);
  return status;
}

/* Entries that lie in the same bytes, or bytes after the archive. */
static ftl_status check_sizes(ftl_zip *z, const unsigned char *data, ftl_error *error) {
  enum { END = 22 }; /* of the central directory, without a comment */
  zip_uint64_t total = 0;
  for (int k = 0; k < z->n; k++) {
    zip_stat_t st;
    if (zip_stat_index(z->archive, (zip_uint64_t)k, 0, &st) || !(st.valid & ZIP_STAT_COMP_SIZE) ||
        st.comp_size > z->file_size || (total += st.comp_size) > z->file_size)
      return ftl_fail(error, FTL_ERR_FORMAT, z->where,
                      "the entries of the archive, up to %.200s, claim more bytes than the file has: it is damaged",
                      ftl_zip_name(z, k));
  }
  if (z->file_size < END || memcmp(data + z->file_size - END, "PK\5\6", 4) || data[z->file_size - 1] ||
      data[z->file_size - 2])
    return ftl_fail(error, FTL_ERR_FORMAT, z->where,
                    "the file goes on after the end of its ZIP archive: something was appended to it");
  return FTL_OK;
}

ftl_status ftl_zip_open(const void *data, size_t size, const char *where, ftl_zip **zip, ftl_error *error) {
  ftl_zip *z = calloc(1, sizeof *z);
  zip_source_t *source;
  zip_error_t zip_error;
  zip_int64_t n;
  *zip = NULL;
  if (!z) return ftl_no_memory(error, where, "opening the archive");
  z->file_size = size;
  snprintf(z->where, sizeof z->where, "%s", where);
  zip_error_init(&zip_error);
  source = zip_source_buffer_create(data, size, 0, &zip_error);
  if (source) {
    z->archive = zip_open_from_source(source, ZIP_RDONLY, &zip_error);
    if (!z->archive) zip_source_free(source);
  }
  if (!z->archive) {
    ftl_fail(error, FTL_ERR_FORMAT, where, "the ZIP archive cannot be read (%.200s): the file is truncated or damaged",
             zip_error_strerror(&zip_error));
    const bool memory = zip_error_code_zip(&zip_error) == ZIP_ER_MEMORY;
    zip_error_fini(&zip_error);
    ftl_zip_free(z);
    if (memory) return ftl_no_memory(error, where, "opening the archive");
    return FTL_ERR_FORMAT;
  }
  zip_error_fini(&zip_error);
  n = zip_get_num_entries(z->archive, 0);
  if (n > MAX_ENTRIES) {
    ftl_zip_free(z);
    return ftl_fail(error, FTL_ERR_FORMAT, where, "the archive has %lld entries, more than any model needs (%d)",
                    (long long)n, MAX_ENTRIES);
  }
  z->n = (int)n;
  ftl_status status = check_names(z, error);
  if (!status) status = check_sizes(z, data, error);
  if (status) ftl_zip_free(z);
  else *zip = z;
  return status;
}

void ftl_zip_free(ftl_zip *zip) {
  if (!zip) return;
  if (zip->archive) zip_discard(zip->archive);
  free(zip);
}

int ftl_zip_count(const ftl_zip *zip) { return zip->n; }

const char *ftl_zip_name(const ftl_zip *zip, int k) {
  const char *name = zip_get_name(zip->archive, (zip_uint64_t)k, ZIP_FL_ENC_RAW);
  return name ? name : "";
}

int ftl_zip_find(const ftl_zip *zip, const char *name) {
  zip_int64_t k = zip_name_locate(zip->archive, name, ZIP_FL_ENC_RAW);
  return k < 0 || k >= zip->n ? -1 : (int)k;
}

ftl_status ftl_zip_entry_size(ftl_zip *zip, int k, size_t *size, ftl_error *error) {
  const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
  zip_stat_t st;
  if (zip_stat_index(zip->archive, (zip_uint64_t)k, 0, &st) || (st.valid & needed) != needed)
    return ftl_fail(error, FTL_ERR_FORMAT, zip->where, "entry %.200s of the archive cannot be examined",
                    ftl_zip_name(zip, k));
  if (st.comp_method != ZIP_CM_STORE || st.encryption_method != ZIP_EM_NONE)
    return ftl_fail(error, FTL_ERR_FORMAT, zip->where,
                    "entry %.200s of the archive is compressed or encrypted, which torch.save never does",
                    ftl_zip_name(zip, k));
  /* A stored entry is as long as the bytes it takes: no archive can unfold into more than its file. */
  if (st.size != st.comp_size || st.size > zip->file_size)
    return ftl_fail(error, FTL_ERR_FORMAT, zip->where, "entry %.200s claims %llu bytes in a file of %zu",
                    ftl_zip_name(zip, k), (unsigned long long)st.size, zip->file_size);
  *size = (size_t)st.size;
  return FTL_OK;
}

ftl_status ftl_zip_entry_read(ftl_zip *zip, int k, void *data, size_t size, ftl_error *error) {
  zip_file_t *file = zip_fopen_index(zip->archive, (zip_uint64_t)k, 0);
  size_t done = 0;
  zip_int64_t got = 0;
  char end;
  if (!file)
    return ftl_fail(error, FTL_ERR_FORMAT, zip->where, "entry %.200s of the archive cannot be opened (%.120s)",
                    ftl_zip_name(zip, k), zip_strerror(zip->archive));
  while (done < size && (got = zip_fread(file, (char *)data + done, size - done)) > 0) done += (size_t)got;
  /* The read that meets the end compares the CRC. */
  if (done == size) got = zip_fread(file, &end, 1);
  if (done != size || got != 0) {
    ftl_fail(error, FTL_ERR_FORMAT, zip->where, "entry %.200s of the archive is damaged (%.120s)", ftl_zip_name(zip, k),
             got < 0 ? zip_file_strerror(file) : "its size is wrong");
    zip_fclose(file);
    return FTL_ERR_FORMAT;
  }
  zip_fclose(file);
  return FTL_OK;
}

ftl_status ftl_zip_entry_unpack(ftl_zip *zip, int k, size_t most, FILE *stream, ftl_error *error) {
  char block[1 << 15];
  size_t done = 0;
  zip_int64_t got = 0;
  zip_file_t *file = zip_fopen_index(zip->archive, (zip_uint64_t)k, 0);
  ftl_status status = FTL_OK;
  if (!file)
    return ftl_fail(error, FTL_ERR_FORMAT, zip->where, "entry %.200s of the archive cannot be opened (%.120s)",
                    ftl_zip_name(zip, k), zip_strerror(zip->archive));
  while (!status && (got = zip_fread(file, block, sizeof block)) > 0) {
    done += (size_t)got;
    if (done > most)
      status = ftl_fail(error, FTL_ERR_FORMAT, zip->where, "entry %.200s of the archive is larger than %zu bytes",
                        ftl_zip_name(zip, k), most);
    else if (fwrite(block, 1, (size_t)got, stream) != (size_t)got)
      status = ftl_fail(error, FTL_ERR_IO, NULL, "cannot write it: %s", strerror(errno));
  }
  if (!status && got < 0)
    status = ftl_fail(error, FTL_ERR_FORMAT, zip->where, "entry %.200s of the archive is damaged (%.120s)",
                      ftl_zip_name(zip, k), zip_file_strerror(file));
  zip_fclose(file);
  return status;
}
