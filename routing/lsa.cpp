#include "routing/lsa.h"

#include <sodium.h>

#include <stdexcept>
#include <tuple>

#include "routing/limits.h"
#include "routing/node_name.h"
#include "routing/tlv.h"

namespace starling::routing {

namespace {

enum BodyTlv : std::uint8_t { kTlvAttributes = 1, kTlvLink = 2, kTlvPrefix = 3 };
enum WireFlag : std::uint8_t { kFlagNoBody = 1 };
enum AttributeFlag : std::uint8_t { kFlagNoTransit = 1, kFlagOverload = 2 };
enum LinkFlag : std::uint8_t { kFlagManual = 1 };
constexpr std::size_t kLinkSize = 45;        // bytes of the link TLV that this version knows
constexpr std::size_t kAttributesSize = 33;  // flags and key; the name follows

std::size_t prefix_bytes(const Prefix& prefix) {
  return (static_cast<std::size_t>(prefix.length()) + 7) / 8;
}

std::optional<NodeAttributes> read_attributes(ByteReader in) {
  NodeAttributes attributes;
  const std::uint8_t flags = in.u8();
  attributes.transit = (flags & kFlagNoTransit) == 0;
  attributes.overload = (flags & kFlagOverload) != 0;
  in.copy_to(attributes.wireguard_key.bytes);
  const Bytes name = in.take(in.remaining());
  attributes.name.assign(name.begin(), name.end());
  if (in.failed() || !is_node_name(attributes.name)) return std::nullopt;
  return attributes;
}

std::optional<LsaLink> read_link(ByteReader in) {
  LsaLink link;
  in.copy_to(link.neighbor.bytes);
  link.metric = in.u32();
  link.round_trip_us = in.u32();
  link.loss_permille = in.u16();
  link.mtu = in.u16();
  link.manual = (in.u8() & kFlagManual) != 0;
  if (in.failed() || link.metric == 0 || link.metric > kMaxLinkMetric || link.loss_permille > 1000) return std::nullopt;
  return link;
}

// Exactly as many address bytes as the length needs, and no bit behind it.
std::optional<Prefix> read_prefix(ByteReader in) {
  const std::uint8_t family = in.u8();
  const std::uint8_t length = in.u8();
  const std::size_t address_size = family == 4 ? 4 : 16;
  if (in.failed() || (family != 4 && family != 6) || length > address_size * 8) return std::nullopt;
  const Bytes given = in.take(in.remaining());
  if (given.size() != (static_cast<std::size_t>(length) + 7) / 8) return std::nullopt;
  std::array<std::uint8_t, 16> bytes{};
  std::copy(given.begin(), given.end(), bytes.begin());
  const auto address = IpAddress::from_bytes(Bytes(bytes).first(address_size));
  const Prefix prefix(address, length);
  if (prefix.address() != address) return std::nullopt;
  return prefix;
}

bool read_tlv(const Tlv& tlv, LsaContent& content) {
  switch (tlv.type) {
    case kTlvAttributes: {
      if (content.attributes) return false;
      content.attributes = read_attributes(ByteReader(tlv.value));
      return content.attributes.has_value();
    }
    case kTlvLink: {
      const auto link = read_link(ByteReader(tlv.value));
      if (link) content.links.push_back(*link);
      return link.has_value();
    }
    case kTlvPrefix: {
      const auto prefix = read_prefix(ByteReader(tlv.value));
      if (prefix) content.prefixes.push_back(*prefix);
      return prefix.has_value();
    }
    default: return true;
  }
}

}  // namespace

bool is_newer(const LsaHeader& a, const LsaHeader& b) {
  return std::tie(a.sequence, a.lifetime_s, a.body_hash) > std::tie(b.sequence, b.lifetime_s, b.body_hash);
}

std::vector<std::uint8_t> encode_body(const LsaContent& content) {
  std::vector<std::uint8_t> body;
  ByteWriter out(body);
  if (content.attributes) {
    const NodeAttributes& attributes = *content.attributes;
    write_tlv_header(out, kTlvAttributes, kAttributesSize + attributes.name.size());
    out.u8(static_cast<std::uint8_t>((attributes.transit ? 0 : kFlagNoTransit) |
                                     (attributes.overload ? kFlagOverload : 0)));
    out.bytes(attributes.wireguard_key.bytes);
    for (const char c : attributes.name) out.u8(static_cast<std::uint8_t>(c));
  }
  for (const LsaLink& link : content.links) {
    write_tlv_header(out, kTlvLink, kLinkSize);
    out.bytes(link.neighbor.bytes);
    out.u32(link.metric);
    out.u32(link.round_trip_us);
    out.u16(link.loss_permille);
    out.u16(link.mtu);
    out.u8(link.manual ? kFlagManual : 0);
  }
  for (const Prefix& prefix : content.prefixes) {
    write_tlv_header(out, kTlvPrefix, 2 + prefix_bytes(prefix));
    out.u8(static_cast<std::uint8_t>(prefix.family()));
    out.u8(static_cast<std::uint8_t>(prefix.length()));
    out.bytes(prefix.address().bytes().first(prefix_bytes(prefix)));
  }
  return body;
}

std::optional<LsaContent> decode_body(Bytes body) {
  LsaContent content;
  TlvReader tlvs(body);
  while (const auto tlv = tlvs.next()) {
    if (!read_tlv(*tlv, content)) return std::nullopt;
  }
  if (tlvs.failed()) return std::nullopt;
  return content;
}

std::size_t encoded_size(const NodeAttributes& attributes) {
  return kTlvHeaderSize + kAttributesSize + attributes.name.size();
}

std::size_t encoded_size(const LsaLink&) {
  return kTlvHeaderSize + kLinkSize;
}

std::size_t encoded_size(const Prefix& prefix) {
  return kTlvHeaderSize + 2 + prefix_bytes(prefix);
}

void write_header(const LsaHeader& header, ByteWriter& out) {
  out.bytes(header.key.origin.bytes);
  out.u16(header.key.fragment);
  out.u64(header.sequence);
  out.u32(header.lifetime_s);
  out.bytes(header.body_hash);
}

LsaHeader read_header(ByteReader& in) {
  LsaHeader header;
  in.copy_to(header.key.origin.bytes);
  header.key.fragment = in.u16();
  header.sequence = in.u64();
  header.lifetime_s = in.u32();
  in.copy_to(header.body_hash);
  return header;
}

std::vector<std::uint8_t> signature_input(const LsaHeader& header, std::string_view label) {
  std::vector<std::uint8_t> input;
  input.reserve(label.size() + kLsaHeaderSize);
  ByteWriter out(input);
  for (const char c : label) out.u8(static_cast<std::uint8_t>(c));
  write_header(header, out);
  return input;
}

BodyHash hash_body(Bytes body) {
  BodyHash hash;
  crypto_generichash(hash.data(), hash.size(), body.data(), body.size(), nullptr, 0);
  return hash;
}

Lsa::Lsa(const LsaHeader& header, const Signature& signature, Bytes body, LsaContent content)
    : Lsa(header, signature, true, body, std::move(content)) {}

Lsa::Lsa(const LsaHeader& header, const Signature& signature) : Lsa(header, signature, false, {}, {}) {}

Lsa::Lsa(const LsaHeader& header, const Signature& signature, bool has_body, Bytes body, LsaContent content)
    : header_(header), signature_(signature), has_body_(has_body), content_(std::move(content)) {
  wire_.reserve(kLsaFixedSize + body.size());
  ByteWriter out(wire_);
  out.u8(has_body ? 0 : kFlagNoBody);
  write_header(header, out);
  out.bytes(signature.bytes);
  out.u32(0);
  out.bytes(body);
  const std::vector<std::uint8_t> input = signature_input(header);
  crypto_generichash(fingerprint_.data(), fingerprint_.size(), input.data(), input.size(), nullptr, 0);
  tag_ = ByteReader(fingerprint_).u64();
}

LsaHandle make_lsa(const LsaKey& key, std::uint64_t sequence, std::uint32_t lifetime_s, LsaContent content,
                   const SignFunction& sign) {
  const std::vector<std::uint8_t> body = encode_body(content);
  if (body.size() > kMaxLsaBodySize) throw std::length_error("an announcement's body is too large");
  const LsaHeader header{key, sequence, lifetime_s, hash_body(body)};
  const Signature signature = sign(signature_input(header));
  return std::make_shared<const Lsa>(header, signature, body, std::move(content));
}

LsaHandle without_body(const Lsa& lsa) {
  return std::make_shared<const Lsa>(lsa.header(), lsa.signature());
}

}  // namespace starling::routing
