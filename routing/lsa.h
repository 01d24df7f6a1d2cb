// A link-state announcement: what one node says about itself, signed by it. Immutable and shared by handle, so that
// whoever stores, floods and computes with it holds the same bytes once.
//
// The signature covers the header (origin, fragment, sequence, lifetime, hash of the body), so a header without its
// body can be verified: that is all a node needs to see in order to know that it has lived before. The remaining age
// is outside the signature and outside this class; it belongs to whoever stores the announcement.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ip.h"
#include "base/key.h"
#include "routing/types.h"

namespace starling::routing {

using BodyHash = std::array<std::uint8_t, 32>;     // BLAKE2b-256
using Fingerprint = std::array<std::uint8_t, 16>;  // BLAKE2b-128 of the signed bytes: the database digest adds these up

inline constexpr std::size_t kLsaHeaderSize = 78;  // bytes on the wire and under the signature
// In an Update: flags, header, signature, remaining lifetime, then the body.
inline constexpr std::size_t kLsaFixedSize = 1 + kLsaHeaderSize + 64 + 4;
inline constexpr std::size_t kLsaRemainingAt = kLsaFixedSize - 4;

struct LsaHeader {
  LsaKey key;
  std::uint64_t sequence = 0;
  std::uint32_t lifetime_s = 0;
  BodyHash body_hash{};

  friend bool operator==(const LsaHeader&, const LsaHeader&) = default;
};

// Total order of the announcements under one key: sequence first; lifetime and hash only break the tie between two that
// an origin (or two machines with one key) signed with the same sequence, so that all nodes keep the same one.
bool is_newer(const LsaHeader& a, const LsaHeader& b);

struct LsaLink {
  NodeId neighbor;
  Metric metric = kDefaultCost;
  std::uint32_t round_trip_us = 0;  // 0: not known
  std::uint16_t loss_permille = 0;
  std::uint16_t mtu = 0;  // bytes
  bool manual = false;    // the metric was set by hand (metric.h)

  friend bool operator==(const LsaLink&, const LsaLink&) = default;
};

// Said by fragment 0 only. An origin without a live fragment 0 takes no part in anything.
struct NodeAttributes {
  std::string name;
  PublicKey wireguard_key;
  bool transit = true;    // false: an end point, joins no component of the graph
  bool overload = false;  // true: drained; its links are a last resort, and it tells why

  friend bool operator==(const NodeAttributes&, const NodeAttributes&) = default;
};

struct LsaContent {
  std::optional<NodeAttributes> attributes;
  std::vector<LsaLink> links;
  std::vector<Prefix> prefixes;

  bool empty() const { return !attributes && links.empty() && prefixes.empty(); }
  friend bool operator==(const LsaContent&, const LsaContent&) = default;
};

// An empty content encodes as an empty body, which is a withdrawal.
std::vector<std::uint8_t> encode_body(const LsaContent& content);
// Nothing if the format is broken. Unknown TLVs are skipped, so the body may say more than its content.
std::optional<LsaContent> decode_body(Bytes body);
// Bytes that one more item takes in a body.
std::size_t encoded_size(const NodeAttributes& attributes);
std::size_t encoded_size(const LsaLink& link);
std::size_t encoded_size(const Prefix& prefix);

void write_header(const LsaHeader& header, ByteWriter& out);
LsaHeader read_header(ByteReader& in);
// What the signature covers: a label of this protocol and version, then the header. Each kind has a label of its own,
// so that what was signed as one never counts as another.
inline constexpr std::string_view kLsaSignatureLabel = "starling lsa v1";
std::vector<std::uint8_t> signature_input(const LsaHeader& header, std::string_view label = kLsaSignatureLabel);
BodyHash hash_body(Bytes body);

class Lsa {
 public:
  const LsaHeader& header() const { return header_; }
  const LsaKey& key() const { return header_.key; }
  const Signature& signature() const { return signature_; }
  bool has_body() const { return has_body_; }  // false: a bare header, of an announcement that is gone
  Bytes body() const { return Bytes(wire_).subspan(kLsaFixedSize); }
  // As it is sent, with no remaining lifetime filled in.
  Bytes wire() const { return wire_; }
  const LsaContent& content() const { return content_; }
  bool is_withdrawal() const { return has_body_ && wire_.size() == kLsaFixedSize; }
  const Fingerprint& fingerprint() const { return fingerprint_; }
  std::uint64_t tag() const { return tag_; }  // the first 8 bytes of the fingerprint, for summaries

  // `body` must be the encoding of `content` or something that decodes to it.
  Lsa(const LsaHeader& header, const Signature& signature, Bytes body, LsaContent content);
  Lsa(const LsaHeader& header, const Signature& signature);  // a bare header

 private:
  Lsa(const LsaHeader& header, const Signature& signature, bool has_body, Bytes body, LsaContent content);

  LsaHeader header_;
  Signature signature_;
  bool has_body_;
  std::vector<std::uint8_t> wire_;
  LsaContent content_;
  Fingerprint fingerprint_;
  std::uint64_t tag_;
};
using LsaHandle = std::shared_ptr<const Lsa>;

// Signs a content of our own. The content must fit kMaxLsaBodySize (std::length_error otherwise).
LsaHandle make_lsa(const LsaKey& key, std::uint64_t sequence, std::uint32_t lifetime_s, LsaContent content,
                   const SignFunction& sign);
LsaHandle without_body(const Lsa& lsa);

}  // namespace starling::routing
