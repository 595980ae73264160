/* One file from an address, by HTTP: what is there of it is kept when the transfer breaks off, and gone on with. */
#ifndef FTL_DOWNLOAD_H
#define FTL_DOWNLOAD_H

#include <stdbool.h>

#include "fetch/fetch.h"

typedef struct {
  const char *address; /* http or https */
  const char *part;    /* the file that grows; beside it PART.tag says of which version it is */
  int file;            /* an open descriptor of it, for reading and writing */
  bool checked;        /* the content will be compared with a digest: a part without a tag is gone on with, too */
  const ftl_fetch_host *host;
} ftl_download_request;

/* Until the whole content is in the file. A server that has another version by now, or knows no ranges, sends it all.
   FTL_ERR_UNSUPPORTED: no libcurl; FTL_ERR_INPUT: the server cannot be reached, answers with an error or with a web
   page, or the transfer broke off; FTL_ERR_IO: the file cannot be written. */
ftl_status ftl_download(const ftl_download_request *request, ftl_error *error);

#endif
