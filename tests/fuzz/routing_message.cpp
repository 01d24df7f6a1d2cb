// The routing protocol's packets: any bytes give a message or a reason, and a message encodes to what decodes to the
// same message.
#include <cstddef>

#include "routing/messages.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/fuzz_input.h"

using namespace starling;
using namespace starling::fuzz;
using namespace starling::routing;

namespace {

// False if the message holds more items than one packet of ours: then it was not an encoding of ours.
bool fits(const Hello&) {
  return true;
}
bool fits(const Ask&) {
  return true;
}
bool fits(const Headers& headers) {
  return headers.summaries.size() <= kSummariesPerHeaders;
}
bool fits(const Request& request) {
  return request.keys.size() <= kKeysPerRequest;
}
bool fits(const Ack& ack) {
  return ack.summaries.size() <= kSummariesPerAck;
}

bool fits(const PathProbe& probe) {
  return probe.size <= kMaxProbePacketSize;
}
bool fits(const PathAnswer&) {
  return true;
}

template <typename Content>
void check_round_trip(const Envelope& envelope, const Content& content, std::size_t size) {
  FUZZ_CHECK(fits(content));
  const auto encoded = encode(envelope, content);
  FUZZ_CHECK(encoded.size() <= size);  // unknown TLVs are left out, nothing is added
  const auto again = decode_message(encoded);
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(again->envelope.instance == envelope.instance && again->envelope.peer_instance == envelope.peer_instance);
  FUZZ_CHECK(std::get<Content>(again->content) == content);
}

void check_round_trip(const Envelope& envelope, const Update& update, std::size_t) {
  for (const ReceivedLsa& lsa : update.lsas) {
    FUZZ_CHECK(lsa.body.size() <= kMaxLsaBodySize);
    const auto content = decode_body(lsa.body);
    if (!content) continue;
    std::vector<std::vector<std::uint8_t>> packets;
    const Lsa built = lsa.has_body ? Lsa(lsa.header, lsa.signature, {lsa.body.begin(), lsa.body.end()}, *content)
                                   : Lsa(lsa.header, lsa.signature);
    UpdatePacker(envelope, packets).add(built, lsa.remaining_ms);
    FUZZ_CHECK(packets.size() == 1);
    const auto again = decode_message(packets[0]);
    FUZZ_CHECK(again.ok());
    const auto& lsas = std::get<Update>(again->content).lsas;
    FUZZ_CHECK(lsas.size() == 1 && lsas[0].header == lsa.header && lsas[0].signature == lsa.signature &&
               lsas[0].remaining_ms == lsa.remaining_ms && lsas[0].has_body == lsa.has_body);
    FUZZ_CHECK(std::equal(lsas[0].body.begin(), lsas[0].body.end(), lsa.body.begin(), lsa.body.end()));
  }
}

void check_packet(Bytes packet) {
  const auto message = decode_message(packet);
  if (!message) return;
  const bool is_probe = std::holds_alternative<PathProbe>(message->content);
  FUZZ_CHECK(packet.size() <= (is_probe ? kMaxProbePacketSize : kMaxPacketSize));
  std::visit([&](const auto& content) { check_round_trip(message->envelope, content, packet.size()); },
             message->content);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(data, size);
  check_packet(bytes);
  // The same with version and size put right, so that their fields do not stop the fuzzer.
  std::vector<std::uint8_t> packet(bytes.begin(), bytes.end());
  if (packet.size() < 4) return 0;
  packet[0] = kProtocolVersion;
  packet[2] = static_cast<std::uint8_t>(size >> 8);
  packet[3] = static_cast<std::uint8_t>(size);
  check_packet(packet);
  return 0;
}
