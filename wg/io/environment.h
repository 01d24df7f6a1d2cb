// What the environment says of how the engine does its work, for trying out and for tests: STARLING_WITHOUT (offloads,
// as `--without` takes them), STARLING_WORKERS (a number) and STARLING_AEAD (a library).
#pragma once

#include <optional>

#include "base/result.h"
#include "wg/io/backend.h"

namespace starling::wg {

// Offloads that the environment names are off whatever else is said; the others take the place of what is there.
std::optional<Error> read_environment(BackendConfig& config);

}  // namespace starling::wg
