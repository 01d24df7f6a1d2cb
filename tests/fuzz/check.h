// What a fuzz target asserts. A finding aborts, which libFuzzer reports together with the input that led there.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace starling::fuzz {

inline void check_that(bool holds, const char* condition, const char* file, int line) {
  if (holds) return;
  std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
  std::abort();
}

}  // namespace starling::fuzz

#define FUZZ_CHECK(condition) ::starling::fuzz::check_that(static_cast<bool>(condition), #condition, __FILE__, __LINE__)
