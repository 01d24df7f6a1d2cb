// What is wrong in a file that a person wrote: where, what, and what would be right. All errors of a file are
// collected, so that one look mends it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace starling::daemon {

struct ConfigError {
  std::string file;
  std::string pointer;  // RFC 6901, "" for the whole document; "line 3, column 7" for a syntax error
  std::string message;  // "what is wrong; what would be right"

  friend bool operator==(const ConfigError&, const ConfigError&) = default;
};
using ConfigErrors = std::vector<ConfigError>;

// "file: /peers/0/cost: what is wrong; what would be right"
std::string to_string(const ConfigError& error);
// One error a line, each line ended.
std::string to_string(const ConfigErrors& errors);

// The pointer of a member: `key` escaped as RFC 6901 asks (~0, ~1).
std::string child_pointer(std::string_view parent, std::string_view key);
std::string child_pointer(std::string_view parent, std::size_t index);

// The known word that `word` probably meant (at most two edits away), or "".
std::string_view nearest_word(std::string_view word, std::span<const std::string_view> known);

}  // namespace starling::daemon
