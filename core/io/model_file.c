#include "io/model_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/mace_reader.h"
#include "model/error.h"

/* Far above any model, far below what would hurt. */
#define MAX_FILE ((size_t)1 << 34)

typedef enum { KIND_TORCH_ZIP, KIND_TORCH_LEGACY, KIND_UNKNOWN } file_kind;

static file_kind recognise(const unsigned char *data, size_t size) {
  if (size >= 4 && !memcmp(data, "PK\3\4", 4)) return KIND_TORCH_ZIP;
  if (size >= 2 && data[0] == 0x80 && data[1] >= 2 && data[1] <= 5) return KIND_TORCH_LEGACY;
  return KIND_UNKNOWN;
}

static ftl_status read_content(const void *data, size_t size, ftl_source *source, ftl_error *error) {
  if (size == 0) return ftl_fail(error, FTL_ERR_FORMAT, source->path, "the file is empty");
  switch (recognise(data, size)) {
  case KIND_TORCH_ZIP:
    return ftl_mace_read(data, size, source, error);
  case KIND_TORCH_LEGACY:
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, source->path,
                    "this is a bare pickle (torch's format before version 1.6, or no model): load it in Python and "
                    "write it again with torch.save");
  case KIND_UNKNOWN:
    break;
  }
  return ftl_fail(error, FTL_ERR_FORMAT, source->path,
                  "this is neither a MACE .model file (a ZIP archive) nor an .ftl file");
}

static ftl_source *new_source(const char *path) {
  ftl_source *s = calloc(1, sizeof *s);
  if (s) s->path = strdup(path);
  if (s && !s->path) {
    free(s);
    return NULL;
  }
  return s;
}

static ftl_status finish(ftl_status status, ftl_source *s, ftl_source **source) {
  if (status) ftl_source_free(s);
  else *source = s;
  return status;
}

ftl_status ftl_source_read_memory(const void *data, size_t size, const char *name, ftl_source **source,
                                  ftl_error *error) {
  ftl_source *s = new_source(name);
  ftl_status status;
  *source = NULL;
  if (!s) return ftl_fail(error, FTL_ERR_MEMORY, name, "no memory to read the model");
  status = read_content(data, size, s, error);
  if (!status) status = ftl_source_check(s, error);
  return finish(status, s, source);
}

static ftl_status read_descriptor(int fd, const char *path, void **data, size_t *size, ftl_error *error) {
  struct stat st;
  size_t done = 0;
  if (fstat(fd, &st)) return ftl_fail(error, FTL_ERR_IO, path, "the file cannot be examined: %s", strerror(errno));
  if (!S_ISREG(st.st_mode)) return ftl_fail(error, FTL_ERR_IO, path, "this is not a regular file");
  if (st.st_size < 0 || (uint64_t)st.st_size > MAX_FILE)
    return ftl_fail(error, FTL_ERR_FORMAT, path, "the file has %lld bytes, more than any model", (long long)st.st_size);
  *size = (size_t)st.st_size;
  *data = malloc(*size ? *size : 1);
  if (!*data) return ftl_fail(error, FTL_ERR_MEMORY, path, "no memory for the file's %zu bytes", *size);
  while (done < *size) {
    ssize_t got = read(fd, (char *)*data + done, *size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      free(*data);
      return ftl_fail(error, FTL_ERR_IO, path, "the file cannot be read: %s",
                      got < 0 ? strerror(errno) : "it became shorter");
    }
    done += (size_t)got;
  }
  return FTL_OK;
}

ftl_status ftl_source_read(const char *path, ftl_source **source, ftl_error *error) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  void *data;
  size_t size;
  ftl_status status;
  *source = NULL;
  if (fd < 0) return ftl_fail(error, FTL_ERR_IO, path, "the file cannot be opened: %s", strerror(errno));
  status = read_descriptor(fd, path, &data, &size, error);
  close(fd);
  if (status) return status;
  status = ftl_source_read_memory(data, size, path, source, error);
  free(data);
  return status;
}
