#include "cli/stop.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "support/output.h"

enum { N_CAUGHT = 4 };
static const int caught[N_CAUGHT] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
static struct sigaction before[N_CAUGHT];

/* Two phases, so that a handler finds one whole while the other is written. */
static struct {
  bool waits;
  char sentence[900];
} phases[2];
static volatile sig_atomic_t stop, current, ending;

/* Only what a signal handler may call. */
static void end_now(void) {
  const char *sentence = phases[current].sentence;
  const size_t length = strlen(sentence);
  if (ending) return; /* another thread is at it */
  ending = 1;
  if (length > 0 && write(STDERR_FILENO, sentence, length) < 0) ending = 1; /* nobody reads it */
  ftl_output_remove_temporaries();
  /* the rank that has a sentence to say comes first: mpirun ends the others when one has gone */
  const struct timespec moment = {.tv_nsec = 300000000};
  if (length == 0) nanosleep(&moment, NULL);
  _exit(CLI_INTERRUPTED);
}

static void on_alarm(int number) {
  (void)number;
  if (ftl_output_writing()) alarm(1);
  else end_now();
}

static void on_signal(int number) {
  if (stop && number == SIGPIPE) return; /* what is said while it ends is not read: `| tee` went with the same Ctrl-C */
  if (stop) {
    for (int k = 0; k < N_CAUGHT; k++) sigaction(caught[k], &before[k], NULL);
    raise(number);
    return;
  }
  if (!phases[current].waits) {
    end_now();
    return;
  }
  struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  stop = 1;
  sigaction(SIGALRM, &action, NULL);
  alarm(CLI_STOP_GRACE);
}

const volatile sig_atomic_t *cli_stop_on_signals(void) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  for (int k = 0; k < N_CAUGHT; k++) {
    sigaction(caught[k], &action, &before[k]);
    const bool may_be_ignored = caught[k] == SIGHUP || caught[k] == SIGPIPE;
    if (may_be_ignored && before[k].sa_handler == SIG_IGN) sigaction(caught[k], &before[k], NULL);
  }
  return &stop;
}

void cli_stop_phase(bool waits, const char *sentence) {
  const int next = !current;
  phases[next].waits = waits;
  snprintf(phases[next].sentence, sizeof phases[next].sentence, "%s%s%s", sentence ? "frozentl: " : "",
           sentence ? sentence : "", sentence ? "\n" : "");
  current = next;
}
