#include "routing/messages.h"

#include <stdexcept>
#include <utility>

#include "routing/tlv.h"

namespace starling::routing {

namespace {

constexpr std::size_t kSizeAt = 2;  // offset of the packet's size in its header
constexpr std::size_t kHelloSize = kHelloPacketSize - kMessageHeaderSize;

enum HelloFlag : std::uint8_t { kFlagHasEcho = 1, kFlagGoodbye = 2, kFlagProbe = 4, kFlagAnswer = 8 };
enum HeadersFlag : std::uint8_t { kFlagEnd = 1 };
enum LsaFlag : std::uint8_t { kFlagNoBody = 1 };
enum MessageTlv : std::uint8_t { kTlvSummary = 1, kTlvKey = 2, kTlvLsa = 3, kTlvPadding = 4 };

void write_key(const LsaKey& key, ByteWriter& out) {
  out.bytes(key.origin.bytes);
  out.u16(key.fragment);
}

LsaKey read_key(ByteReader& in) {
  LsaKey key;
  in.copy_to(key.origin.bytes);
  key.fragment = in.u16();
  return key;
}

// `size`: of what follows the header, as far as it is known.
std::vector<std::uint8_t> begin_packet(const Envelope& envelope, MessageType type, std::size_t size,
                                       std::vector<std::uint8_t> packet = {}) {
  packet.clear();
  packet.reserve(kMessageHeaderSize + size);
  ByteWriter out(packet);
  out.u8(kProtocolVersion);
  out.u8(static_cast<std::uint8_t>(type));
  out.u16(0);
  out.u64(envelope.instance);
  out.u64(envelope.peer_instance);
  return packet;
}

// Whatever has less than a header is refused for that.
std::size_t limit_of(Bytes packet) {
  const bool is_probe = packet.size() > 1 && packet[1] == static_cast<std::uint8_t>(MessageType::path_probe);
  return is_probe ? kMaxProbePacketSize : kMaxPacketSize;
}

void set_size(std::vector<std::uint8_t>& packet) {
  if (packet.size() > limit_of(packet)) throw std::length_error("a control packet is too large");
  ByteWriter(packet).patch_u16(kSizeAt, static_cast<std::uint16_t>(packet.size()));
}

void write_summary(const LsaSummary& summary, ByteWriter& out) {
  write_tlv_header(out, kTlvSummary, kSummarySize);
  write_key(summary.key, out);
  out.u64(summary.sequence);
  out.u64(summary.tag);
}

Result<Message, RejectReason> decode_hello(const Envelope& envelope, ByteReader& in) {
  Hello hello;
  hello.sequence = in.u32();
  hello.timestamp_us = in.u32();
  hello.echo_timestamp_us = in.u32();
  hello.echo_hold_us = in.u32();
  hello.interval_us = in.u32();
  hello.multiplier = in.u8();
  const std::uint8_t state = in.u8();
  const std::uint8_t flags = in.u8();
  hello.lateness_ms = in.u8();
  in.copy_to(hello.node.bytes);
  in.copy_to(hello.digest);
  if (in.failed()) return RejectReason::truncated;
  hello.has_echo = (flags & kFlagHasEcho) != 0;
  hello.goodbye = (flags & kFlagGoodbye) != 0;
  hello.probe = (flags & kFlagProbe) != 0;
  hello.answer = (flags & kFlagAnswer) != 0;
  const Duration interval = std::chrono::microseconds(hello.interval_us);
  if (state > static_cast<std::uint8_t>(NeighborState::full) || interval < kMinHelloInterval ||
      interval > kMaxHelloInterval || hello.multiplier < kMinMultiplier || hello.multiplier > kMaxMultiplier) {
    return RejectReason::bad_value;
  }
  hello.state = static_cast<NeighborState>(state);
  TlvReader tlvs(in.take(in.remaining()));
  while (tlvs.next()) {
  }
  if (tlvs.failed()) return RejectReason::malformed_tlv;
  return Message{envelope, hello};
}

// Whether what is left is a list of TLVs, of whatever types.
bool skip_tlvs(ByteReader& in) {
  TlvReader tlvs(in.take(in.remaining()));
  while (tlvs.next()) {
  }
  return !tlvs.failed();
}

Result<Message, RejectReason> decode_path_probe(const Envelope& envelope, ByteReader& in, std::uint16_t size) {
  const PathProbe probe{in.u32(), size};
  if (in.failed()) return RejectReason::truncated;
  if (!skip_tlvs(in)) return RejectReason::malformed_tlv;
  return Message{envelope, probe};
}

Result<Message, RejectReason> decode_path_answer(const Envelope& envelope, ByteReader& in) {
  PathAnswer answer;
  answer.newest = in.u32();
  answer.history = in.u32();
  if (in.failed()) return RejectReason::truncated;
  if (!skip_tlvs(in)) return RejectReason::malformed_tlv;
  return Message{envelope, answer};
}

Result<Message, RejectReason> decode_ask(const Envelope& envelope, ByteReader& in) {
  const LsaKey from = read_key(in);
  if (in.failed()) return RejectReason::truncated;
  return Message{envelope, Ask{from}};
}

// Collects the summaries or keys of a list message; false if a TLV is malformed.
bool read_summaries(Bytes bytes, std::vector<LsaSummary>& summaries) {
  summaries.reserve(bytes.size() / (kTlvHeaderSize + kSummarySize));
  TlvReader tlvs(bytes);
  while (const auto tlv = tlvs.next()) {
    if (tlv->type != kTlvSummary) continue;
    if (tlv->value.size() != kSummarySize) return false;
    ByteReader in(tlv->value);
    LsaSummary summary;
    summary.key = read_key(in);
    summary.sequence = in.u64();
    summary.tag = in.u64();
    summaries.push_back(summary);
  }
  return !tlvs.failed();
}

bool read_keys(Bytes bytes, std::vector<LsaKey>& keys) {
  TlvReader tlvs(bytes);
  while (const auto tlv = tlvs.next()) {
    if (tlv->type != kTlvKey) continue;
    if (tlv->value.size() != kKeySizeOnWire) return false;
    ByteReader in(tlv->value);
    keys.push_back(read_key(in));
  }
  return !tlvs.failed();
}

bool read_lsas(Bytes bytes, std::vector<ReceivedLsa>& lsas) {
  lsas.reserve(bytes.size() / 256);  // as many as are likely
  TlvReader tlvs(bytes);
  while (const auto tlv = tlvs.next()) {
    if (tlv->type != kTlvLsa) continue;
    ByteReader in(tlv->value);
    ReceivedLsa lsa;
    lsa.wire = tlv->value;
    lsa.has_body = (in.u8() & kFlagNoBody) == 0;
    lsa.header = read_header(in);
    in.copy_to(lsa.signature.bytes);
    lsa.remaining_ms = in.u32();
    if (in.failed() || (!lsa.has_body && in.remaining() != 0)) return false;
    lsa.body = in.take(in.remaining());
    if (lsa.body.size() > kMaxLsaBodySize) return false;
    lsas.push_back(lsa);
  }
  return !tlvs.failed();
}

Result<Message, RejectReason> decode_headers(const Envelope& envelope, ByteReader& in) {
  Headers headers;
  headers.from = read_key(in);
  headers.next = read_key(in);
  headers.end = (in.u8() & kFlagEnd) != 0;
  if (in.failed()) return RejectReason::truncated;
  if (!headers.end && headers.next <= headers.from) return RejectReason::bad_value;
  if (!read_summaries(in.take(in.remaining()), headers.summaries)) return RejectReason::malformed_tlv;
  for (const LsaSummary& summary : headers.summaries) {
    if (summary.key < headers.from || (!headers.end && summary.key >= headers.next)) return RejectReason::bad_value;
  }
  return Message{envelope, std::move(headers)};
}

Result<Message, RejectReason> decode_request(const Envelope& envelope, ByteReader& in) {
  Request request;
  if (!read_keys(in.take(in.remaining()), request.keys)) return RejectReason::malformed_tlv;
  return Message{envelope, std::move(request)};
}

Result<Message, RejectReason> decode_update(const Envelope& envelope, ByteReader& in) {
  Update update;
  if (!read_lsas(in.take(in.remaining()), update.lsas)) return RejectReason::malformed_tlv;
  return Message{envelope, std::move(update)};
}

Result<Message, RejectReason> decode_ack(const Envelope& envelope, ByteReader& in) {
  Ack ack;
  if (!read_summaries(in.take(in.remaining()), ack.summaries)) return RejectReason::malformed_tlv;
  return Message{envelope, std::move(ack)};
}

}  // namespace

Result<Message, RejectReason> decode_message(Bytes packet) {
  if (packet.size() > limit_of(packet)) return RejectReason::too_long;
  ByteReader in(packet);
  const std::uint8_t version = in.u8();
  const std::uint8_t type = in.u8();
  const std::uint16_t size = in.u16();
  Envelope envelope;
  envelope.instance = in.u64();
  envelope.peer_instance = in.u64();
  if (in.failed()) return RejectReason::truncated;
  if (version != kProtocolVersion) return RejectReason::bad_version;
  if (size != packet.size()) return RejectReason::bad_size;
  if (envelope.instance == 0) return RejectReason::bad_value;
  switch (static_cast<MessageType>(type)) {
    case MessageType::hello: return decode_hello(envelope, in);
    case MessageType::ask: return decode_ask(envelope, in);
    case MessageType::headers: return decode_headers(envelope, in);
    case MessageType::request: return decode_request(envelope, in);
    case MessageType::update: return decode_update(envelope, in);
    case MessageType::ack: return decode_ack(envelope, in);
    case MessageType::path_probe: return decode_path_probe(envelope, in, size);
    case MessageType::path_answer: return decode_path_answer(envelope, in);
  }
  return RejectReason::unknown_type;
}

bool can_wait(Bytes packet) {
  constexpr std::size_t kStateAt = kMessageHeaderSize + 21;
  constexpr std::size_t kFlagsAt = kMessageHeaderSize + 22;
  return packet.size() == kHelloPacketSize && packet[0] == kProtocolVersion &&
         packet[1] == static_cast<std::uint8_t>(MessageType::hello) &&
         packet[kStateAt] == static_cast<std::uint8_t>(NeighborState::full) && packet[kFlagsAt] == kFlagHasEcho;
}

std::vector<std::uint8_t> encode(const Envelope& envelope, const Hello& hello, std::vector<std::uint8_t> room) {
  std::vector<std::uint8_t> packet = begin_packet(envelope, MessageType::hello, kHelloSize, std::move(room));
  ByteWriter out(packet);
  out.u32(hello.sequence);
  out.u32(hello.timestamp_us);
  out.u32(hello.echo_timestamp_us);
  out.u32(hello.echo_hold_us);
  out.u32(hello.interval_us);
  out.u8(hello.multiplier);
  out.u8(static_cast<std::uint8_t>(hello.state));
  out.u8(static_cast<std::uint8_t>((hello.has_echo ? kFlagHasEcho : 0) | (hello.goodbye ? kFlagGoodbye : 0) |
                                   (hello.probe ? kFlagProbe : 0) | (hello.answer ? kFlagAnswer : 0)));
  out.u8(hello.lateness_ms);
  out.bytes(hello.node.bytes);
  out.bytes(hello.digest);
  set_size(packet);
  return packet;
}

std::vector<std::uint8_t> encode(const Envelope& envelope, const Ask& ask) {
  std::vector<std::uint8_t> packet = begin_packet(envelope, MessageType::ask, kKeySizeOnWire);
  ByteWriter out(packet);
  write_key(ask.from, out);
  set_size(packet);
  return packet;
}

std::vector<std::uint8_t> encode(const Envelope& envelope, const Headers& headers) {
  constexpr std::size_t kFixedSize = 2 * kKeySizeOnWire + 1;
  std::vector<std::uint8_t> packet = begin_packet(
      envelope, MessageType::headers, kFixedSize + headers.summaries.size() * (kTlvHeaderSize + kSummarySize));
  ByteWriter out(packet);
  write_key(headers.from, out);
  write_key(headers.next, out);
  out.u8(headers.end ? kFlagEnd : 0);
  for (const LsaSummary& summary : headers.summaries) write_summary(summary, out);
  set_size(packet);
  return packet;
}

std::vector<std::uint8_t> encode(const Envelope& envelope, const Request& request) {
  std::vector<std::uint8_t> packet =
      begin_packet(envelope, MessageType::request, request.keys.size() * (kTlvHeaderSize + kKeySizeOnWire));
  ByteWriter out(packet);
  for (const LsaKey& key : request.keys) {
    write_tlv_header(out, kTlvKey, kKeySizeOnWire);
    write_key(key, out);
  }
  set_size(packet);
  return packet;
}

std::vector<std::uint8_t> encode(const Envelope& envelope, const Ack& ack) {
  std::vector<std::uint8_t> packet =
      begin_packet(envelope, MessageType::ack, ack.summaries.size() * (kTlvHeaderSize + kSummarySize));
  ByteWriter out(packet);
  for (const LsaSummary& summary : ack.summaries) write_summary(summary, out);
  set_size(packet);
  return packet;
}

std::vector<std::uint8_t> encode(const Envelope& envelope, const PathProbe& probe) {
  std::vector<std::uint8_t> packet = begin_packet(envelope, MessageType::path_probe, probe.size);
  ByteWriter out(packet);
  out.u32(probe.number);
  if (probe.size > packet.size()) {
    const std::size_t taken = packet.size() + kTlvHeaderSize;
    const std::size_t padding = probe.size > taken ? probe.size - taken : 0;
    write_tlv_header(out, kTlvPadding, padding);
    packet.resize(packet.size() + padding);
  }
  set_size(packet);
  return packet;
}

std::vector<std::uint8_t> encode(const Envelope& envelope, const PathAnswer& answer) {
  std::vector<std::uint8_t> packet = begin_packet(envelope, MessageType::path_answer, 8);
  ByteWriter out(packet);
  out.u32(answer.newest);
  out.u32(answer.history);
  set_size(packet);
  return packet;
}

void UpdatePacker::add(const Lsa& lsa, std::uint32_t remaining_ms) {
  const std::size_t size = lsa.wire().size();
  if (!open_ || packets_.back().size() + kTlvHeaderSize + size > kMaxPacketSize) {
    packets_.push_back(begin_packet(envelope_, MessageType::update, kTlvHeaderSize + size));
    open_ = true;
  }
  std::vector<std::uint8_t>& packet = packets_.back();
  if (packet.capacity() < packet.size() + kTlvHeaderSize + size) packet.reserve(kMaxPacketSize);
  ByteWriter out(packet);
  write_tlv_header(out, kTlvLsa, size);
  const Bytes wire = lsa.wire();
  out.bytes(wire.first(kLsaRemainingAt));
  out.u32(remaining_ms);
  out.bytes(wire.subspan(kLsaFixedSize));
  set_size(packet);
}

LsaSummary summarize(const Lsa& lsa) {
  return {lsa.key(), lsa.header().sequence, lsa.tag()};
}

}  // namespace starling::routing
