#include "wg/unreachable.h"

namespace starling::wg {

const char* to_string(UnreachableMeaning meaning) {
  switch (meaning) {
    case UnreachableMeaning::port: return "port";
    case UnreachableMeaning::host: return "host";
    case UnreachableMeaning::network: return "network";
    case UnreachableMeaning::prohibited: return "prohibited";
    case UnreachableMeaning::protocol: return "protocol";
    case UnreachableMeaning::loop: return "loop";
    case UnreachableMeaning::fragments_lost: return "fragments_lost";
    case UnreachableMeaning::too_big: return "too_big";
    case UnreachableMeaning::other:
    case UnreachableMeaning::count_: break;
  }
  return "other";
}

}  // namespace starling::wg
