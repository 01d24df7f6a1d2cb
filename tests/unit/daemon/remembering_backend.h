// A backend that carries nothing: it remembers what it is told, and in which order.
#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "wg/io/backend.h"

namespace starling::daemon {

class RememberingBackend final : public wg::Backend {
 public:
  enum class Call : std::uint8_t { set_egress, set_egress_groups, set_ingress, send_control };

  RememberingBackend() = default;
  explicit RememberingBackend(Duration late) : lateness(late) {}

  void start() override {}
  Result<wg::PeerId> add_peer(const wg::PeerConfig&) override { return Error{"not in this test"}; }
  void remove_peer(wg::PeerId) override {}
  void set_endpoint(wg::PeerId, const Endpoint&) override {}
  void set_preshared_key(wg::PeerId, const SecretKey&) override {}
  void set_persistent_keepalive(wg::PeerId, std::uint16_t) override {}
  void set_private_key(const SecretKey&) override {}
  std::optional<wg::SystemError> set_listen_port(std::uint16_t) override { return std::nullopt; }
  std::optional<wg::SystemError> set_fwmark(std::uint32_t) override { return std::nullopt; }
  void set_egress(const wg::EgressDescription& description) override {
    calls.push_back(Call::set_egress);
    egress_ = description;
  }
  void set_egress_groups(std::vector<wg::NextHopGroup> groups) override {
    calls.push_back(Call::set_egress_groups);
    egress_.groups = std::move(groups);
  }
  void set_ingress(const wg::IngressDescription& description) override {
    calls.push_back(Call::set_ingress);
    ingress_ = description;
  }
  void set_transit(const wg::TransitDescription& description) override { transit_ = description; }
  wg::EgressDescription egress() const override { return egress_; }
  wg::IngressDescription ingress() const override { return ingress_; }
  wg::TransitDescription transit() const override { return transit_; }
  void send_control(std::span<const wg::ControlPacket> packets) override {
    calls.push_back(Call::send_control);
    for (const wg::ControlPacket& packet : packets)
      sent.push_back({packet.peer, {packet.payload.begin(), packet.payload.end()}});
  }
  std::optional<Error> start_capture(FileDescriptor, const wg::CaptureOptions&) override { return std::nullopt; }
  wg::BackendStatus status() const override { return reported; }
  Duration take_lateness() override { return std::exchange(lateness, {}); }
  int notification_fd() const override { return -1; }
  void dispatch(wg::BackendObserver&) override {}

  Duration lateness{};  // told when it is asked next
  wg::BackendStatus reported;
  std::vector<Call> calls;  // those that concern packets
  struct Sent {
    wg::PeerId peer;
    std::vector<std::uint8_t> payload;
  };
  std::vector<Sent> sent;

 private:
  wg::EgressDescription egress_;
  wg::IngressDescription ingress_;
  wg::TransitDescription transit_;
};

}  // namespace starling::daemon
