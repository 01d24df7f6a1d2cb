#include <unistd.h>

#include <optional>
#include <string>

#include "base/key.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/output.h"
#include "routing/identity.h"
#include "wg/io/backend.h"

namespace starling::daemon {

namespace {

constexpr std::size_t kInputMax = 1024;  // bytes; a key has 44, and some spaces are forgiven

std::string read_input() {
  std::string input(kInputMax, '\0');
  std::size_t size = 0;
  while (size < input.size()) {
    const ssize_t got = read(STDIN_FILENO, input.data() + size, input.size() - size);
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  input.resize(size);
  return input;
}

std::string without_space_around(const std::string& text) {
  static constexpr const char* kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) + 1 - first);
}

}  // namespace

int run_pubkey(bool of_node) {
  const std::optional<SecretKey> key = parse_secret_key(without_space_around(read_input()));
  if (!key) {
    print_error(
        "that is no private key; give one on standard input, 44 characters of base64 as `starling keygen` prints");
    return kExitUsage;
  }
  print((of_node ? routing::to_string(routing::Identity(*key).id()) : to_base64(wg::derive_public_key(*key))) + '\n');
  return kExitOk;
}

}  // namespace starling::daemon
