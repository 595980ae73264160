/* What a table of options is written with. The file that has the table defines FTL_VALUES, its struct of values, and
   includes this header. Each row is PATH(member, .key = "...", .when = "", .doc = "...", ...). */
#define AT(member) .offset = offsetof(FTL_VALUES, member)
#define TEXT(member, ...)                                                                                              \
  { .type = FTL_OPTION_TEXT, AT(member), __VA_ARGS__ }
#define PATH(member, ...)                                                                                              \
  { .type = FTL_OPTION_PATH, AT(member), __VA_ARGS__ }
#define PATHS(member, ...)                                                                                             \
  { .type = FTL_OPTION_PATHS, AT(member), __VA_ARGS__ }
#define WORDS(member, ...)                                                                                             \
  { .type = FTL_OPTION_WORDS, AT(member), __VA_ARGS__ }
#define RATES(member, low, high, ...)                                                                                  \
  { .type = FTL_OPTION_RATES, .min = low, .max = high, AT(member), __VA_ARGS__ }
#define INTEGER(member, low, high, ...)                                                                                \
  { .type = FTL_OPTION_INTEGER, .min = low, .max = high, AT(member), __VA_ARGS__ }
#define REAL(member, low, high, ...)                                                                                   \
  { .type = FTL_OPTION_REAL, .min = low, .max = high, AT(member), __VA_ARGS__ }
#define SWITCH(member, ...)                                                                                            \
  { .type = FTL_OPTION_SWITCH, AT(member), __VA_ARGS__ }
#define BOOL(member, ...)                                                                                              \
  { .type = FTL_OPTION_BOOL, AT(member), __VA_ARGS__ }
#define CHOICE(member, words, ...)                                                                                     \
  { .type = FTL_OPTION_CHOICE, .choices = words, .n_choices = sizeof words / sizeof *words, AT(member), __VA_ARGS__ }

/* The words of a choice: CHOICES(words, N, [VALUE] = "word", ...), N one more than the largest value. A word stands at
   its value, so that their order is the enum's whatever is added to either; a value without one cannot be chosen. */
#define CHOICES(words, n, ...)                                                                                         \
  static const char *const words[] = {__VA_ARGS__};                                                                    \
  _Static_assert(sizeof words / sizeof *words == (n), "the last value of " #words " has a word, and none is beyond "   \
                                                      "it")
