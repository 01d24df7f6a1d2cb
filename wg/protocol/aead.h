// ChaCha20-Poly1305 of data messages (whitepaper §5.4.6, RFC 8439) behind one narrow interface, for whichever library
// is fastest on this processor: libipsec-mb where the build and the processor have it, else libsodium. Messages have no
// additional data; the nonce is four zero bytes and the little-endian counter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/key.h"
#include "wg/protocol/messages.h"

namespace starling::wg {

struct AeadJob {
  const SecretKey* key = nullptr;
  std::uint64_t counter = 0;
  const std::uint8_t* in = nullptr;  // seal: `size` bytes of plaintext; open: ciphertext and tag, size + kTagSize bytes
  std::uint8_t* out = nullptr;       // seal: size + kTagSize bytes; open: `size` bytes. Either `in` itself, or apart
  std::size_t size = 0;              // bytes of the plaintext
  bool authentic = false;            // after open: whether the tag verified; if not, `out` is to be thrown away
};

// One thread at a time; each thread has its own.
class PacketAead {
 public:
  virtual ~PacketAead() = default;
  virtual std::string_view name() const = 0;
  virtual void seal(std::span<const AeadJob> jobs) = 0;
  virtual void open(std::span<AeadJob> jobs) = 0;
};

// What this build has and this processor can run, the fastest first; never empty.
std::vector<std::string_view> aead_names();

// By one of these names, or the fastest. Null if there is none of this name.
std::unique_ptr<PacketAead> make_packet_aead(std::string_view name = {});

}  // namespace starling::wg
