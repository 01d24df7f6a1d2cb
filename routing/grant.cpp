#include "routing/grant.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "routing/tlv.h"

namespace starling::routing {

namespace {

constexpr std::string_view kSignatureLabel = "starling grant v1";
constexpr std::size_t kSignatureSize = 64;  // bytes
constexpr std::size_t kFixedTextSize = kLsaHeaderSize + kSignatureSize;
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";

// In the number space of an announcement's body.
enum GrantTlv : std::uint8_t { kTlvTerms = 16, kTlvRight = 17 };
enum TermsFlag : std::uint8_t { kFlagRevoked = 1 };
constexpr std::size_t kTermsSize = 9;       // bytes: flags and end
constexpr std::size_t kRightFixedSize = 4;  // bytes: family and three lengths; the address follows

std::size_t address_bytes(int length) {
  return (static_cast<std::size_t>(length) + 7) / 8;
}

bool is_sound(const PrefixPattern& right) {
  return right.prefix.length() <= right.shortest && right.shortest <= right.longest &&
         right.longest <= right.prefix.address().bits();
}

bool is_sound(const Grant& grant) {
  return grant.serial >= 1 && grant.serial <= kMaxSequence && grant.until_s >= 1 && grant.until_s <= kMaxGrantEndS &&
         !(grant.revoked && !grant.rights.empty()) &&
         std::all_of(grant.rights.begin(), grant.rights.end(), [](const auto& right) { return is_sound(right); });
}

std::vector<std::uint8_t> encode_grant(const Grant& grant) {
  std::vector<std::uint8_t> body;
  ByteWriter out(body);
  write_tlv_header(out, kTlvTerms, kTermsSize);
  out.u8(grant.revoked ? kFlagRevoked : 0);
  out.u64(grant.until_s);
  for (const PrefixPattern& right : grant.rights) {
    const std::size_t size = address_bytes(right.prefix.length());
    write_tlv_header(out, kTlvRight, kRightFixedSize + size);
    out.u8(static_cast<std::uint8_t>(right.prefix.family()));
    out.u8(static_cast<std::uint8_t>(right.prefix.length()));
    out.u8(static_cast<std::uint8_t>(right.shortest));
    out.u8(static_cast<std::uint8_t>(right.longest));
    out.bytes(right.prefix.address().bytes().first(size));
  }
  return body;
}

// Exactly as many address bytes as the length needs, and no bit behind it.
std::optional<PrefixPattern> read_right(ByteReader in) {
  const std::uint8_t family = in.u8();
  const std::uint8_t length = in.u8();
  PrefixPattern right;
  right.shortest = in.u8();
  right.longest = in.u8();
  const std::size_t address_size = family == 4 ? 4 : 16;
  if (in.failed() || (family != 4 && family != 6) || length > address_size * 8) return std::nullopt;
  const Bytes given = in.take(in.remaining());
  if (given.size() != address_bytes(length)) return std::nullopt;
  std::array<std::uint8_t, 16> bytes{};
  std::copy(given.begin(), given.end(), bytes.begin());
  const auto address = IpAddress::from_bytes(Bytes(bytes).first(address_size));
  right.prefix = Prefix(address, length);
  if (right.prefix.address() != address || !is_sound(right)) return std::nullopt;
  return right;
}

// Trailing bytes are a later version's.
bool read_terms(ByteReader in, Grant& grant) {
  grant.revoked = (in.u8() & kFlagRevoked) != 0;
  grant.until_s = in.u64();
  return !in.failed();
}

Error text_error() {
  return Error{"is no grant; it must be one line of base64, as `starling grant sign` prints it"};
}

}  // namespace

bool Grant::allows(const Prefix& prefix) const {
  return std::any_of(rights.begin(), rights.end(), [&](const PrefixPattern& right) { return right.matches(prefix); });
}

bool Grant::ended(WallTime now) const {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  return seconds >= 0 && static_cast<std::uint64_t>(seconds) >= until_s;
}

LsaHandle sign_grant(const Grant& grant, const SignFunction& sign) {
  if (!is_sound(grant)) throw std::invalid_argument("a grant is out of its bounds");
  std::vector<std::uint8_t> body = encode_grant(grant);
  if (body.size() > kMaxLsaBodySize) throw std::length_error("a grant's rights do not fit one announcement");
  const LsaHeader header{{grant.holder, kGrantFragment}, grant.serial, 0, hash_body(body)};
  const Signature signature = sign(signature_input(header, kSignatureLabel));
  return std::make_shared<const Lsa>(header, signature, std::move(body), LsaContent{});
}

std::optional<Grant> decode_grant(const LsaHeader& header, Bytes body) {
  if (header.key.fragment != kGrantFragment || header.lifetime_s != 0) return std::nullopt;
  Grant grant;
  grant.holder = header.key.origin;
  grant.serial = header.sequence;
  bool has_terms = false;
  TlvReader tlvs(body);
  while (const auto tlv = tlvs.next()) {
    if (tlv->type == kTlvTerms) {
      if (has_terms || !read_terms(ByteReader(tlv->value), grant)) return std::nullopt;
      has_terms = true;
    } else if (tlv->type == kTlvRight) {
      const auto right = read_right(ByteReader(tlv->value));
      if (!right) return std::nullopt;
      grant.rights.push_back(*right);
    }
  }
  if (tlvs.failed() || !has_terms || !is_sound(grant)) return std::nullopt;
  return grant;
}

bool is_signed_by(const Lsa& grant, const NodeId& network_key, const VerifyFunction& verify) {
  return verify(network_key, signature_input(grant.header(), kSignatureLabel), grant.signature());
}

std::string grant_to_text(const Lsa& grant) {
  std::vector<std::uint8_t> bytes;
  ByteWriter out(bytes);
  write_header(grant.header(), out);
  out.bytes(grant.signature().bytes);
  out.bytes(grant.body());
  return to_base64(bytes);
}

Result<ParsedGrant> parse_grant(std::string_view text) {
  if (text.find_first_not_of(kBase64) != std::string_view::npos) return text_error();  // sodium takes some bytes > 127
  std::array<std::uint8_t, kFixedTextSize + kMaxLsaBodySize> bytes{};
  std::size_t size = 0;
  const char* end = nullptr;
  if (sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &size, &end,
                        sodium_base64_VARIANT_ORIGINAL) != 0 ||
      end != text.data() + text.size() || size <= kFixedTextSize)
    return text_error();
  ByteReader in(Bytes(bytes).first(size));
  const LsaHeader header = read_header(in);
  Signature signature;
  in.copy_to(signature.bytes);
  const Bytes body = in.take(in.remaining());
  auto grant = decode_grant(header, body);
  if (!grant || hash_body(body) != header.body_hash) return text_error();
  return ParsedGrant{
      std::make_shared<const Lsa>(header, signature, std::vector<std::uint8_t>(body.begin(), body.end()), LsaContent{}),
      std::move(*grant)};
}

}  // namespace starling::routing
