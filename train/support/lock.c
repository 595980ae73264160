#define _GNU_SOURCE /* F_OFD_SETLK */
#include "support/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "support/output.h"
#include "base/path.h"
#include "base/error.h"

/* ---- who ---- */

typedef struct {
  long pid;
  char host[128], command[32], since[40], born[32]; /* born: start of the process in this host's clock ticks */
} holder;

/* The 22nd field of /proc/PID/stat; "" where there is none. It tells a process from a later one of its number. */
static void birth(long pid, char born[32]) {
  char path[64], text[1024] = "";
  snprintf(path, sizeof path, "/proc/%ld/stat", pid);
  FILE *stream = fopen(path, "r");
  *born = '\0';
  if (!stream) return;
  text[fread(text, 1, sizeof text - 1, stream)] = '\0';
  fclose(stream);
  const char *at = strrchr(text, ')'); /* a name may have blanks */
  for (int field = 2; at && field < 22; field++) at = strchr(at + 1, ' ');
  if (at) snprintf(born, 32, "%.*s", (int)strcspn(at + 1, " ") % 31, at + 1);
}

static void describe_me(const char *command, holder *me) {
  const time_t now = time(NULL);
  struct tm t;
  *me = (holder){.pid = (long)getpid()};
  if (gethostname(me->host, sizeof me->host - 1) != 0 || !*me->host) snprintf(me->host, sizeof me->host, "unknown");
  snprintf(me->command, sizeof me->command, "%s", command);
  if (gmtime_r(&now, &t)) strftime(me->since, sizeof me->since, "%Y-%m-%dT%H:%M:%SZ", &t);
  birth(me->pid, me->born);
}

/* False for a file without a holder: new, or let go. */
static bool read_holder(int fd, holder *who) {
  char text[512];
  const ssize_t n = pread(fd, text, sizeof text - 1, 0);
  *who = (holder){0};
  if (n <= 0) return false;
  text[n] = '\0';
  return sscanf(text, "frozentl %31s\nprocess %ld\nhost %127s\nsince %39s\nborn %31s", who->command, &who->pid,
                who->host, who->since, who->born) >= 4;
}

static bool write_holder(int fd, const holder *me) {
  char text[512];
  const int n = snprintf(text, sizeof text, "frozentl %s\nprocess %ld\nhost %s\nsince %s\nborn %s\n", me->command,
                         me->pid, me->host, me->since, *me->born ? me->born : "0");
  return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) == n && fsync(fd) == 0;
}

/* ---- locks of the operating system ---- */

typedef enum { TAKEN, BUSY, NO_LOCKS } answer;

static answer lock_file(int fd) {
#ifdef F_OFD_SETLK
  struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (fcntl(fd, F_OFD_SETLK, &range) == 0) return TAKEN;
#else
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return TAKEN;
#endif
  return errno == EAGAIN || errno == EACCES || errno == EWOULDBLOCK ? BUSY : NO_LOCKS;
}

/* The options of the mount that has the file say that locks stay on this host. */
static bool locks_are_local(int fd) {
  struct stat info;
  char *line = NULL, id[48];
  size_t room = 0;
  bool local = false;
  FILE *mounts = fstat(fd, &info) == 0 ? fopen("/proc/self/mountinfo", "r") : NULL;
  if (!mounts) return false;
  snprintf(id, sizeof id, " %u:%u ", major(info.st_dev), minor(info.st_dev));
  while (!local && getline(&line, &room, mounts) > 0) {
    const char *type = strstr(line, id) ? strstr(line, " - ") : NULL; /* "... - nfs4 SERVER:/PATH OPTIONS" */
    local = type && (strncmp(type, " - nfs", 6) == 0 || strncmp(type, " - lustre", 9) == 0) &&
            (strstr(type, "nolock") || strstr(type, "local_lock=all") || strstr(type, "local_lock=posix") ||
             strstr(type, "localflock"));
  }
  free(line);
  fclose(mounts);
  return local;
}

static bool lives(const holder *who) {
  char born[32];
  if (kill((pid_t)who->pid, 0) != 0 && errno == ESRCH) return false;
  birth(who->pid, born);
  return !*born || strcmp(who->born, "0") == 0 || strcmp(born, who->born) == 0;
}

/* ---- taking and letting go ---- */

static ftl_status refuse(const char *folder, const holder *who, bool sure, ftl_error *error) {
  if (who->pid == 0)
    return ftl_fail(error, FTL_ERR_INPUT, folder,
                    "another process has begun to work in this folder: give another one%s",
                    sure ? "" : ", or, if there is none, remove " FTL_LOCK_NAME " there");
  return ftl_fail(error, FTL_ERR_INPUT, folder,
                  "process %ld on host %s works in this folder (frozentl %s, since %s): wait for it, end it, or give "
                  "another folder%s",
                  who->pid, who->host, who->command, who->since,
                  sure ? ""
                       : "; if it has died, remove " FTL_LOCK_NAME
                         " there (this file system has no locks, or keeps them to one host)");
}

/* A file that another one removed since is no lock. */
static bool in_place(int fd, const char *path) {
  struct stat own, there;
  return fstat(fd, &own) == 0 && lstat(path, &there) == 0 && own.st_dev == there.st_dev && own.st_ino == there.st_ino;
}

static ftl_status open_file(const char *folder, const char *path, int *fd, bool *created, ftl_error *error) {
  const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  struct stat info;
  *fd = open(path, flags | O_CREAT | O_EXCL, 0666);
  *created = *fd >= 0;
  if (*fd < 0 && errno == EEXIST) *fd = open(path, flags | O_CREAT, 0666);
  if (*fd < 0 && errno == ENOENT) return ftl_fail(error, FTL_ERR_IO, folder, "there is no such folder (any more)");
  if (*fd < 0)
    return ftl_fail(error, FTL_ERR_IO, folder, "the folder cannot be written, nor locked for this run: %s",
                    strerror(errno));
  if (fstat(*fd, &info) == 0 && S_ISREG(info.st_mode)) return FTL_OK;
  close(*fd);
  *fd = -1;
  return ftl_fail(error, FTL_ERR_INPUT, path, "it is no regular file, and cannot be the lock of a run");
}

/* Who it is; the one that has just come may not have said yet. */
static bool wait_for_holder(int fd, const holder *me, holder *who) {
  const struct timespec moment = {.tv_nsec = 50000000};
  bool said = false;
  for (int k = 0; k < 40 && !said; k++) {
    said = read_holder(fd, who) && (strcmp(who->host, me->host) != 0 || lives(who));
    if (!said) nanosleep(&moment, NULL);
  }
  return said;
}

/* Without locks the file itself is one: who made it has it. One that a process of this host left is removed, *again. */
static ftl_status claim_without_locks(const char *folder, const char *path, int fd, bool created, const holder *me,
                                      bool *again, ftl_error *error) {
  holder who = {0};
  if (created) return FTL_OK;
  if (wait_for_holder(fd, me, &who) || !read_holder(fd, &who)) return refuse(folder, &who, false, error);
  *again = unlink(path) == 0 || errno == ENOENT;
  return *again ? FTL_OK
                : ftl_fail(error, FTL_ERR_IO, folder, "the lock that was left cannot be removed: %s", strerror(errno));
}

static ftl_status claim(const char *folder, const char *path, int fd, bool created, const holder *me, bool *again,
                        char warning[400], ftl_error *error) {
  holder who = {0};
  const answer a = lock_file(fd);
  ftl_status status = FTL_OK;
  if (a == BUSY && !wait_for_holder(fd, me, &who)) who.pid = 0;
  if (a == BUSY) return refuse(folder, &who, true, error);
  if (a == NO_LOCKS) status = claim_without_locks(folder, path, fd, created, me, again, error);
  if (status || *again) return status;
  if (a == TAKEN && read_holder(fd, &who) && strcmp(who.host, me->host) != 0) {
    if (locks_are_local(fd)) return refuse(folder, &who, false, error);
    snprintf(warning, 400,
             "process %ld on host %.100s (since %s) did not let the folder go; its lock is free, so it has died: if it "
             "has not, end it now",
             who.pid, who.host, who.since);
  }
  if (write_holder(fd, me)) return FTL_OK;
  return ftl_fail(error, FTL_ERR_IO, folder, "the lock of the folder cannot be written: %s", strerror(errno));
}

static ftl_status take(const char *folder, const char *command, ftl_lock *lock, char warning[400], ftl_error *error) {
  holder me;
  char *path = ftl_path_join(folder, FTL_LOCK_NAME);
  int fd = -1;
  *lock = (ftl_lock){0};
  *warning = '\0';
  if (!path) return ftl_no_memory(error, folder, "a path");
  describe_me(command, &me);
  ftl_status status;
  do {
    bool created, again = false;
    status = open_file(folder, path, &fd, &created, error);
    if (!status) status = claim(folder, path, fd, created, &me, &again, warning, error);
    if (status && fd >= 0) close(fd);
    if (status) break;
    if (!again && in_place(fd, path)) {
      *lock = (ftl_lock){.fd = fd, .held = true, .path = path};
      ftl_output_remember(path);
      return FTL_OK;
    }
    close(fd); /* and with it the lock of a file that has gone: once more */
  } while (true);
  free(path);
  return status;
}

/* A signal between the making of the lock and its being remembered would leave it behind. */
ftl_status ftl_lock_take(const char *folder, const char *command, ftl_lock *lock, char warning[400], ftl_error *error) {
  sigset_t ending, before;
  sigemptyset(&ending);
  sigaddset(&ending, SIGINT);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGHUP);
  sigprocmask(SIG_BLOCK, &ending, &before);
  const ftl_status status = take(folder, command, lock, warning, error);
  sigprocmask(SIG_SETMASK, &before, NULL);
  return status;
}

void ftl_lock_release(ftl_lock *lock) {
  if (lock->held) {
    if (in_place(lock->fd, lock->path)) unlink(lock->path);
    ftl_output_forget(lock->path);
    close(lock->fd);
  }
  free(lock->path);
  *lock = (ftl_lock){0};
}
