#include "files/model_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/delta.h"
#include "files/foundations.h"
#include "files/ftl_file.h"
#include "files/mace_reader.h"
#include "files/surrogate_file.h"
#include "base/error.h"
#include "model/provenance.h"
#include "model/tensors.h"

/* Far above any model, far below what would hurt. */
#define MAX_FILE ((size_t)1 << 34)

typedef enum { KIND_TORCH_ZIP, KIND_TORCH_LEGACY, KIND_FTL, KIND_SURROGATE, KIND_YACE, KIND_UNKNOWN } file_kind;

/* Text with a line that begins with `word`. */
static bool has_line(const char *text, size_t size, const char *word) {
  size_t n = strlen(word);
  if (size >= n && !memcmp(text, word, n)) return true;
  for (const char *at = text, *end = text + size; (at = memchr(at, '\n', (size_t)(end - at))); at++)
    if ((size_t)(end - at - 1) >= n && !memcmp(at + 1, word, n)) return true;
  return false;
}

static bool is_yace(const void *data, size_t size, const char *name) {
  size_t n = strlen(name);
  if (size == 0 || memchr(data, 0, size < 512 ? size : 512)) return false;
  return (n > 5 && !strcmp(name + n - 5, ".yace")) ||
         (has_line(data, size, "elements:") && has_line(data, size, "functions:"));
}

/* By content; the name only decides which error a hopeless file gets. */
static file_kind recognise(const unsigned char *data, size_t size, const char *name) {
  size_t n = strlen(name);
  if (size >= 4 && !memcmp(data, "PK\3\4", 4)) return KIND_TORCH_ZIP;
  if (size >= 9 && data[8] == '{' && !data[4] && !data[5] && !data[6] && !data[7])
    return ftl_is_surrogate(data, size) ? KIND_SURROGATE : KIND_FTL;
  if (size >= 2 && data[0] == 0x80 && data[1] >= 2 && data[1] <= 5) return KIND_TORCH_LEGACY;
  if (is_yace(data, size, name)) return KIND_YACE;
  return n > 4 && !strcmp(name + n - 4, ".ftl") ? KIND_FTL : KIND_UNKNOWN;
}

ftl_pace_kind ftl_pace_kind_of(const void *data, size_t size, const char *name) {
  file_kind kind = size ? recognise(data, size, name) : KIND_UNKNOWN;
  return kind == KIND_YACE ? FTL_PACE_YACE : kind == KIND_SURROGATE ? FTL_PACE_SURROGATE : FTL_PACE_NONE;
}

static ftl_status read_torch(const void *data, size_t size, ftl_source *source, ftl_error *error) {
  ftl_status status = ftl_torch_read(data, size, source, error);
  return status ? status : ftl_provenance_start(source, data, size, error);
}

/* The tensors of a delta are its own only; they are not checked yet. */
static ftl_status read_content(const void *data, size_t size, bool mapped, ftl_source *source, ftl_error *error) {
  ftl_status status = FTL_OK;
  if (size == 0) return ftl_fail(error, FTL_ERR_FORMAT, source->path, "the file is empty");
  switch (recognise(data, size, source->path)) {
  case KIND_TORCH_ZIP:
    status = read_torch(data, size, source, error);
    break;
  case KIND_FTL:
    status = ftl_ftl_read(data, size, mapped, source, error);
    break;
  case KIND_TORCH_LEGACY:
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, source->path,
                    "this is a bare pickle (torch's format before version 1.6, or no model): load it in Python and "
                    "write it again with torch.save");
  case KIND_SURROGATE:
    return ftl_fail(
        error, FTL_ERR_UNSUPPORTED, source->path,
        "this is a surrogate (a linear ACE): `frozentl info`, `frozentl eval`, pair_style frozentl and `frozentl "
        "convert` to .yace take it, but it has no weights of a MACE model to work on");
  case KIND_YACE:
    return ftl_fail(
        error, FTL_ERR_UNSUPPORTED, source->path,
        "this is a PACE potential (.yace): `frozentl info`, `frozentl eval` and pair_style frozentl take it, "
        "but it has no weights of a MACE model to work on");
  case KIND_UNKNOWN:
    return ftl_fail(
        error, FTL_ERR_FORMAT, source->path,
        "this is neither a MACE .model file or SevenNet .pth checkpoint (ZIP archives), nor an .ftl file, nor a "
        "PACE .yace file");
  }
  return status || source->delta ? status : ftl_source_check(source, error);
}

static ftl_status complete(ftl_source *source, const char *foundation, ftl_error *error) {
  if (!source->delta) return FTL_OK;
  FTL_TRY(ftl_delta_complete(source, foundation, error));
  return ftl_source_check(source, error);
}

static ftl_source *new_source(const char *path, ftl_error *error) {
  ftl_source *s = calloc(1, sizeof *s);
  if (s) s->path = strdup(path);
  if (s && s->path) return s;
  free(s);
  ftl_no_memory(error, path, "reading the model");
  return NULL;
}

ftl_status ftl_source_read_memory(const void *data, size_t size, const char *name, ftl_source **source,
                                  ftl_error *error) {
  ftl_source *s = new_source(name, error);
  ftl_status status;
  *source = NULL;
  if (!s) return FTL_ERR_MEMORY;
  status = read_content(data, size, false, s, error);
  if (!status) status = complete(s, NULL, error);
  if (status) ftl_source_free(s);
  else *source = s;
  return status;
}

ftl_status ftl_file_map(const char *path, void **data, size_t *size, ftl_error *error) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* O_NONBLOCK: a pipe must not hang here */
  struct stat st;
  ftl_status status = FTL_OK;
  *data = NULL;
  *size = 0;
  if (fd < 0) return ftl_fail(error, FTL_ERR_IO, path, "the file cannot be opened: %s", strerror(errno));
  if (fstat(fd, &st)) status = ftl_fail(error, FTL_ERR_IO, path, "the file cannot be read: %s", strerror(errno));
  else if (!S_ISREG(st.st_mode))
    status = ftl_fail(error, FTL_ERR_IO, path, "this is %s, not a regular file",
                      S_ISDIR(st.st_mode) ? "a folder" : "a device or pipe");
  else if (st.st_size < 0 || (uint64_t)st.st_size > MAX_FILE)
    status =
        ftl_fail(error, FTL_ERR_FORMAT, path, "the file has %lld bytes, more than any model", (long long)st.st_size);
  else *size = (size_t)st.st_size;
  if (*size) {
    *data = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (*data == MAP_FAILED) {
      status = ftl_fail(error, errno == ENOMEM ? FTL_ERR_MEMORY : FTL_ERR_IO, path, "the file cannot be mapped: %s",
                        strerror(errno));
      *data = NULL;
    }
  }
  close(fd);
  return status;
}

ftl_status ftl_pace_kind_of_file(const char *path, ftl_pace_kind *kind, ftl_error *error) {
  void *data = NULL;
  size_t size;
  char file[FTL_PATH_ROOM];
  ftl_status status = ftl_model_place(path, file, sizeof file, error); /* it is checked when it is read */
  if (!status) status = ftl_file_map(file, &data, &size, error);
  *kind = status ? FTL_PACE_NONE : ftl_pace_kind_of(data, size, file);
  if (data) munmap(data, size);
  return status;
}

/* Reads a mapped file, and keeps or ends the mapping. */
static ftl_status read_mapped(const char *path, void *data, size_t size, ftl_source **source, ftl_error *error) {
  ftl_source *s = new_source(path, error);
  ftl_status status;
  if (!s) status = FTL_ERR_MEMORY;
  else status = read_content(data, size, true, s, error);
  /* The tensors of an .ftl stay where they are mapped; those of a .model were copied out of its archive. */
  if (!status && recognise(data, size, path) == KIND_FTL) {
    status = ftl_tensors_keep_mapping(&s->tensors, data, size, error);
    if (!status) data = NULL;
  }
  if (data) munmap(data, size);
  if (status) ftl_source_free(s);
  else *source = s;
  return status;
}

ftl_status ftl_source_read_with(const char *path, const char *foundation, ftl_source **source, ftl_error *error) {
  ftl_source *s = NULL;
  void *data;
  size_t size;
  char file[FTL_PATH_ROOM], base[FTL_PATH_ROOM];
  ftl_status status;
  *source = NULL;
  if ((status = ftl_model_path(path, file, sizeof file, error))) return status;
  if (foundation) {
    if ((status = ftl_model_path(foundation, base, sizeof base, error))) return status;
    foundation = base;
  }
  if ((status = ftl_file_map(file, &data, &size, error))) return status;
  if ((status = read_mapped(file, data, size, &s, error))) return status;
  status = complete(s, foundation, error);
  if (status) ftl_source_free(s);
  else *source = s;
  return status;
}

ftl_status ftl_source_no_delta(const char *path, ftl_error *error) {
  return ftl_fail(error, FTL_ERR_INPUT, path,
                  "it is no delta, so that a foundation has no effect; leave the option out, or give the delta");
}

ftl_status ftl_source_read(const char *path, ftl_source **source, ftl_error *error) {
  return ftl_source_read_with(path, NULL, source, error);
}

ftl_status ftl_foundation_read(const char *path, const char *sha256, ftl_source **source, char *digest,
                               ftl_error *error) {
  void *data;
  size_t size;
  ftl_status status = ftl_file_map(path, &data, &size, error);
  *source = NULL;
  FTL_TRY(status);
  ftl_sha256(data, size, digest);
  if (strcmp(digest, sha256)) {
    if (data) munmap(data, size);
    return FTL_OK;
  }
  if ((status = read_mapped(path, data, size, source, error)) || !(*source)->delta) return status;
  ftl_source_free(*source);
  *source = NULL;
  return ftl_fail(
      error, FTL_ERR_UNSUPPORTED, path,
      "a delta cannot be the foundation of a delta: make it whole with `frozentl merge`, and train on that");
}
