/* libcurl, loaded when something is fetched: linked, it and the thirty libraries that it needs would be loaded at every
   start of `frozentl` (docs/dependencies.md). */
#ifndef FTL_CURL_H
#define FTL_CURL_H

#include <curl/curl.h>

#include "frozentl.h"

typedef struct {
  CURL *(*easy_init)(void);
  void (*easy_cleanup)(CURL *);
  CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
  CURLcode (*easy_perform)(CURL *);
  CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
  struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
  void (*slist_free_all)(struct curl_slist *);
  const char *(*easy_strerror)(CURLcode);
} ftl_curl;

/* Once in a process. FTL_ERR_UNSUPPORTED: there is no libcurl.so.4 on this machine. */
ftl_status ftl_curl_load(ftl_curl *curl, ftl_error *error);

#endif
