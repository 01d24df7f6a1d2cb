#include "tests/system/hostile/arsenal.h"

#include "wg/protocol/cookie.h"
#include "wg/protocol/messages.h"

namespace starling::hostile {
namespace {

constexpr std::size_t kGarbageMax = 1472;  // bytes: one unfragmented packet
constexpr std::string_view kMalformed = "malformed";
constexpr std::string_view kBadMac1 = "bad_mac1";
constexpr std::string_view kUnknownReceiver = "unknown_receiver";
constexpr std::string_view kDecryptFailed = "decrypt_failed";
constexpr std::string_view kReplayed = "replayed";
// An old initiation is refused for its timestamp or, when there are many, because it must prove its address first.
constexpr std::string_view kOldInitiation = "handshake_replay|cookie_required";
constexpr std::string_view kForgedInitiation = "bad_handshake|cookie_required";

bool is_data(const Datagram& bytes) {
  return bytes[0] == static_cast<std::uint8_t>(wg::MessageType::data);
}

}  // namespace

const Datagram& Arsenal::captured(const Tap& tap) {
  const auto& list = random_.below(8) == 0 ? tap.handshakes() : tap.data();
  return list[random_.below(list.size())];
}

Weapon Arsenal::mixed(const Tap& tap) {
  switch (random_.below(4)) {
    case 0: return garbage();
    case 1: return truncated(tap);
    case 2: return replayed(tap);
    default: return bit_flipped(tap);
  }
}

// Half of it with the type and size of a message, so that it gets further.
Weapon Arsenal::garbage() {
  static constexpr std::size_t kSizes[] = {0, sizeof(wg::MessageInitiation), sizeof(wg::MessageResponse),
                                           sizeof(wg::MessageCookieReply)};
  static constexpr std::string_view kExpected[] = {kMalformed, kBadMac1, kBadMac1, kUnknownReceiver, kUnknownReceiver};
  Weapon weapon{{}, "garbage", kMalformed};
  if (random_.below(2) == 0) {
    weapon.bytes.resize(random_.below(kGarbageMax + 1));
    random_.fill(weapon.bytes);
    if (weapon.bytes.size() >= 4) weapon.bytes[3] = 1;  // a reserved byte: no message, whatever the others are
    return weapon;
  }
  const std::size_t type = 1 + random_.below(4);
  weapon.expected = kExpected[type];
  weapon.bytes.resize(type == 4 ? wg::kDataOverhead + random_.below(kGarbageMax - wg::kDataOverhead) : kSizes[type]);
  random_.fill(weapon.bytes);
  weapon.bytes[0] = static_cast<std::uint8_t>(type);
  weapon.bytes[1] = weapon.bytes[2] = weapon.bytes[3] = 0;
  return weapon;
}

Weapon Arsenal::truncated(const Tap& tap) {
  Weapon weapon{captured(tap), "truncated", kMalformed};
  const bool data = is_data(weapon.bytes);
  weapon.bytes.resize(random_.below(weapon.bytes.size()));
  if (data && weapon.bytes.size() >= wg::kDataOverhead) weapon.expected = kDecryptFailed;
  return weapon;
}

Weapon Arsenal::replayed(const Tap& tap) {
  Weapon weapon{captured(tap), "replayed", kReplayed};
  if (!is_data(weapon.bytes)) weapon.expected = kOldInitiation;
  return weapon;
}

Weapon Arsenal::bit_flipped(const Tap& tap) {
  Weapon weapon{captured(tap), "bit-flipped", {}};
  const bool data = is_data(weapon.bytes);
  const std::size_t at = random_.below(weapon.bytes.size());
  weapon.bytes[at] ^= static_cast<std::uint8_t>(1u << random_.below(8));
  if (at < 4) {
    weapon.expected = kMalformed;
  } else if (data) {
    weapon.expected = at < wg::kDataCounterOffset ? kUnknownReceiver : kDecryptFailed;
  } else {
    weapon.expected = at < weapon.bytes.size() - wg::kMacSize ? kBadMac1 : kOldInitiation;
  }
  return weapon;
}

Weapon Arsenal::initiation() {
  Weapon weapon{Datagram(sizeof(wg::MessageInitiation)), "initiation", kForgedInitiation};
  random_.fill(weapon.bytes);
  weapon.bytes[0] = static_cast<std::uint8_t>(wg::MessageType::initiation);
  weapon.bytes[1] = weapon.bytes[2] = weapon.bytes[3] = 0;
  wg::CookieGenerator(victim_).add_macs(Time{}, weapon.bytes);
  return weapon;
}

}  // namespace starling::hostile
