#include "daemon/config/field_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace starling::daemon {

using nlohmann::json;

namespace {

// 7, and also 7.0, which JSON Schema calls an integer too. All our ranges end below 2^53.
std::optional<std::int64_t> whole_number(const json& value) {
  constexpr double kExactMax = 9007199254740992.0;
  if (!value.is_number()) return std::nullopt;
  const double number = value.get<double>();
  if (!(std::abs(number) <= kExactMax) || std::trunc(number) != number) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

}  // namespace

std::string quoted(const json& value) {
  constexpr std::size_t kQuotedSizeMax = 60;
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > kQuotedSizeMax) text = text.substr(0, kQuotedSizeMax) + "…";
  return text;
}

FieldReader::FieldReader(const json& value, std::string pointer, ErrorSink& sink)
    : pointer_(std::move(pointer)), sink_(sink) {
  if (value.is_object())
    object_ = &value;
  else
    sink_.add(pointer_, fmt::format("is {}; must be an object", quoted(value)));
}

const json* FieldReader::find(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.push_back(key);
  if (object_ == nullptr) return nullptr;
  const auto at = object_->find(std::string(key));
  return at == object_->end() ? nullptr : &*at;
}

bool FieldReader::has(std::string_view key) {
  return find(key) != nullptr;
}

void FieldReader::wrong_type(std::string_view key, std::string_view wanted, const json& value) {
  error(key, fmt::format("is {}; must be {}", quoted(value), wanted));
}

std::optional<bool> FieldReader::boolean(std::string_view key) {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  wrong_type(key, "true or false", *value);
  return std::nullopt;
}

std::optional<std::int64_t> FieldReader::integer(std::string_view key, std::int64_t min, std::int64_t max) {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto number = whole_number(*value); number && *number >= min && *number <= max) return number;
  wrong_type(key, fmt::format("a whole number, {} to {}", min, max), *value);
  return std::nullopt;
}

std::optional<std::string> FieldReader::text(std::string_view key) {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  wrong_type(key, "a text in quotes", *value);
  return std::nullopt;
}

std::optional<std::size_t> FieldReader::one_of(std::string_view key, const std::vector<std::string_view>& words) {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) {
    const auto at = std::find(words.begin(), words.end(), value->get_ref<const std::string&>());
    if (at != words.end()) return static_cast<std::size_t>(at - words.begin());
  }
  wrong_type(key, fmt::format("one of \"{}\"", fmt::join(words, "\", \"")), *value);
  return std::nullopt;
}

const json* FieldReader::object(std::string_view key) {
  return find(key);  // the FieldReader made for it says whether it is one
}

void FieldReader::array(std::string_view key, const std::function<void(const json&, const std::string&)>& each) {
  const json* value = find(key);
  if (value == nullptr) return;
  if (!value->is_array()) return wrong_type(key, "a list in brackets", *value);
  for (std::size_t i = 0; i < value->size(); i++) each((*value)[i], child_pointer(pointer_to(key), i));
}

void FieldReader::texts(std::string_view key, const std::function<void(const std::string&, const std::string&)>& each) {
  array(key, [&](const json& value, const std::string& at) {
    if (value.is_string())
      each(value.get_ref<const std::string&>(), at);
    else
      sink_.add(at, fmt::format("is {}; must be a text in quotes", quoted(value)));
  });
}

void FieldReader::missing(std::string_view key, std::string what_would_be_right) {
  if (object_ != nullptr)
    sink_.add(pointer_, fmt::format("\"{}\" is missing; {}", key, std::move(what_would_be_right)));
}

void FieldReader::refuse_unknown() {
  if (object_ == nullptr) return;
  for (const auto& member : object_->items()) {
    if (std::find(known_.begin(), known_.end(), member.key()) != known_.end()) continue;
    const std::string_view meant = nearest_word(member.key(), known_);
    sink_.add(pointer_to(member.key()), meant.empty()
                                            ? fmt::format("is no known key; known here: {}", fmt::join(known_, ", "))
                                            : fmt::format("is no known key; did you mean \"{}\"?", meant));
  }
}

}  // namespace starling::daemon
