#include "routing/lsa_pool.h"

#include <doctest/doctest.h>

#include "routing/identity.h"

using namespace starling;
using namespace starling::routing;

namespace {

const Identity& identity() {
  static const std::array<std::uint8_t, kKeySize> secret{1, 2, 3};
  static const Identity identity{SecretKey{Bytes(secret)}};
  return identity;
}

LsaHandle make(std::uint64_t sequence) {
  LsaContent content;
  content.prefixes = {*Prefix::parse("10.1.0.0/16")};
  return make_lsa({identity().id(), 0}, sequence, 3600, content,
                  [](Bytes message) { return identity().sign(message); });
}

// As it arrives: the packet must outlive it.
ReceivedLsa receive(const Lsa& lsa, std::vector<std::vector<std::uint8_t>>& packets, std::uint32_t remaining_ms) {
  UpdatePacker({1, 2}, packets).add(lsa, remaining_ms);
  return std::get<Update>(decode_message(packets.back())->content).lsas.at(0);
}

struct Counted {
  int verified = 0;
  VerifyFunction verify = [this](const NodeId& signer, Bytes message, const Signature& signature) {
    verified++;
    return verify_signature(signer, message, signature);
  };
};

}  // namespace

TEST_CASE("a pool verifies an announcement once and gives the same handle for every copy, whatever its age") {
  Counted counted;
  LsaPool pool(counted.verify);
  std::vector<std::vector<std::uint8_t>> packets;
  const LsaHandle lsa = make(5);
  const Admission first = pool(receive(*lsa, packets, 1000));
  REQUIRE(first.lsa);
  CHECK(first.lsa->header() == lsa->header());
  CHECK(first.lsa->content() == lsa->content());
  CHECK(first.lsa->tag() == lsa->tag());
  const Admission second = pool(receive(*lsa, packets, 2000));
  CHECK(second.lsa == first.lsa);
  CHECK(pool(receive(*make(6), packets, 1000)).lsa != first.lsa);
  CHECK(counted.verified == 2);
}

TEST_CASE("a pool refuses what a router alone would refuse, also beside a good copy") {
  Counted counted;
  LsaPool pool(counted.verify);
  std::vector<std::vector<std::uint8_t>> packets;
  const LsaHandle lsa = make(5);
  REQUIRE(pool(receive(*lsa, packets, 1000)).lsa);
  Signature forged = lsa->signature();
  forged.bytes[63] ^= 1;  // what the pool looks it up by is the same
  const Lsa forgery(lsa->header(), forged, lsa->body(), lsa->content());
  CHECK(pool(receive(forgery, packets, 1000)).reason == RejectReason::bad_signature);
  std::vector<std::uint8_t> body(lsa->body().begin(), lsa->body().end());
  body.back() ^= 1;
  const Lsa changed(lsa->header(), lsa->signature(), body, {});
  CHECK(pool(receive(changed, packets, 1000)).reason == RejectReason::bad_body_hash);
  const std::vector<std::uint8_t> broken{1, 0, 1};
  const LsaHeader header{lsa->key(), 9, 3600, hash_body(broken)};
  const Lsa malformed(header, identity().sign(signature_input(header)), broken, {});
  const Admission refused = pool(receive(malformed, packets, 1000));
  CHECK_FALSE(refused.lsa);
  CHECK(refused.reason == RejectReason::malformed_body);
}

TEST_CASE("a pool keeps what somebody holds, and forgets the rest in time") {
  LsaPool pool([](const NodeId&, Bytes, const Signature&) { return true; });
  std::vector<std::vector<std::uint8_t>> packets;
  const LsaHandle held = pool(receive(*make(1), packets, 1000)).lsa;
  for (std::uint64_t sequence = 2; sequence < 10'000; sequence++) {
    packets.clear();
    pool(receive(*make(sequence), packets, 1000));
  }
  CHECK(pool.size() <= 1024);
  CHECK(pool(receive(*make(1), packets, 1000)).lsa == held);
}
