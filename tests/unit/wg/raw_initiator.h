// An initiator without manners: it makes as many initiations as it is asked for, with any key, index and timestamp.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/random.h"
#include "doctest/doctest.h"
#include "wg/protocol/cookie.h"
#include "wg/protocol/noise.h"
#include "wg/protocol/tai64n.h"

namespace starling::wg::test {

struct RawInitiator {
  RawInitiator(std::uint64_t seed, const PublicKey& responder)
      : random(seed),
        keys(generate_key_pair(random)),
        remote(make_remote_static(keys, responder, {})),
        cookies(responder) {}

  // Each with an index one higher and a later timestamp than the one before; with mac2 once a cookie came.
  std::vector<std::uint8_t> make_initiation(Now now) {
    timestamp = std::max(timestamp.next(), Tai64n::at(now.wall));
    state.emplace(remote.public_key, ++index);
    MessageInitiation message;
    REQUIRE(create_initiation(keys, remote, timestamp, random, *state, message) == HandshakeResult::ok);
    std::vector<std::uint8_t> bytes(sizeof message);
    std::memcpy(bytes.data(), &message, sizeof message);
    cookies.add_macs(now.monotonic, bytes);
    return bytes;
  }

  CookieGenerator::ReplyResult take_cookie(Now now, Bytes datagram) {
    REQUIRE(datagram.size() == sizeof(MessageCookieReply));
    MessageCookieReply reply;
    std::memcpy(&reply, datagram.data(), sizeof reply);
    return cookies.consume_reply(now.monotonic, reply);
  }

  SeededRandom random;
  KeyPair keys;
  RemoteStatic remote;
  CookieGenerator cookies;
  Tai64n timestamp;
  std::uint32_t index = 0;
  std::optional<InitiatorState> state;  // of the last initiation
};

}  // namespace starling::wg::test
