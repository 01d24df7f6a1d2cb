// How good a link is beyond "Hellos pass": its measured metric, and whether it is grey, that is, up by its Hellos and
// of little use to data. A grey link is announced as a last resort.
//
// Invariants: grey is entered on evidence that ordinary loss does not give (docs/protocol.md, "Grey links", has the
// odds), and left only after the evidence for the opposite has stood for a time, which doubles with each relapse. Both
// outlive the adjacency: a link that is so bad that it keeps going down is still the same link.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "routing/metric.h"
#include "routing/path_probe.h"
#include "routing/router.h"

namespace starling::routing {

// The share of the other end's Hellos that did not arrive while the link was up; failures of the link are no loss, and
// do not begin the count anew.
class HelloLoss {
 public:
  void on_sequence(std::uint32_t sequence);
  void interrupt() { any_ = false; }  // what did not arrive since the last one is no loss
  bool is_known() const { return expected_ >= kGreyHellos; }
  std::uint16_t permille() const;

 private:
  bool any_ = false;
  std::uint32_t newest_ = 0;
  std::uint32_t expected_ = 0;
  std::uint32_t received_ = 0;
};

class LinkQuality {
 public:
  explicit LinkQuality(std::uint16_t mtu) : prober_(mtu) {}

  void start(Time now);  // an adjacency begins
  void stop();           // it has ended
  void set_mtu(Time now, std::uint16_t mtu);

  void on_hello(std::uint32_t sequence) { loss_.on_sequence(sequence); }
  void measure(Time now, Duration newest, Duration smoothed) { metric_.update(now, {newest, smoothed, loss()}); }
  PathAnswer on_probe(std::uint32_t number) { return arrived_.on_probe(number); }
  void on_answer(const PathAnswer& answer) { prober_.on_answer(answer); }
  // The probes to be sent now. `interval`: while all is well; zero: none are sent.
  std::vector<ProbeToSend> take_probes(Time now, Duration interval, std::optional<Duration> smoothed_round_trip,
                                       RandomSource& random);
  // What the evidence says by now. True if grey() or carried_size() is another. To be asked when probes are due, and
  // after Hellos that may matter.
  bool review(Time now);
  bool is_worth_a_review() const { return grey_ != GreyReason::none || is_losing_much(); }
  Time next_deadline() const { return prober_.next_deadline(); }

  Metric measured() const { return metric_.metric(); }
  std::uint16_t loss() const { return loss_.permille(); }
  std::uint16_t probes_lost_permille(Time now) const;
  GreyReason grey() const { return grey_; }
  // Of a grey link: the largest packet inside the tunnel that passes, if that is known and less than the MTU.
  std::optional<std::uint16_t> carried_size() const { return carried_; }

 private:
  bool is_losing_much() const { return loss_.is_known() && loss_.permille() >= kGreyLossPermille; }
  GreyReason evidence(Time now) const;
  bool is_unwell(Time now) const;
  void turn_grey(Time now, GreyReason reason);
  void learn_more(GreyReason found);

  PathProber prober_;
  ArrivedProbes arrived_;
  HelloLoss loss_;
  RttMetric metric_;
  GreyReason grey_ = GreyReason::none;
  std::optional<std::uint16_t> carried_;
  Time well_since_{};
  std::optional<Time> healed_at_;
  Duration heal_time_ = kGreyHeal;
};

}  // namespace starling::routing
