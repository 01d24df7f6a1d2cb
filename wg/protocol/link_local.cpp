#include "wg/protocol/link_local.h"

#include <algorithm>

#include "wg/protocol/crypto.h"

namespace starling::wg {

namespace {
constexpr std::string_view kLabelLinkLocal = "starling link-local v1";
}

IpAddress link_local_address(const PublicKey& key) {
  const Hash digest = hash({as_bytes(kLabelLinkLocal), key.bytes});
  std::array<std::uint8_t, 16> address{0xfe, 0x80};
  std::copy_n(digest.begin(), 8, address.begin() + 8);
  return IpAddress::v6(address);
}

}  // namespace starling::wg
