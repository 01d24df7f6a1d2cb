// Data messages (whitepaper §5.4.6) and their replay window: a sender whose counter the fuzzer moves, messages that
// arrive in any order, twice, changed or shortened, against a window that simply remembers every counter.
#include <cstddef>
#include <set>

#include "tests/fuzz/handshake_ends.h"
#include "tests/fuzz/tamper.h"
#include "wg/protocol/session.h"

using namespace starling;
using namespace starling::fuzz;

namespace {

constexpr wg::PeerId kPeer = 3;

wg::Session::Keys keys(bool swapped) {
  const SecretKey a = key_pair(11).private_key, b = key_pair(12).private_key;
  return swapped ? wg::Session::Keys{b, a} : wg::Session::Keys{a, b};
}

// RFC 6479 in words: a counter is good once, unless it is more than the usable bits behind the newest good one.
class NaiveWindow {
 public:
  bool accept(std::uint64_t counter) {
    if (!seen_.empty() && *seen_.rbegin() > counter && *seen_.rbegin() - counter > wg::ReplayWindow::kUsableBits)
      return false;
    return seen_.insert(counter).second;
  }

 private:
  std::set<std::uint64_t> seen_;
};

std::vector<std::uint8_t> seal(std::uint64_t counter, Bytes payload, Time now) {
  static const wg::Session::Keys sender_keys = keys(true);
  wg::Session sender(kPeer, sender_keys, 22, 21, true, now, counter);
  std::vector<std::uint8_t> message(wg::kDataOverhead + payload.size());
  std::copy(payload.begin(), payload.end(), message.begin() + wg::kDataHeaderSize);
  const wg::SealResult result = sender.seal(now, message);
  FUZZ_CHECK((result == wg::SealResult::ok) == (counter < wg::kRejectAfterMessages));
  if (result != wg::SealResult::ok) message.clear();
  return message;
}

// Near what was before, or anywhere.
std::uint64_t next_counter(FuzzInput& input, std::uint64_t before) {
  switch (input.below(4)) {
    case 0: return before + input.u8();
    case 1: return before - input.u8();
    case 2: return before + input.u16() - 0x8000;
    default: return input.u64();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(Bytes(data, size));
  Time now{std::chrono::seconds(1000)};
  static const wg::Session::Keys receiver_keys = keys(false);
  wg::Session receiver(kPeer, receiver_keys, 21, 22, false, now);
  NaiveWindow window;
  std::uint64_t counter = 0;
  const Time end = now + wg::kRejectAfterTime;
  for (int i = 0; i < 200 && !input.empty(); i++) {
    const std::uint8_t choice = input.u8();
    if (choice >= 250) now += std::chrono::seconds(input.u8());
    MutableBytes plaintext;
    if (choice < 32) {  // no message at all
      std::vector<std::uint8_t> raw = input.padded(choice);
      FUZZ_CHECK(receiver.open(now, raw, plaintext) == wg::OpenResult::too_short);
      continue;
    }
    counter = next_counter(input, counter);
    const Bytes payload = input.take(choice % 40);
    std::vector<std::uint8_t> message = seal(counter, payload, now);
    if (message.empty()) continue;
    const bool changed = choice % 2 == 1 && tamper(input, message);
    const wg::OpenResult result = receiver.open(now, message, plaintext);
    if (!changed) {
      const wg::OpenResult expected = now >= end               ? wg::OpenResult::expired
                                      : window.accept(counter) ? wg::OpenResult::ok
                                                               : wg::OpenResult::replayed;
      FUZZ_CHECK(result == expected);
    } else if (result == wg::OpenResult::ok || result == wg::OpenResult::replayed) {
      // Type and receiver index are for whoever finds the session; all else is under the tag.
      FUZZ_CHECK(message.size() == wg::kDataOverhead + payload.size());
      FUZZ_CHECK(window.accept(counter) == (result == wg::OpenResult::ok));
    }
    if (result == wg::OpenResult::ok)
      FUZZ_CHECK(std::equal(plaintext.begin(), plaintext.end(), payload.begin(), payload.end()));
  }
  return 0;
}
