// The tunnel interface: a Linux TUN device that carries bare IP packets (IFF_TUN | IFF_NO_PI), with a virtio header in
// front of each that lets one packet stand for many (IFF_VNET_HDR; wg/protocol/virtio_header.h). Created or adopted
// here, with its MTU, without any address of the kernel's making; what was created lives exactly as long as this
// object. Source: Linux Documentation/networking/tuntap.rst; netdevice(7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/file_descriptor.h"
#include "base/result.h"
#include "wg/io/offloads.h"
#include "wg/protocol/virtio_header.h"

namespace starling::wg {

enum class TunStatus : std::uint8_t {
  ok,
  would_block,  // nothing to read
  refused,      // the kernel did not take or give this packet; others may pass
  unreadable,   // a packet was read without the virtio header that belongs in front of it
  gone,         // the interface was removed
};

class Tun {
 public:
  // `name`: 1..15 bytes, an interface that does not exist yet. `mtu`: bytes of an inner packet.
  static Result<Tun> create(const std::string& name, int mtu, bool up, const Offloads& offloads);
  // An open TUN that was handed in, IFF_TUN | IFF_NO_PI and perhaps IFF_VNET_HDR, by whatever name it has. Its offloads
  // become ours; without IFF_VNET_HDR there are none.
  static Result<Tun> adopt(FileDescriptor fd, int mtu, bool up, const Offloads& offloads);

  int fd() const { return fd_.get(); }  // non-blocking; reports EPOLLERR when the interface is removed
  // As it was at first.
  const std::string& name() const { return name_; }
  std::uint32_t index() const { return index_; }
  // By which it goes now, wherever it is; nothing once it was removed.
  std::optional<std::string> current_name() const;

  // One packet, or what stands for many, as the header says; on ok `size` is its length in bytes, without the header.
  TunStatus read(MutableBytes into, VirtioHeader& header, std::size_t& size);
  // One packet, or what stands for many, made of these pieces, at most kPiecesMax.
  static constexpr std::size_t kPiecesMax = 128;
  TunStatus write(const VirtioHeader& header, std::span<const Bytes> pieces);
  TunStatus write(Bytes packet) { return write(VirtioHeader{}, {&packet, 1}); }

  // Whether the kernel takes TCP segments, UDP datagrams joined to one packet; they can be switched off.
  bool joins_tcp() const { return joins_tcp_; }
  bool joins_udp() const { return joins_udp_; }
  void stop_joining_tcp() { joins_tcp_ = false; }
  void stop_joining_udp() { joins_udp_ = false; }
  // The interface's MTU is another now: so is how many segments fit in one outer datagram. In its network namespace.
  void fit_segments(int mtu) const;
  // What a person should know of an offload that the kernel has not got.
  bool has_warning() const { return warning_.has_value(); }
  std::optional<std::string> take_warning() { return std::exchange(warning_, std::nullopt); }

 private:
  Tun(FileDescriptor fd, std::string name, std::uint32_t index, bool virtio)
      : fd_(std::move(fd)), name_(std::move(name)), index_(index), virtio_(virtio) {}

  void set_offloads(const Offloads& offloads);

  FileDescriptor fd_;
  std::string name_;
  std::uint32_t index_ = 0;
  bool virtio_ = false;         // there is a header in front of every packet
  bool fits_segments_ = false;  // the kernel hands over as many as it cuts again
  bool joins_tcp_ = false;
  bool joins_udp_ = false;
  std::optional<std::string> warning_;
};

}  // namespace starling::wg
