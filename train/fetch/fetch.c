#include "fetch/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/path.h"
#include "fetch/download.h"
#include "fetch/wheel.h"
#include "files/model_file.h"
#include "files/zip.h"
#include "support/output.h"

ftl_status ftl_fetch_address(const ftl_foundation *foundation, char address[FTL_PATH_ROOM], ftl_error *error) {
  const char *mirror = getenv("FROZENTL_FOUNDATION_MIRROR");
  if (!mirror || !*mirror) {
    snprintf(address, FTL_PATH_ROOM, "%s", foundation->source);
    return FTL_OK;
  }
  if (strncmp(mirror, "https://", 8) != 0 && strncmp(mirror, "http://", 7) != 0)
    return ftl_fail(error, FTL_ERR_INPUT, "FROZENTL_FOUNDATION_MIRROR",
                    "it should be an address, https://... or http://..., that has what is at %.100s",
                    foundation->source);
  size_t n = strlen(mirror);
  while (mirror[n - 1] == '/') n--;
  const char *path = strchr(foundation->source + strlen("https://"), '/');
  if (snprintf(address, FTL_PATH_ROOM, "%.*s%s", (int)n, mirror, path) < FTL_PATH_ROOM) return FTL_OK;
  return ftl_fail(error, FTL_ERR_INPUT, "FROZENTL_FOUNDATION_MIRROR", "the address is too long");
}

/* ---- the folder, and the file that grows in it ---- */

static ftl_status make_folders(const char *folder, ftl_error *error) {
  const int code = ftl_output_make_folders(folder, NULL);
  if (!code) return FTL_OK;
  return ftl_fail(error, FTL_ERR_IO, folder,
                  "foundations go to this folder, but it cannot be made: %s; set FROZENTL_PATH to another one",
                  strerror(code));
}

static ftl_status place(const ftl_foundation *foundation, char path[FTL_PATH_ROOM], ftl_error *error) {
  char folder[FTL_PATH_ROOM];
  if (!ftl_search_folder(0, folder))
    return ftl_fail(error, FTL_ERR_INPUT, foundation->name,
                    "where should it go? Set FROZENTL_PATH to a folder (there is no home directory)");
  if (strlen(folder) + strlen(foundation->file) + 40 > FTL_PATH_ROOM)
    return ftl_fail(error, FTL_ERR_IO, folder, "the path is too long");
  const ftl_status status = make_folders(folder, error);
  ftl_path_put(path, FTL_PATH_ROOM, folder, foundation->file);
  return status;
}

/* Whether the descriptor is that of this name still: it may have got its final name since it was opened. */
static bool is_at(int file, const char *part) {
  struct stat open_file, there;
  return fstat(file, &open_file) == 0 && stat(part, &there) == 0 && open_file.st_dev == there.st_dev &&
         open_file.st_ino == there.st_ino;
}

/* One process at a time fetches a file. */
static ftl_status open_part(const char *part, int *file, ftl_error *error) {
  *file = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (*file < 0)
    return ftl_fail(error, FTL_ERR_IO, part, "cannot write it: %s; set FROZENTL_PATH to another folder",
                    strerror(errno));
  const bool held = flock(*file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK; /* some file systems have no locks */
  if (held && is_at(*file, part)) return FTL_OK;
  close(*file);
  *file = -1;
  return ftl_fail(error, FTL_ERR_INPUT, part, "another process is fetching it: wait for that one, then run this again");
}

/* ---- what else can be done ---- */

static ftl_status add_advice(const ftl_foundation *foundation, const char *path, ftl_error *error) {
  char message[sizeof error->message], where[sizeof error->where];
  if (!error) return FTL_ERR_INPUT;
  memcpy(message, error->message, sizeof message);
  memcpy(where, error->where, sizeof where);
  if (foundation->package)
    return ftl_fail(error, error->code, where,
                    "%.290s; elsewhere: pip download --no-deps %s; then here, with the folder of that wheel: "
                    "PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER frozentl foundation %s",
                    message, foundation->package, foundation->name);
  return ftl_fail(error, error->code, where, "%.250s; or download it elsewhere and save it as %.200s", message, path);
}

/* ---- checking, and putting it in its place ---- */

/* A model is an archive of torch.save: its end tells whether it is whole. */
static ftl_status check_archive(const char *part, const char *from, ftl_error *error) {
  void *data;
  size_t size;
  ftl_zip *zip = NULL;
  ftl_status status = ftl_file_map(part, &data, &size, error);
  if (!status && (size < 4 || memcmp(data, "PK\3\4", 4)))
    status = ftl_fail(error, FTL_ERR_FORMAT, from, "what comes (%zu bytes) is no model of torch.save", size);
  if (!status) status = ftl_zip_open(data, size, from, &zip, error);
  ftl_zip_free(zip);
  if (data) munmap(data, size);
  return status;
}

static ftl_status check_digest(const ftl_foundation *foundation, const char *part, const char *path, const char *from,
                               ftl_fetched *fetched, ftl_error *error) {
  char expected[FTL_SHA256_HEX], record[FTL_PATH_ROOM];
  ftl_status status = ftl_foundation_expected(foundation, path, expected, error);
  if (!status) status = ftl_sha256_file(part, fetched->sha256, error);
  if (status || !*expected || !strcmp(expected, fetched->sha256)) return status;
  if (foundation->sha256)
    return ftl_fail(error, FTL_ERR_FORMAT, from,
                    "what comes has the SHA-256 %.12s..., but that of %s is %.12s...: it is not kept", fetched->sha256,
                    foundation->name, expected);
  ftl_foundation_record_path(path, record);
  return ftl_fail(error, FTL_ERR_FORMAT, from,
                  "what comes has the SHA-256 %.12s..., but at the first download it was %.12s...: it is not kept; if "
                  "the model was published anew, remove %.150s",
                  fetched->sha256, expected, record);
}

static ftl_status record_digest(const ftl_foundation *foundation, ftl_fetched *fetched, ftl_error *error) {
  char expected[FTL_SHA256_HEX], record[FTL_PATH_ROOM];
  ftl_output_file file;
  ftl_status status = ftl_foundation_expected(foundation, fetched->path, expected, error);
  if (status || *expected) return status;
  ftl_foundation_record_path(fetched->path, record);
  status = ftl_output_open(record, &file, error);
  if (status) return status;
  fprintf(file.stream, "%s  %s\n", fetched->sha256, foundation->file);
  status = ftl_output_commit(&file, error);
  fetched->recorded = !status;
  return status;
}

static ftl_status settle(const ftl_foundation *foundation, const char *part, int file, const char *from,
                         ftl_fetched *fetched, ftl_error *error) {
  ftl_status status = check_archive(part, from, error);
  if (!status) status = check_digest(foundation, part, fetched->path, from, fetched, error);
  if (status) {
    if (status == FTL_ERR_FORMAT) unlink(part);
    return status;
  }
  if (fsync(file) != 0 || rename(part, fetched->path) != 0)
    return ftl_fail(error, FTL_ERR_IO, fetched->path, "cannot write it: %s", strerror(errno));
  return FTL_OK;
}

static ftl_status get(const ftl_foundation *foundation, const ftl_fetch_host *host, ftl_fetched *fetched,
                      ftl_error *error) {
  char part[FTL_PATH_ROOM], address[FTL_PATH_ROOM] = "", expected[FTL_SHA256_HEX], text[FTL_PATH_ROOM + 20];
  int file = -1;
  snprintf(part, sizeof part, "%.*s.part", FTL_PATH_ROOM - 6, fetched->path);
  ftl_status status = ftl_foundation_expected(foundation, fetched->path, expected, error);
  if (!status && !foundation->package) status = ftl_fetch_address(foundation, address, error);
  if (!status) status = open_part(part, &file, error);
  if (status) return status;
  if (foundation->package) {
    status = ftl_wheel_take(foundation, part, host, error);
  } else {
    snprintf(text, sizeof text, "downloading %s", address);
    if (host && host->say) host->say(host->context, text);
    status = ftl_download(
        &(ftl_download_request){.address = address, .part = part, .file = file, .checked = *expected, .host = host},
        error);
  }
  if (status == FTL_ERR_INPUT || status == FTL_ERR_UNSUPPORTED) add_advice(foundation, fetched->path, error);
  struct stat info;
  if (!status)
    status = settle(foundation, part, file, foundation->package ? foundation->package : address, fetched, error);
  else if (fstat(file, &info) == 0 && info.st_size == 0) unlink(part); /* nothing to go on with */
  close(file);
  fetched->fetched = !status;
  return status;
}

ftl_status ftl_fetch(const ftl_foundation *foundation, const ftl_fetch_host *host, ftl_fetched *fetched,
                     ftl_error *error) {
  struct stat info;
  *fetched = (ftl_fetched){0};
  ftl_status status = FTL_OK;
  if (ftl_foundation_locate(foundation, fetched->path))
    status = ftl_foundation_check(foundation, fetched->path, fetched->sha256, error);
  else {
    status = place(foundation, fetched->path, error);
    if (!status) status = get(foundation, host, fetched, error);
  }
  if (!status) status = record_digest(foundation, fetched, error);
  if (!status && stat(fetched->path, &info) == 0) fetched->bytes = info.st_size;
  return status;
}
