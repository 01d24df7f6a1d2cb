// The datagrams that an attacker sends, each with the name of the drop that it should be: garbage, and what honest ends
// sent, cut short, played back or with a bit changed; and initiations that nobody can tell from honest ones without
// doing a Diffie-Hellman.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/key.h"
#include "base/random.h"
#include "tests/system/hostile/tap.h"

namespace starling::hostile {

struct Weapon {
  Datagram bytes;
  std::string_view kind;      // of attack
  std::string_view expected;  // drop reason; with '|' between them where it depends on the load
};

class Arsenal {
 public:
  Arsenal(const PublicKey& victim, std::uint64_t seed) : victim_(victim), random_(seed) {}

  // One of the four kinds of mixed attack at random. `tap` has at least one handshake and one data message, none of
  // which was lost on its way.
  Weapon mixed(const Tap& tap);
  // A right mac1 on random bytes.
  Weapon initiation();

  SeededRandom& random() { return random_; }

 private:
  Weapon garbage();
  Weapon truncated(const Tap& tap);
  Weapon replayed(const Tap& tap);
  Weapon bit_flipped(const Tap& tap);
  // Mostly data, as on a real path.
  const Datagram& captured(const Tap& tap);

  PublicKey victim_;
  SeededRandom random_;
};

}  // namespace starling::hostile
