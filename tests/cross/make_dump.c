/* make_dump MODEL: the dump of a model, to standard output. */
#include "dump.h"

int main(int argc, char **argv) {
  ftl_source *source;
  ftl_error error = {0};
  dump_check(argc == 2, "usage: make_dump MODEL");
  if (ftl_source_read(argv[1], &source, &error)) dump_check(0, error.message);
  dump_write(source, stdout);
  ftl_source_free(source);
  return fclose(stdout) == 0 ? 0 : 1;
}
