#include "wg/protocol/aead_ipsec_mb.h"

#ifdef STARLING_HAVE_IPSEC_MB
#include <intel-ipsec-mb.h>

#include <cstring>

#include "base/key.h"
#endif

namespace starling::wg {

#ifdef STARLING_HAVE_IPSEC_MB

namespace {

struct ManagerDeleter {
  void operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }
};
using Manager = std::unique_ptr<IMB_MGR, ManagerDeleter>;

// The library looks at the processor itself. Below AVX2 its code is no faster than libsodium's.
Manager make_manager() {
  Manager manager(alloc_mb_mgr(0));
  if (!manager) return nullptr;
  IMB_ARCH architecture = IMB_ARCH_NONE;
  init_mb_mgr_auto(manager.get(), &architecture);
  if (imb_get_errno(manager.get()) != 0 || architecture < IMB_ARCH_AVX2) return nullptr;
  return manager;
}

// Constant time.
bool same_tag(const std::uint8_t* a, const std::uint8_t* b) {
  std::array<std::uint64_t, 2> left;
  std::array<std::uint64_t, 2> right;
  static_assert(sizeof left == kTagSize);
  std::memcpy(left.data(), a, kTagSize);
  std::memcpy(right.data(), b, kTagSize);
  return ((left[0] ^ right[0]) | (left[1] ^ right[1])) == 0;
}

class IpsecMbAead final : public PacketAead {
 public:
  explicit IpsecMbAead(Manager manager) : manager_(std::move(manager)) {}

  std::string_view name() const override { return kIpsecMbName; }

  void seal(std::span<const AeadJob> jobs) override {
    for (const AeadJob& job : jobs) run(job, job.out + job.size, IMB_DIR_ENCRYPT, IMB_ORDER_CIPHER_HASH);
  }

  void open(std::span<AeadJob> jobs) override {
    for (AeadJob& job : jobs) {
      std::array<std::uint8_t, kTagSize> tag;
      run(job, tag.data(), IMB_DIR_DECRYPT, IMB_ORDER_HASH_CIPHER);
      job.authentic = same_tag(tag.data(), job.in + job.size);
    }
  }

 private:
  // The library's ChaCha20-Poly1305 works on the many blocks of one message at once, not on many messages: a job is
  // done when it is submitted.
  void run(const AeadJob& work, std::uint8_t* tag, IMB_CIPHER_DIRECTION direction, IMB_CHAIN_ORDER order) {
    const std::array<std::uint8_t, kAeadNonceSize> nonce = aead_nonce(work.counter);
    IMB_JOB* const job = IMB_GET_NEXT_JOB(manager_.get());
    job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
    job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
    job->cipher_direction = direction;
    job->chain_order = order;
    job->enc_keys = job->dec_keys = work.key->bytes().data();
    job->key_len_in_bytes = kKeySize;
    job->src = work.in;
    job->dst = work.out;
    job->cipher_start_src_offset_in_bytes = 0;
    job->hash_start_src_offset_in_bytes = 0;
    job->msg_len_to_cipher_in_bytes = work.size;
    job->msg_len_to_hash_in_bytes = work.size;
    job->iv = nonce.data();
    job->iv_len_in_bytes = nonce.size();
    job->auth_tag_output = tag;
    job->auth_tag_output_len_in_bytes = kTagSize;
    job->u.CHACHA20_POLY1305.aad = nullptr;
    job->u.CHACHA20_POLY1305.aad_len_in_bytes = 0;
    (void)IMB_SUBMIT_JOB_NOCHECK(manager_.get());
  }

  Manager manager_;
};

}  // namespace

bool has_ipsec_mb_aead() {
  static const bool has = make_manager() != nullptr;
  return has;
}

std::unique_ptr<PacketAead> make_ipsec_mb_aead() {
  Manager manager = make_manager();
  return manager ? std::make_unique<IpsecMbAead>(std::move(manager)) : nullptr;
}

#else

bool has_ipsec_mb_aead() {
  return false;
}

std::unique_ptr<PacketAead> make_ipsec_mb_aead() {
  return nullptr;
}

#endif

}  // namespace starling::wg
