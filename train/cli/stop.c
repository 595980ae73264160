#include "cli/stop.h"

#include <stddef.h>

static volatile sig_atomic_t stop;
static struct sigaction before[2];
static const int caught[2] = {SIGINT, SIGTERM};

static void on_signal(int number) {
  if (stop) {
    for (int k = 0; k < 2; k++) sigaction(caught[k], &before[k], NULL);
    raise(number);
  }
  stop = 1;
}

const volatile sig_atomic_t *cli_stop_on_signals(void) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  for (int k = 0; k < 2; k++) sigaction(caught[k], &action, &before[k]);
  return &stop;
}
