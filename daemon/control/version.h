// Which Starling this is, as every program prints it for --version.
#pragma once

namespace starling::daemon {

const char* version();  // "0.1.0"

}  // namespace starling::daemon
