#include "wg/protocol/aead.h"

#include <sodium.h>

#include <algorithm>

#include "wg/protocol/aead_ipsec_mb.h"

namespace starling::wg {

namespace {

constexpr std::string_view kSodiumName = "libsodium";

class SodiumAead final : public PacketAead {
 public:
  std::string_view name() const override { return kSodiumName; }

  void seal(std::span<const AeadJob> jobs) override {
    for (const AeadJob& job : jobs) {
      crypto_aead_chacha20poly1305_ietf_encrypt(job.out, nullptr, job.in, job.size, nullptr, 0, nullptr,
                                                aead_nonce(job.counter).data(), job.key->bytes().data());
    }
  }

  void open(std::span<AeadJob> jobs) override {
    for (AeadJob& job : jobs) {
      job.authentic =
          crypto_aead_chacha20poly1305_ietf_decrypt(job.out, nullptr, nullptr, job.in, job.size + kTagSize, nullptr, 0,
                                                    aead_nonce(job.counter).data(), job.key->bytes().data()) == 0;
    }
  }
};

}  // namespace

std::vector<std::string_view> aead_names() {
  std::vector<std::string_view> names;
  if (has_ipsec_mb_aead()) names.push_back(kIpsecMbName);
  names.push_back(kSodiumName);
  return names;
}

std::unique_ptr<PacketAead> make_packet_aead(std::string_view name) {
  const std::vector<std::string_view> names = aead_names();
  const bool any = name.empty();
  if (any) name = names.front();
  if (std::find(names.begin(), names.end(), name) == names.end()) return nullptr;
  if (name == kIpsecMbName) {
    std::unique_ptr<PacketAead> aead = make_ipsec_mb_aead();
    if (aead || !any) return aead;
  }
  return std::make_unique<SodiumAead>();
}

}  // namespace starling::wg
