// private_key_file: one line, as `wg genkey` writes it, that nobody but its owner may read.
#pragma once

#include <string>

#include "base/key.h"
#include "base/result.h"

namespace starling::daemon {

Result<SecretKey> read_key_file(const std::string& path);

}  // namespace starling::daemon
