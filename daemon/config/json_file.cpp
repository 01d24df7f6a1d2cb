#include "daemon/config/json_file.h"

#include <errno.h>
#include <string.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <vector>

namespace starling::daemon {

namespace {

using nlohmann::json;

// Follows the parser and remembers, for every open object, the keys seen so far.
class DuplicateKeyFinder {
 public:
  struct TooDeep {};  // thrown; the error has been noted

  DuplicateKeyFinder(const std::string& source_name, ConfigErrors& errors)
      : source_name_(source_name), errors_(errors) {}

  bool operator()(int /*depth*/, json::parse_event_t event, json& parsed) {
    switch (event) {
      case json::parse_event_t::object_start: open(true); break;
      case json::parse_event_t::array_start: open(false); break;
      case json::parse_event_t::object_end:
      case json::parse_event_t::array_end: close(); break;
      case json::parse_event_t::key: key(parsed.get_ref<const std::string&>()); break;
      case json::parse_event_t::value: value_ended(); break;
    }
    return true;  // keep everything
  }

  // The pointer of the value that is being read.
  std::string here() const {
    if (levels_.empty()) return "";
    const Level& level = levels_.back();
    return level.object ? child_pointer(level.pointer, level.key) : child_pointer(level.pointer, level.index);
  }

 private:
  struct Level {
    bool object;
    std::string pointer;
    std::string key;
    std::size_t index = 0;
    std::set<std::string> keys;
  };

  void open(bool object) {
    std::string pointer = here();
    if (levels_.size() >= kJsonDepthMax) {
      errors_.push_back({source_name_, std::move(pointer),
                         "is nested more than " + std::to_string(kJsonDepthMax) + " deep; nothing here needs that"});
      throw TooDeep();
    }
    levels_.push_back({object, std::move(pointer), {}, 0, {}});
  }

  void close() {
    levels_.pop_back();
    value_ended();
  }

  void value_ended() {
    if (!levels_.empty()) levels_.back().index++;
  }

  void key(const std::string& name) {
    Level& level = levels_.back();
    level.key = name;
    if (!level.keys.insert(name).second)
      errors_.push_back({source_name_, child_pointer(level.pointer, name),
                         "stands twice in this object, and only one of the two could count; keep one"});
  }

  const std::string& source_name_;
  ConfigErrors& errors_;
  std::vector<Level> levels_;
};

// "line 3, column 7" of a byte offset that counts from 1.
std::string line_and_column(std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, std::min(byte == 0 ? 0 : byte - 1, text.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return "line " + std::to_string(line) + ", column " + std::to_string(before.size() - line_start + 1);
}

// The parser's own words, without its error number and position.
std::string reason_of(const json::parse_error& error) {
  const std::string what = error.what();
  const std::size_t position_end = what.find(": ", what.find("column "));
  return position_end == std::string::npos ? what : what.substr(position_end + 2);
}

}  // namespace

Result<json, ConfigErrors> parse_json_text(std::string_view text, const std::string& source_name) {
  ConfigErrors errors;
  DuplicateKeyFinder finder(source_name, errors);
  try {
    json document = json::parse(
        text.begin(), text.end(),
        [&finder](int depth, json::parse_event_t event, json& parsed) { return finder(depth, event, parsed); });
    if (errors.empty()) return document;
  } catch (const json::parse_error& error) {
    errors.push_back({source_name, line_and_column(text, error.byte), "not JSON: " + reason_of(error)});
  } catch (const json::out_of_range&) {
    errors.push_back({source_name, finder.here(), "is a number too large for any key; give a smaller one"});
  } catch (const DuplicateKeyFinder::TooDeep&) {
  }
  return errors;
}

Result<json, ConfigErrors> read_json_file(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return ConfigErrors{
        {path, "", std::string("cannot be opened: ") + strerror(errno) + "; name a file that can be read"}};
  std::ostringstream text;
  text << file.rdbuf();
  // A folder opens, but cannot be read.
  if (file.bad() || text.fail()) return ConfigErrors{{path, "", "cannot be read or is empty; name a JSON file"}};
  if (text.view().size() > kJsonFileSizeMax)
    return ConfigErrors{{path, "", "is larger than 64 MiB; name a JSON file of a node"}};
  return parse_json_text(text.view(), path);
}

}  // namespace starling::daemon
