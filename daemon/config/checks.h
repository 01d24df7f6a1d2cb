// The rules of a configuration that one value or one name has to keep, each with what to say when it does not.
#pragma once

#include <fmt/format.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "daemon/config/config.h"
#include "daemon/config/field_reader.h"

namespace starling::daemon {

// Nothing if the name may be an interface's; otherwise what is wrong with it.
std::optional<std::string> interface_name_error(std::string_view name);
// Likewise for a node's name.
std::optional<std::string> node_name_error(std::string_view name);
// Likewise for an address that is to be our own, and for a prefix that is to be announced.
std::optional<std::string> own_address_error(const IpAddress& address);
std::optional<std::string> announced_prefix_error(const Prefix& prefix);

// The machine's host name, made fit to be a node's name.
std::string default_node_name();

// Reports a value that stands at two places: the second is the error and names the first.
template <typename Value>
class TwiceFinder {
 public:
  TwiceFinder(std::string_view what, ErrorSink& sink) : what_(what), sink_(sink) {}

  void see(const Value& value, const std::string& pointer) {
    const auto [at, fresh] = seen_.emplace(value, pointer);
    if (!fresh) sink_.add(pointer, fmt::format("is the same {} as {}; keep one of the two", what_, at->second));
  }

 private:
  std::string_view what_;
  ErrorSink& sink_;
  std::map<Value, std::string> seen_;
};

}  // namespace starling::daemon
