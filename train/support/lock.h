/* The lock of a run's folder: a file RUN/frozentl.lock that one process holds for as long as it works there.

   The lock is the operating system's (an open file description lock, which NFS passes on to the server): it ends with
   the process, however that ends, so a file that was left does not hinder anyone. The file says who holds it. Where
   the file system has no locks, or keeps them to one host (NFS mounted with nolock or local_lock, Lustre with
   localflock), what the file says decides: a process of this host is asked for, one of another host counts as alive. */
#ifndef FTL_LOCK_H
#define FTL_LOCK_H

#include <stdbool.h>

#include "frozentl.h"

#define FTL_LOCK_NAME "frozentl.lock"

/* Zero: not held. */
typedef struct {
  int fd;
  bool held;
  char *path;
} ftl_lock;

/* FTL_ERR_INPUT: another process works there; the message has its number, host, command and start. FTL_ERR_IO: the
   folder cannot be written. `warning` is "" or says that a process of another host left the lock behind. */
ftl_status ftl_lock_take(const char *folder, const char *command, ftl_lock *lock, char warning[400], ftl_error *error);
/* Also of a lock that is not held. */
void ftl_lock_release(ftl_lock *lock);

#endif
