// Reads the members of one JSON object by name, collects what is wrong with them, and names the members that nobody
// asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/config/config_error.h"

namespace starling::daemon {

// Where errors go, and the file they name.
struct ErrorSink {
  std::string file;
  ConfigErrors errors;

  void add(std::string pointer, std::string message) {
    errors.push_back({file, std::move(pointer), std::move(message)});
  }
};

class FieldReader {
 public:
  // `value` should be an object; if it is not, that is one error and every member is absent.
  FieldReader(const nlohmann::json& value, std::string pointer, ErrorSink& sink);

  const std::string& pointer() const { return pointer_; }
  std::string pointer_to(std::string_view key) const { return child_pointer(pointer_, key); }
  bool is_object() const { return object_ != nullptr; }
  bool has(std::string_view key);

  // The member, if it is there and of the right type and range; otherwise nothing, and an error unless it is absent.
  std::optional<bool> boolean(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t min, std::int64_t max);
  std::optional<std::string> text(std::string_view key);
  // The index of the member's text in `words`.
  std::optional<std::size_t> one_of(std::string_view key, const std::vector<std::string_view>& words);
  const nlohmann::json* object(std::string_view key);
  // Calls `each` for every element of an array.
  void array(std::string_view key, const std::function<void(const nlohmann::json&, const std::string& pointer)>& each);
  // As `array`, for elements that are all texts.
  void texts(std::string_view key, const std::function<void(const std::string&, const std::string& pointer)>& each);

  void error(std::string_view key, std::string message) { sink_.add(pointer_to(key), std::move(message)); }
  void missing(std::string_view key, std::string what_would_be_right);
  // An error for every member that none of the calls above named. Call it last.
  void refuse_unknown();

 private:
  const nlohmann::json* find(std::string_view key);
  void wrong_type(std::string_view key, std::string_view wanted, const nlohmann::json& value);

  const nlohmann::json* object_ = nullptr;
  std::string pointer_;
  ErrorSink& sink_;
  std::vector<std::string_view> known_;
};

// A JSON value as an error quotes it: short, on one line.
std::string quoted(const nlohmann::json& value);

}  // namespace starling::daemon
