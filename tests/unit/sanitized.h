/* Whether this program runs under AddressSanitizer, where everything takes ten times as long: what sends other numbers
   through the same code can be left to the other builds. */
#ifndef FTL_TESTS_SANITIZED_H
#define FTL_TESTS_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
enum { SANITIZED = 1 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif
#else
enum { SANITIZED = 0 };
#endif

#endif
