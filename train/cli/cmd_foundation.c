/* frozentl foundation: published models, listed and fetched. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "base/error.h"
#include "fetch/fetch.h"
#include "support/distance.h"

typedef struct {
  bool list, quiet;
  int n;
  const ftl_foundation *foundation[32];
  cli_progress progress;
} options;

static void add_name(options *o, const char *name, struct argp_state *state) {
  enum { MOST = sizeof o->foundation / sizeof *o->foundation };
  const ftl_foundation *found = ftl_foundation_find(name);
  if (!found) {
    int nearest = 0, least = 1000;
    for (int k = 0; k < ftl_n_foundations; k++) {
      const int d = ftl_word_distance(name, ftl_foundations[k].name);
      if (d < least) {
        least = d;
        nearest = k;
      }
    }
    argp_error(state, "there is no foundation '%s'; the nearest is '%s' (--list has all)", name,
               ftl_foundations[nearest].name);
  }
  if (o->n == MOST) argp_error(state, "at most %d names at a time", MOST);
  o->foundation[o->n++] = found;
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
  options *o = state->input;
  switch (key) {
  case 'l':
    o->list = true;
    return 0;
  case 'q':
    o->quiet = true;
    return 0;
  case ARGP_KEY_ARG:
    add_name(o, argument, state);
    return 0;
  case ARGP_KEY_END:
    if (!o->list && o->n == 0) argp_error(state, "which NAME? --list has all");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_option option_list[] = {
    {"list", 'l', NULL, 0, "list the published models, or all that is known of those that are named; fetch nothing", 0},
    {"quiet", 'q', NULL, 0, "print the file's path only, and no progress bar", 0},
    {0},
};
static const struct argp argp = {
    option_list,
    parse_option,
    "NAME...\n--list [NAME...]",
    "Fetches a published foundation model: SevenNet's out of a wheel that your pip downloads from your index, MACE's "
    "from "
    "its official address. Afterwards its NAME can be given wherever a model is: --foundation NAME."
    "\vIt goes to the first folder of FROZENTL_PATH, or to ~/.cache/frozentl ($XDG_CACHE_HOME/frozentl), checked by "
    "its "
    "SHA-256; where none is published, that of the first download is recorded beside it in NAME.model.sha256. A "
    "download "
    "that breaks off is gone on with. Proxies are those of https_proxy, http_proxy and no_proxy; "
    "FROZENTL_FOUNDATION_MIRROR=https://HOST/PATH takes the place of https://github.com and "
    "https://raw.githubusercontent.com; FROZENTL_PYTHON is the Python whose pip is used.\n\n"
    "Example: frozentl foundation sevennet-0",
    NULL,
    NULL,
    NULL};

/* ---- listing ---- */

static void print_facts(const ftl_foundation *f) {
  printf("  what      %s\n", f->about);
  printf("  licence   %s\n", f->licence);
  printf("  citation  %s\n", f->citation);
  printf("  from      %s%s%s\n", f->package ? f->package : "", f->package ? " (PyPI), " : "", f->source);
}

static void print_details(const ftl_foundation *f) {
  char path[FTL_PATH_ROOM], expected[FTL_SHA256_HEX] = "";
  const bool here = ftl_foundation_locate(f, path);
  printf("%s: %s\n", f->name, here ? path : "not on this machine");
  if (f->bytes) printf("  size      %.1f MB\n", (double)f->bytes / 1e6);
  else printf("  size      not published\n");
  if (here) ftl_foundation_expected(f, path, expected, NULL);
  printf("  SHA-256   %s%s\n",
         f->sha256   ? f->sha256
         : *expected ? expected
                     : "none is published",
         f->sha256 || !*expected ? "" : " (of the first download)");
  print_facts(f);
}

static int list(const options *o) {
  char path[FTL_PATH_ROOM];
  for (int k = 0; k < o->n; k++) print_details(o->foundation[k]);
  if (o->n > 0) return CLI_OK;
  printf("%-21s %-5s %8s  %-4s %s\n", "name", "here", "MB", "", "what");
  for (int k = 0; k < ftl_n_foundations; k++) {
    const ftl_foundation *f = &ftl_foundations[k];
    char size[16] = "-";
    if (f->bytes) snprintf(size, sizeof size, "%.1f", (double)f->bytes / 1e6);
    printf("%-21s %-5s %8s  %-4.*s %s\n", f->name, ftl_foundation_locate(f, path) ? "yes" : "no", size,
           (int)strcspn(f->licence, " "), f->licence, f->about);
  }
  printf(
      "\nMIT, ASL: licences; ASL is for academic use. frozentl foundation --list NAME says all; without --list it is "
      "fetched.\n");
  return CLI_OK;
}

/* ---- fetching ---- */

static void say(void *context, const char *text) {
  options *o = context;
  if (o->quiet) return;
  cli_progress_clear(&o->progress);
  puts(text);
  fflush(stdout);
}

static void progress(void *context, double done, double total) {
  options *o = context;
  o->progress.total = total / 1e6;
  cli_progress_update(&o->progress, done / 1e6);
}

static int fetch(options *o, const ftl_foundation *f) {
  const ftl_fetch_host host = {o, say, progress};
  ftl_fetched fetched;
  ftl_error error = {0};
  cli_progress_start(&o->progress, "MB", 0, o->quiet);
  const ftl_status status = ftl_fetch(f, &host, &fetched, &error);
  cli_progress_end(&o->progress);
  if (status) return cli_report(&error, status == FTL_ERR_IO ? CLI_OUTPUT : CLI_INPUT);
  if (o->quiet) {
    puts(fetched.path);
    return CLI_OK;
  }
  printf("%s: %s%s\n", f->name, fetched.path, fetched.fetched ? "" : " (it was there)");
  printf("  size      %.1f MB\n", (double)fetched.bytes / 1e6);
  printf("  SHA-256   %s (%s)\n", fetched.sha256,
         f->sha256          ? "as published"
         : fetched.recorded ? "none is published: recorded beside the file"
                            : "as at the first download");
  print_facts(f);
  printf("  use       --foundation %s, or %s in place of any model file\n", f->name, f->name);
  return CLI_OK;
}

int cmd_foundation(int argc, char **argv) {
  options o = {0};
  int code = cli_parse(&argp, "foundation", argc, argv, &o);
  if (code == CLI_OK && o.list) return list(&o);
  for (int k = 0; code == CLI_OK && k < o.n; k++) code = fetch(&o, o.foundation[k]);
  return code;
}
