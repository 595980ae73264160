/* Models that processes share (ftl_model_share): another process computes the same bits, of every family and precision,
   also once the one that shared is done with it; nothing is left in the process; and what is not the object that was
   shared is refused, whatever it holds. */
#define _GNU_SOURCE /* memfd_create */
#include "model_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "frozentl.h"
#include "model/provenance.h"

#define N         12
#define MAX_WIDTH 3000

/* Families, blocks, embeddings of elements, tables of pairs and of paths and channels, readouts, a committee. */
static const char *const models[] = {SEED_MODEL,
                                     SEED_ZBL,
                                     SEED_HEADS,
                                     SEED_PLAIN,
                                     "tests/parity/twins/t-nonresidual.model",
                                     "tests/parity/sevennet-twins/s-fcn.pth",
                                     "tests/parity/sevennet-twins/s-parity-l3.pth",
                                     "potentials/h2cu.ftl",
                                     "potentials/tialv.ftl",
                                     "potentials/h2cu-ace.ftl",
                                     "potentials/h2cu-ace.yace"};
#define N_MODELS (sizeof models / sizeof *models)

typedef struct {
  double energy, virial[6], forces[N][3], grade[N], deviation[N], force_deviation[N], row[N * MAX_WIDTH];
  char head[32];
} outcome;

static void check(ftl_status status, const ftl_error *error) {
  if (status) fail_msg("%s [%s]", error->message, error->where);
}

static ftl_model *open_model(const char *path, ftl_precision precision) {
  ftl_model *model;
  ftl_error error = {0};
  const ftl_open_options options = {.precision = precision};
  check(ftl_model_open(path, &options, &model, &error), &error);
  return model;
}

/* All that a model can say about a small rattled crystal of its first elements. */
static void compute(const ftl_model *model, outcome *out) {
  ftl_model_info info;
  ftl_workspace *workspace;
  ftl_error error = {0};
  int species[N], width;
  double x[N][3], cell[3][3] = {{5.2, 0, 0}, {0, 7.8, 0}, {0, 0, 5.2}};
  unsigned seed = 5;
  ftl_model_get_info(model, &info);
  ftl_model_descriptors(model, NULL, &width);
  assert_in_range(width, 0, MAX_WIDTH);
  for (int i = 0; i < N; i++) {
    const int at[3] = {i % 2, i / 2 % 3, i / 6};
    species[i] = i % info.n_elements;
    for (int k = 0; k < 3; k++) {
      seed = seed * 1103515245u + 12345u;
      x[i][k] = 2.6 * at[k] + 0.4 * ((seed >> 8) % 1000 / 1000.0 - 0.5);
    }
  }
  memset(out, 0, sizeof *out);
  ftl_result result = {.forces = out->forces[0],
                       .extrapolation = info.extrapolation ? out->grade : NULL,
                       .energy_deviation = info.n_committee ? out->deviation : NULL,
                       .force_deviation = info.n_committee ? out->force_deviation : NULL,
                       .descriptors = width ? out->row : NULL};
  check(ftl_workspace_new(model, 1, &workspace, &error), &error);
  check(ftl_compute(workspace, N, species, (const double(*)[3])x, (const double(*)[3])cell, (int[3]){1, 1, 0}, &result,
                    &error),
        &error);
  out->energy = result.energy;
  memcpy(out->virial, result.virial, sizeof out->virial);
  snprintf(out->head, sizeof out->head, "%s", info.heads[info.head]);
  ftl_workspace_free(workspace);
}

/* Files and mappings of shared models that this process has. */
static int left_in_this_process(void) {
  int n = 0;
  char line[4096], path[300], target[64];
  FILE *maps = fopen("/proc/self/maps", "r");
  DIR *files = opendir("/proc/self/fd");
  assert_true(maps && files);
  while (fgets(line, sizeof line, maps)) n += strstr(line, "frozentl-model") != NULL;
  for (struct dirent *file; (file = readdir(files));) {
    snprintf(path, sizeof path, "/proc/self/fd/%s", file->d_name);
    const ssize_t length = readlink(path, target, sizeof target - 1);
    if (length < 0) continue;
    target[length] = 0;
    n += strstr(target, "frozentl-model") != NULL;
  }
  fclose(maps);
  closedir(files);
  return n;
}

/* In a process of its own, which forgets what it was born with: opened while the other has it, computed when that has
   freed it. */
static void compute_elsewhere(ftl_model *inherited, const ftl_shared_model *shared, int has_opened, int may_go_on,
                              outcome *out) {
  ftl_model *model;
  char byte = 0;
  ftl_model_free(inherited);
  const ftl_status status = ftl_model_open_shared(shared, &model, NULL);
  if (write(has_opened, &byte, 1) != 1 || read(may_go_on, &byte, 1) != 1 || status) _exit(1);
  compute(model, out);
  ftl_model_free(model);
  _exit(left_in_this_process());
}

static void same_bits(const char *path, ftl_precision precision) {
  static outcome alone, sharing;
  outcome *elsewhere = mmap(NULL, sizeof *elsewhere, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ftl_shared_model shared;
  ftl_error error = {0};
  int opened[2], go_on[2], ended;
  char byte = 0;
  assert_true(elsewhere != MAP_FAILED && pipe(opened) == 0 && pipe(go_on) == 0);
  ftl_model *model = open_model(path, precision);
  compute(model, &alone);
  check(ftl_model_share(&model, &shared, &error), &error);
  assert_int_equal(ftl_model_share(&model, &(ftl_shared_model){0}, NULL), FTL_ERR_ARGUMENT);
  compute(model, &sharing);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) compute_elsewhere(model, &shared, opened[1], go_on[0], elsewhere);
  assert_int_equal(read(opened[0], &byte, 1), 1);
  ftl_model_free(model);
  assert_int_equal(left_in_this_process(), 0);
  assert_int_equal(write(go_on[1], &byte, 1), 1);
  assert_int_equal(waitpid(child, &ended, 0), child);
  if (!WIFEXITED(ended) || WEXITSTATUS(ended)) fail_msg("%s: the other process failed", path);
  if (memcmp(&alone, &sharing, sizeof alone)) fail_msg("%s: other bits in the process that shares", path);
  if (memcmp(&alone, elsewhere, sizeof alone)) fail_msg("%s: other bits in another process", path);
  munmap(elsewhere, sizeof *elsewhere);
  for (int k = 0; k < 2; k++) {
    close(opened[k]);
    close(go_on[k]);
  }
}

static void other_processes_compute_the_same_bits(void **unused) {
  (void)unused;
  for (size_t k = 0; k < N_MODELS; k++)
    for (int precision = FTL_DOUBLE; precision <= FTL_MIXED; precision++) same_bits(models[k], precision);
}

/* ---- what is refused ---- */

static bytes object_of(const ftl_shared_model *shared) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/fd/%d", shared->process, shared->descriptor);
  return load_bytes(path);
}

static void expect_shared_refused(const ftl_shared_model *shared, ftl_status code, const char *part) {
  ftl_model *model = NULL;
  ftl_error error = {0};
  const ftl_status status = ftl_model_open_shared(shared, &model, &error);
  if (status != code || !strstr(error.message, part)) fail_msg("expected '%s', got '%s'", part, error.message);
  assert_null(model);
}

/* An object that holds these bytes instead, told with this digest; `seals` 0: still open to changes. */
static void expect_object_refused(const bytes *data, size_t size, const char *digest, int seals, ftl_status code,
                                  const char *part) {
  const int file = memfd_create("of-a-test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  assert_true(file >= 0);
  assert_int_equal(write(file, data->data, size), size);
  assert_int_equal(fcntl(file, F_ADD_SEALS, seals), 0);
  ftl_shared_model shared = {.process = (int)getpid(), .descriptor = file};
  snprintf(shared.digest, sizeof shared.digest, "%s", digest);
  expect_shared_refused(&shared, code, part);
  close(file);
}

enum {
  HEADER = 96,
  VERSION = 16,
  ISA = 48,
  STRUCTURE_AT = 80,
  SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE
};

/* The digest that would belong to changed bytes: so far goes one who can tell others where the object is. */
static void digest_of(const bytes *data, char digest[FTL_SHA256_HEX]) {
  uint64_t at;
  memcpy(&at, data->data + STRUCTURE_AT, sizeof at);
  ftl_sha256_parts((const ftl_bytes[]){{data->data, HEADER}, {data->data + at, data->size - at}}, 2, digest);
}

static void what_was_not_shared_is_refused(void **unused) {
  (void)unused;
  ftl_shared_model shared;
  ftl_error error = {0};
  char digest[FTL_SHA256_HEX];
  ftl_model *model = open_model(SEED_ZBL, FTL_DOUBLE);
  check(ftl_model_share(&model, &shared, &error), &error);
  bytes object = object_of(&shared);
  digest_of(&object, digest);
  assert_string_equal(digest, shared.digest);

  /* nobody can change it */
  assert_true(pwrite(shared.descriptor, "x", 1, 200) < 0 && errno == EPERM);
  assert_true(ftruncate(shared.descriptor, 100) < 0 && errno == EPERM);

  ftl_shared_model other = shared;
  other.digest[0] ^= 1;
  expect_shared_refused(&other, FTL_ERR_FORMAT, "another model");
  other = (ftl_shared_model){.process = shared.process, .descriptor = 1000};
  expect_shared_refused(&other, FTL_ERR_IO, "cannot be opened");
  other.descriptor = open(SEED_ZBL, O_RDONLY); /* a file */
  expect_shared_refused(&other, FTL_ERR_FORMAT, "not sealed");
  close(other.descriptor);

  expect_object_refused(&object, object.size, shared.digest, 0, FTL_ERR_FORMAT, "not sealed");
  expect_object_refused(&object, object.size, shared.digest, F_SEAL_WRITE, FTL_ERR_FORMAT, "not sealed");
  expect_object_refused(&object, 50, shared.digest, SEALS, FTL_ERR_FORMAT, "no header");
  expect_object_refused(&object, object.size - 64, shared.digest, SEALS, FTL_ERR_FORMAT, "cut short");
  expect_object_refused(&object, HEADER, shared.digest, SEALS, FTL_ERR_FORMAT, "cut short");
  object.data[0] = 'X';
  expect_object_refused(&object, object.size, shared.digest, SEALS, FTL_ERR_FORMAT, "no header");
  object.data[0] = 'F';
  object.data[object.size - 100] ^= 1; /* of the structure */
  expect_object_refused(&object, object.size, shared.digest, SEALS, FTL_ERR_FORMAT, "another model");
  object.data[object.size - 100] ^= 1;
  object.data[VERSION] = 'g';
  digest_of(&object, digest);
  expect_object_refused(&object, object.size, digest, SEALS, FTL_ERR_UNSUPPORTED, "another build");
  object.data[VERSION] = 'f';
  snprintf((char *)object.data + ISA, 16, "other");
  digest_of(&object, digest);
  expect_object_refused(&object, object.size, digest, SEALS, FTL_ERR_UNSUPPORTED, "for other kernels");
  free(object.data);
  ftl_model_free(model);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(other_processes_compute_the_same_bits),
                                     cmocka_unit_test(what_was_not_shared_is_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
