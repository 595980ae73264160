/* libFuzzer target: extended XYZ, as a data set and frame by frame, written and read again. See scripts/fuzz.sh. */
#include "exercise_file.h"

#include <string.h>

#include "data/dataset.h"
#include "data/sense.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_frames(const char *path) {
  ftl_xyz_reader *reader = NULL;
  ftl_xyz_frame frame = {0};
  ftl_error error = {0};
  bool end = false;
  if (refused_file(ftl_xyz_open(path, &reader, &error), &error)) return;
  while (!refused_file(ftl_xyz_read(reader, &frame, &end, &error), &error) && !end) {
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    double matrix[3][3], real;
    if (!stream) abort();
    if (ftl_xyz_value(&frame, "stress")) refused_file(ftl_xyz_matrix(&frame, "stress", matrix, &error), &error);
    if (ftl_xyz_value(&frame, "energy")) refused_file(ftl_xyz_real(&frame, "energy", &real, &error), &error);
    refused_file(ftl_xyz_set(&frame, "energy", "-1.5", &error), &error);
    refused_file(ftl_xyz_write(stream, &frame, NULL, 0, &error), &error);
    fclose(stream);
    free(text);
  }
  ftl_xyz_frame_free(&frame);
  ftl_xyz_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *path = path_of(data, size);
  ftl_dataset dataset = {0};
  ftl_error error = {0};
  char name[] = "/proc/self/fd/0000000000", *paths[] = {name};
  snprintf(name, sizeof name, "%s", path);
  if (!refused_file(ftl_dataset_read(paths, 1, NULL, &dataset, &error), &error))
    refused_file(ftl_labels_possible(&dataset, &error), &error);
  ftl_dataset_free(&dataset);
  read_frames(path);
  return 0;
}
