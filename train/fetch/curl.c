#include "fetch/curl.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"

/* POSIX has functions in what dlsym answers; ISO C has no cast for that. */
static bool take(void *library, const char *name, void *member, size_t size) {
  void *found = dlsym(library, name);
  memcpy(member, &found, size);
  return found != NULL;
}

#define TAKE(name) take(library, "curl_" #name, &curl->name, sizeof curl->name)

ftl_status ftl_curl_load(ftl_curl *curl, ftl_error *error) {
  static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"}; /* one interface, two TLS libraries */
  CURLcode (*global_init)(long) = NULL;
  void *library = NULL;
  for (size_t k = 0; !library && k < sizeof names / sizeof *names; k++) library = dlopen(names[k], RTLD_NOW);
  if (library && take(library, "curl_global_init", &global_init, sizeof global_init) && TAKE(easy_init) &&
      TAKE(easy_cleanup) && TAKE(easy_setopt) && TAKE(easy_perform) && TAKE(easy_getinfo) && TAKE(slist_append) &&
      TAKE(slist_free_all) && TAKE(easy_strerror) && global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
    return FTL_OK;
  return ftl_fail(error, FTL_ERR_UNSUPPORTED, NULL,
                  "libcurl, which fetches files, cannot be loaded on this machine (Debian's package libcurl4)");
}
