#include "fetch/download.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "fetch/curl.h"

enum { TAG_ROOM = 256 };

/* One request and what came of it. */
typedef struct {
  const ftl_download_request *r;
  const ftl_curl *curl;
  CURL *handle;
  int64_t had;        /* bytes that a part had before */
  int64_t size;       /* bytes in the file */
  char tag[TAG_ROOM]; /* what the server says of its version, for If-Range */
  char range[64];     /* Content-Range */
  bool page;          /* Content-Type: text/html */
  bool begun;         /* the first bytes of the content are here */
  int write_error;    /* errno */
  char message[CURL_ERROR_SIZE];
} transfer;

/* ---- the version of a part ---- */

static void tag_path(const ftl_download_request *r, char path[FTL_PATH_ROOM]) {
  snprintf(path, FTL_PATH_ROOM, "%.*s.tag", FTL_PATH_ROOM - 5, r->part);
}

static void read_tag(const ftl_download_request *r, char tag[TAG_ROOM]) {
  char path[FTL_PATH_ROOM];
  tag_path(r, path);
  FILE *file = fopen(path, "r");
  *tag = '\0';
  if (!file) return;
  if (!fgets(tag, TAG_ROOM, file)) *tag = '\0';
  tag[strcspn(tag, "\r\n")] = '\0';
  fclose(file);
}

/* Without one, the part is not gone on with; so a failure here costs time only. */
static void write_tag(const ftl_download_request *r, const char *tag) {
  char path[FTL_PATH_ROOM];
  tag_path(r, path);
  unlink(path);
  FILE *file = *tag ? fopen(path, "w") : NULL;
  if (!file) return;
  fputs(tag, file);
  if (fclose(file) != 0) unlink(path);
}

/* ---- what libcurl calls ---- */

/* The value of a header of this name, or NULL. */
static const char *value_of(const char *line, const char *name) {
  const size_t n = strlen(name);
  if (strncasecmp(line, name, n) != 0 || line[n] != ':') return NULL;
  line += n + 1;
  return line + strspn(line, " \t");
}

static size_t on_header(char *data, size_t one, size_t n, void *context) {
  transfer *t = context;
  char line[512];
  const size_t length = one * n < sizeof line - 1 ? one * n : sizeof line - 1;
  memcpy(line, data, length);
  line[length] = '\0';
  line[strcspn(line, "\r\n")] = '\0';
  const char *value;
  if (strncmp(line, "HTTP/", 5) == 0) { /* of a redirection, so far */
    *t->tag = *t->range = '\0';
    t->page = false;
  } else if ((value = value_of(line, "ETag"))) {
    if (strncmp(value, "W/", 2) != 0) snprintf(t->tag, sizeof t->tag, "%.*s", TAG_ROOM - 1, value);
  } else if ((value = value_of(line, "Last-Modified"))) {
    if (!*t->tag) snprintf(t->tag, sizeof t->tag, "%.*s", TAG_ROOM - 1, value);
  } else if ((value = value_of(line, "Content-Range"))) {
    snprintf(t->range, sizeof t->range, "%.*s", (int)sizeof t->range - 1, value);
  } else if ((value = value_of(line, "Content-Type"))) {
    t->page = strncasecmp(value, "text/html", 9) == 0;
  }
  return one * n;
}

static long status_of(const transfer *t) {
  long code = 0;
  t->curl->easy_getinfo(t->handle, CURLINFO_RESPONSE_CODE, &code);
  return code;
}

/* Whether the content goes behind what is there; otherwise the file begins again. */
static bool begin_content(transfer *t) {
  long long from = -1;
  t->begun = true;
  const bool goes_on = status_of(t) == 206 && sscanf(t->range, "bytes %lld-", &from) == 1 && from == t->had;
  if (status_of(t) == 206 && !goes_on) return false;
  if (!goes_on) {
    t->had = 0;
    if (ftruncate(t->r->file, 0) != 0) t->write_error = errno;
  }
  t->size = t->had;
  write_tag(t->r, t->tag);
  return t->write_error == 0 && lseek(t->r->file, t->had, SEEK_SET) == t->had;
}

static size_t on_content(char *data, size_t one, size_t n, void *context) {
  transfer *t = context;
  const size_t size = one * n;
  if (status_of(t) >= 300 || t->page) return size; /* the text of an error, which nobody reads */
  if (!t->begun && !begin_content(t)) return 0;
  for (size_t done = 0; done < size;) {
    const ssize_t written = write(t->r->file, data + done, size - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      t->write_error = written < 0 ? errno : ENOSPC;
      return 0;
    }
    done += (size_t)written;
    t->size += written;
  }
  return size;
}

static int on_progress(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up) {
  const transfer *t = context;
  (void)up_total;
  (void)up;
  if (t->begun && t->r->host && t->r->host->progress)
    t->r->host->progress(t->r->host->context, (double)(t->had + now), total > 0 ? (double)(t->had + total) : 0);
  return 0;
}

/* ---- one request ---- */

static CURLcode perform(transfer *t, struct curl_slist *headers) {
  CURLcode (*set)(CURL *, CURLoption, ...) = t->curl->easy_setopt;
  CURL *h = t->handle;
  char range[32];
  const char *authorities = getenv("CURL_CA_BUNDLE"); /* as the program curl has it; a proxy's own, say */
  if (!authorities || !*authorities) authorities = getenv("SSL_CERT_FILE");
  if (authorities && !*authorities) authorities = NULL;
  const bool secure = strncmp(t->r->address, "https:", 6) == 0; /* never redirected to what is not */
  set(h, CURLOPT_URL, t->r->address);
#if LIBCURL_VERSION_NUM >= 0x075500
  set(h, CURLOPT_PROTOCOLS_STR, "http,https");
  set(h, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
#else
  set(h, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
  set(h, CURLOPT_REDIR_PROTOCOLS, (long)(secure ? CURLPROTO_HTTPS : CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
  set(h, CURLOPT_FOLLOWLOCATION, 1L);
  set(h, CURLOPT_MAXREDIRS, 10L);
  set(h, CURLOPT_NOSIGNAL, 1L);
  set(h, CURLOPT_CONNECTTIMEOUT, 30L);
  set(h, CURLOPT_LOW_SPEED_LIMIT, 1L); /* bytes a second, for a minute: it hangs */
  set(h, CURLOPT_LOW_SPEED_TIME, 60L);
  set(h, CURLOPT_USERAGENT, "frozentl");
  set(h, CURLOPT_ERRORBUFFER, t->message);
  set(h, CURLOPT_HEADERFUNCTION, on_header);
  set(h, CURLOPT_HEADERDATA, t);
  set(h, CURLOPT_WRITEFUNCTION, on_content);
  set(h, CURLOPT_WRITEDATA, t);
  set(h, CURLOPT_NOPROGRESS, 0L);
  set(h, CURLOPT_XFERINFOFUNCTION, on_progress);
  set(h, CURLOPT_XFERINFODATA, t);
  set(h, CURLOPT_HTTPHEADER, headers);
  if (authorities) set(h, CURLOPT_CAINFO, authorities);
  if (t->had > 0) {
    snprintf(range, sizeof range, "%lld-", (long long)t->had);
    set(h, CURLOPT_RANGE, range);
  }
  return t->curl->easy_perform(h);
}

/* Names the variable, not its value, which may hold a password. */
static const char *proxy_in_use(const char *address) {
  static const char *const names[][4] = {{"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"},
                                         {"http_proxy", "all_proxy", "ALL_PROXY", NULL}};
  const char *const *name = names[strncmp(address, "https:", 6) != 0];
  for (int k = 0; k < 4 && name[k]; k++)
    if (getenv(name[k]) && *getenv(name[k])) return name[k];
  return NULL;
}

static ftl_status cannot_write(const transfer *t, ftl_error *error) {
  if (t->write_error == ENOSPC || t->write_error == EDQUOT)
    return ftl_fail(error, FTL_ERR_IO, t->r->part,
                    "there is no space for it (%.1f MB are there): make room, or set FROZENTL_PATH to another folder, "
                    "and run this again; it goes on from here",
                    (double)t->size / 1e6);
  return ftl_fail(error, FTL_ERR_IO, t->r->part, "cannot write it: %s", strerror(t->write_error));
}

static ftl_status judge(const transfer *t, CURLcode result, ftl_error *error) {
  const char *address = t->r->address, *proxy = proxy_in_use(address);
  const long code = status_of(t);
  if (t->write_error) return cannot_write(t, error);
  if (code >= 400 || (code >= 300 && result == CURLE_OK))
    return ftl_fail(error, FTL_ERR_INPUT, address, "the %s answers with error %ld%s%s",
                    proxy ? "server, or the proxy," : "server", code,
                    code == 404 ? ": the file is not there (any more)" : "",
                    code == 407 ? ": the proxy wants a password" : "");
  if (t->page && code < 300)
    return ftl_fail(error, FTL_ERR_INPUT, address,
                    "what comes is a web page, not a model: a log-in page of the network, or the file has moved");
  if (result == CURLE_OK) return FTL_OK;
  const char *why = *t->message ? t->message : t->curl->easy_strerror(result);
  if (t->begun)
    return ftl_fail(
        error, FTL_ERR_INPUT, address,
        "the transfer broke off after %.1f MB (%.150s): run this again, and it goes on from there if the server can",
        (double)t->size / 1e6, why);
  return ftl_fail(error, FTL_ERR_INPUT, address, "it cannot be reached (%.150s)%s%s", why,
                  proxy ? "; the proxy is that of " : "", proxy ? proxy : "");
}

static ftl_status attempt(transfer *t, ftl_error *error) {
  char line[TAG_ROOM + 16], tag[TAG_ROOM];
  struct curl_slist *headers = NULL;
  read_tag(t->r, tag);
  if (!*tag && !t->r->checked) t->had = 0;
  if (t->had > 0 && *tag) {
    snprintf(line, sizeof line, "If-Range: %s", tag);
    headers = t->curl->slist_append(NULL, line);
  }
  t->handle = t->curl->easy_init();
  if (!t->handle || (t->had > 0 && *tag && !headers)) {
    t->curl->slist_free_all(headers);
    if (t->handle) t->curl->easy_cleanup(t->handle);
    return ftl_fail(error, FTL_ERR_MEMORY, NULL, "no memory for a download");
  }
  const CURLcode result = perform(t, headers);
  ftl_status status = judge(t, result, error);
  const long code = status_of(t);
  t->curl->slist_free_all(headers);
  t->curl->easy_cleanup(t->handle);
  /* nothing is behind the part, or what came was not what was asked for: from the beginning */
  if (t->had > 0 && (code == 416 || (code == 206 && status && t->size == 0))) return FTL_ERR_ARGUMENT;
  return status;
}

ftl_status ftl_download(const ftl_download_request *request, ftl_error *error) {
  ftl_curl curl;
  struct stat info;
  ftl_status status = ftl_curl_load(&curl, error);
  if (status) return status;
  if (fstat(request->file, &info) != 0)
    return ftl_fail(error, FTL_ERR_IO, request->part, "cannot be read: %s", strerror(errno));
  transfer t = {.r = request, .curl = &curl, .had = info.st_size};
  status = attempt(&t, error);
  if (status == FTL_ERR_ARGUMENT) {
    t = (transfer){.r = request, .curl = &curl};
    status = attempt(&t, error);
  }
  if (!status && !t.begun) status = ftl_fail(error, FTL_ERR_INPUT, request->address, "what comes is empty");
  if (!status) write_tag(request, "");
  return status;
}
