/* Models in memory that processes share (frozentl.h, section 2).

   The object is a file in memory (memfd_create), sealed when it is complete:

     header | numbers ... | structure

   Structure is all that memory is addressed by: the ftl_model, arrays of structures, indices; one record after another,
   in the order of the engine's list (model/arrays.h). Numbers stand in it with their place in the object only. A
   process maps the numbers read-only, and the structure for itself, as pointers differ from process to process: that
   part is some hundred kB. Its digest is told along with the object's place, so that nothing in the object can lead out
   of it. */
#define _GNU_SOURCE /* memfd_create */
#include "engine/share.h"

#include <errno.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/error.h"
#include "model/kernels.h"
#include "model/provenance.h"

#define ALIGNMENT 64
#define SEALS     (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define MAGIC     "FrozenTL model"

typedef struct {
  char magic[16], version[32], isa[16];
  uint64_t model_bytes; /* of ftl_model: another build's may differ */
  uint64_t engine;
  uint64_t structure_at, structure_bytes;
} header;

/* Before each array of the structure, in its place for numbers. */
typedef struct {
  uint64_t bytes, at; /* at: of numbers, in the object */
  char padding[ALIGNMENT - 2 * sizeof(uint64_t)];
} record;

static size_t rounded(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

static size_t page(void) { return (size_t)sysconf(_SC_PAGESIZE); }

/* All arrays, after the structure that points to them. */
static ftl_status list_all(ftl_model *model, ftl_arrays *arrays, ftl_error *error) {
  const int n = model->n_species;
  const ftl_descriptor_block *before = model->descriptor;
  for (int h = 0; h < model->arch.n_heads; h++) FTL_TEXT(model->arch.heads[h]);
  FTL_STRUCTURE(model->pair_class, n * n);
  FTL_DOUBLES(model->e0, n);
  FTL_DOUBLES(model->scale, n);
  FTL_DOUBLES(model->zbl, 4 * n * n);
  FTL_STRUCTURE(model->descriptor, model->n_descriptors);
  for (int t = 0; t < model->arch.n_layers && model->descriptor; t++)
    model->layer[t].descriptor = model->descriptor + (model->layer[t].descriptor - before);
  return model->engine->arrays(model, arrays, error);
}

/* ---- writing ---- */

typedef struct {
  ftl_arrays arrays;
  int file;
  size_t numbers; /* where the next ones go */
  unsigned char *structure;
  size_t used, room;
} writer;

static ftl_status write_at(int file, const void *data, size_t size, size_t at, ftl_error *error) {
  for (size_t done = 0; done < size;) {
    const ssize_t n = pwrite(file, (const char *)data + done, size - done, (off_t)(at + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0)
      return ftl_fail(error, FTL_ERR_IO, NULL, "no shared memory for the potential's tables: %s",
                      n < 0 ? strerror(errno) : "nothing was written");
    done += (size_t)n;
  }
  return FTL_OK;
}

static ftl_status write_array(ftl_arrays *arrays, void *pointer, size_t bytes, bool numbers, ftl_error *error) {
  writer *w = (writer *)arrays;
  void *array;
  memcpy(&array, pointer, sizeof array);
  if (bytes == FTL_TEXT_BYTES) bytes = strlen(array) + 1;
  const size_t end = w->used + sizeof(record) + (numbers ? 0 : rounded(bytes, ALIGNMENT));
  FTL_TRY(FTL_GROW(w->structure, w->room, end, "a model's tables", error));
  memset(w->structure + w->used, 0, end - w->used);
  *(record *)(w->structure + w->used) = (record){.bytes = bytes, .at = numbers ? w->numbers : 0};
  if (!numbers) memcpy(w->structure + w->used + sizeof(record), array, bytes);
  w->used = end;
  if (!numbers) return FTL_OK;
  FTL_TRY(write_at(w->file, array, bytes, w->numbers, error));
  w->numbers = rounded(w->numbers + bytes, ALIGNMENT);
  return FTL_OK;
}

/* The header comes last. `shared` gets the digest. */
static ftl_status write_model(ftl_model *model, int file, ftl_shared_model *shared, ftl_error *error) {
  writer w = {.arrays = {write_array}, .file = file, .numbers = rounded(sizeof(header), ALIGNMENT)};
  ftl_status status = write_array(&w.arrays, &model, sizeof *model, false, error);
  if (!status) status = list_all(model, &w.arrays, error);
  header h = {.model_bytes = sizeof *model,
              .engine = (uint64_t)model->engine->number,
              .structure_at = rounded(w.numbers + ALIGNMENT, page()), /* kernels may read beyond the last number */
              .structure_bytes = w.used};
  snprintf(h.magic, sizeof h.magic, "%s", MAGIC);
  snprintf(h.version, sizeof h.version, "%s", ftl_version());
  snprintf(h.isa, sizeof h.isa, "%s", model->kernels->isa);
  if (!status) status = write_at(file, w.structure, w.used, h.structure_at, error);
  if (!status) status = write_at(file, &h, sizeof h, 0, error);
  if (!status) ftl_sha256_parts((const ftl_bytes[]){{&h, sizeof h}, {w.structure, w.used}}, 2, shared->digest);
  free(w.structure);
  return status;
}

/* `descriptor` is the model's from now on, or -1. */
static ftl_status open_shared(const ftl_shared_model *shared, int descriptor, ftl_model **model, ftl_error *error);

ftl_status ftl_model_share(ftl_model **model, ftl_shared_model *shared, ftl_error *error) {
  if (!model || !*model || !shared || (*model)->mapping.numbers)
    return ftl_fail(error, FTL_ERR_ARGUMENT, NULL, "ftl_model_share: NULL, or a model that is shared already");
  *shared = (ftl_shared_model){.process = (int)getpid(), .descriptor = -1};
  const int file = memfd_create("frozentl-model", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (file < 0)
    return ftl_fail(error, FTL_ERR_IO, NULL, "no shared memory for the potential's tables: %s", strerror(errno));
  shared->descriptor = file;
  ftl_model *mapped = NULL;
  ftl_status status = write_model(*model, file, shared, error);
  if (!status && fcntl(file, F_ADD_SEALS, SEALS) < 0)
    status = ftl_fail(error, FTL_ERR_IO, NULL, "shared memory cannot be sealed: %s", strerror(errno));
  if (!status) status = open_shared(shared, file, &mapped, error);
  if (status) {
    close(file);
    return status;
  }
  ftl_model_free(*model);
#ifdef __GLIBC__
  /* what is left in the heap of making tables would be this process's for ever: 30 MB of ten elements */
  malloc_trim(0);
#endif
  *model = mapped;
  return FTL_OK;
}

/* ---- reading ---- */

typedef struct {
  ftl_arrays arrays;
  const ftl_mapping *mapping;
  size_t used; /* of the structure */
} reader;

static ftl_status read_array(ftl_arrays *arrays, void *pointer, size_t bytes, bool numbers, ftl_error *error) {
  reader *r = (reader *)arrays;
  const ftl_mapping *mapping = r->mapping;
  const size_t left = mapping->structure_bytes - r->used;
  char *here = (char *)mapping->structure + r->used, *array;
  const record *found = (const record *)here;
  /* its digest was right, so that another list of arrays is all that could be wrong */
  const bool whole = left >= sizeof(record) && (bytes == FTL_TEXT_BYTES || bytes == found->bytes);
  const size_t end = whole && !numbers ? sizeof(record) + rounded(found->bytes, ALIGNMENT) : sizeof(record);
  if (!whole || end > left || (numbers && found->at + found->bytes > mapping->numbers_bytes))
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, NULL, "the shared tables were made by another build of FrozenTL");
  array = numbers ? (char *)mapping->numbers + found->at : here + sizeof(record);
  memcpy(pointer, &array, sizeof array);
  r->used += end;
  return FTL_OK;
}

static void unmap(const ftl_mapping *mapping) {
  if (mapping->numbers) munmap(mapping->numbers, mapping->numbers_bytes);
  if (mapping->structure) munmap(mapping->structure, mapping->structure_bytes);
}

void ftl_unmap_model(ftl_model *model) {
  const ftl_mapping mapping = model->mapping; /* the model lies in it */
  unmap(&mapping);
  if (mapping.descriptor >= 0) close(mapping.descriptor);
}

static void *map(int file, size_t at, size_t bytes, int protection, int kind) {
  void *mapped = bytes > 0 ? mmap(NULL, bytes, protection, kind, file, (off_t)at) : MAP_FAILED;
  return mapped == MAP_FAILED ? NULL : mapped;
}

/* Maps an object that cannot change any more and is what was shared. */
static ftl_status map_object(int file, const ftl_shared_model *shared, const char *path, header *h,
                             ftl_mapping *mapping, ftl_error *error) {
  struct stat info;
  char digest[FTL_SHA256_HEX];
  const int seals = fcntl(file, F_GET_SEALS);
  if (seals < 0 || (seals & SEALS) != SEALS || fstat(file, &info) != 0)
    return ftl_fail(error, FTL_ERR_FORMAT, path, "it is no shared model: it is not sealed");
  const size_t size = (size_t)info.st_size;
  if (size < sizeof *h || pread(file, h, sizeof *h, 0) != (ssize_t)sizeof *h || memcmp(h->magic, MAGIC, sizeof MAGIC))
    return ftl_fail(error, FTL_ERR_FORMAT, path, "it is no shared model: it has no header");
  h->version[sizeof h->version - 1] = h->isa[sizeof h->isa - 1] = 0;
  if (strcmp(h->version, ftl_version()) || h->model_bytes != sizeof(ftl_model))
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, path, "%s made it, another build than this one, %s", h->version,
                    ftl_version());
  if (h->structure_at < sizeof *h || h->structure_at > size || h->structure_at % page() ||
      h->structure_bytes != size - h->structure_at)
    return ftl_fail(error, FTL_ERR_FORMAT, path, "the shared model is cut short");
  mapping->numbers_bytes = h->structure_at;
  mapping->structure_bytes = h->structure_bytes;
  mapping->numbers = map(file, 0, h->structure_at, PROT_READ, MAP_SHARED);
  mapping->structure = map(file, h->structure_at, h->structure_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  if (!mapping->numbers || !mapping->structure) return ftl_no_memory(error, path, "the shared tables");
  ftl_sha256_parts((const ftl_bytes[]){{h, sizeof *h}, {mapping->structure, mapping->structure_bytes}}, 2, digest);
  if (memcmp(digest, shared->digest, sizeof digest))
    return ftl_fail(error, FTL_ERR_FORMAT, path, "it is another model than the one that was shared");
  return FTL_OK;
}

static ftl_status read_model(const header *h, const ftl_mapping *mapping, ftl_model **out, ftl_error *error) {
  reader r = {.arrays = {read_array}, .mapping = mapping};
  ftl_model *model = NULL;
  FTL_TRY(read_array(&r.arrays, &model, sizeof *model, false, error));
  FTL_TRY(ftl_kernels_choose(model->precision, &model->kernels, error));
  if (strcmp(model->kernels->isa, h->isa))
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, NULL, "the shared tables are for %s kernels, and this process has %s",
                    h->isa, model->kernels->isa);
  model->engine = ftl_engine_of((int)h->engine);
  if (!model->engine) return ftl_fail(error, FTL_ERR_UNSUPPORTED, NULL, "the shared model has an unknown engine");
  FTL_TRY(list_all(model, &r.arrays, error));
  for (int k = 0; k < model->arch.n_heads; k++)
    if (model->arch.heads[k]) model->heads[k] = model->arch.heads[k];
  *out = model;
  return FTL_OK;
}

static ftl_status open_shared(const ftl_shared_model *shared, int descriptor, ftl_model **model, ftl_error *error) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/fd/%d", shared->process, shared->descriptor);
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return ftl_fail(error, FTL_ERR_IO, path, "the shared model cannot be opened: %s", strerror(errno));
  ftl_mapping mapping = {.descriptor = descriptor};
  header h;
  ftl_model *made = NULL;
  ftl_status status = map_object(file, shared, path, &h, &mapping, error);
  if (!status) status = read_model(&h, &mapping, &made, error);
  close(file); /* mappings stay */
  if (status) {
    unmap(&mapping);
    return status;
  }
  made->mapping = mapping;
  mprotect(mapping.structure, mapping.structure_bytes, PROT_READ);
  *model = made;
  return FTL_OK;
}

ftl_status ftl_model_open_shared(const ftl_shared_model *shared, ftl_model **model, ftl_error *error) {
  if (!shared || !model) return ftl_fail(error, FTL_ERR_ARGUMENT, NULL, "ftl_model_open_shared: NULL");
  return open_shared(shared, -1, model, error);
}
