// The tunnel interface: a Linux TUN device that carries bare IP packets (IFF_TUN | IFF_NO_PI). Created or adopted here,
// with its MTU, without any address of the kernel's making; what was created lives exactly as long as this object.
// Source: Linux Documentation/networking/tuntap.rst; netdevice(7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/file_descriptor.h"
#include "base/result.h"

namespace starling::wg {

enum class TunStatus : std::uint8_t {
  ok,
  would_block,  // nothing to read
  refused,      // the kernel did not take or give this packet; others may pass
  unreadable,   // a packet was read, with a virtio header that asks for what we never offered
  gone,         // the interface was removed
};

class Tun {
 public:
  // `name`: 1..15 bytes, an interface that does not exist yet. `mtu`: bytes of an inner packet.
  static Result<Tun> create(const std::string& name, int mtu, bool up);
  // An open TUN that was handed in, IFF_TUN | IFF_NO_PI and perhaps IFF_VNET_HDR, by whatever name it has. Whatever
  // offloads it had are switched off.
  static Result<Tun> adopt(FileDescriptor fd, int mtu, bool up);

  int fd() const { return fd_.get(); }  // non-blocking; reports EPOLLERR when the interface is removed
  // As it was at first.
  const std::string& name() const { return name_; }
  std::uint32_t index() const { return index_; }
  // By which it goes now, wherever it is; nothing once it was removed.
  std::optional<std::string> current_name() const;

  // One packet; on ok `size` is its length in bytes.
  TunStatus read(MutableBytes into, std::size_t& size);
  TunStatus write(Bytes packet);

 private:
  Tun(FileDescriptor fd, std::string name, std::uint32_t index, bool virtio)
      : fd_(std::move(fd)), name_(std::move(name)), index_(index), virtio_(virtio) {}

  TunStatus read_virtio(MutableBytes into, std::size_t& size);
  TunStatus write_virtio(Bytes packet);

  FileDescriptor fd_;
  std::string name_;
  std::uint32_t index_ = 0;
  bool virtio_ = false;  // a header (wg/protocol/virtio_header.h) is in front of every packet
};

}  // namespace starling::wg
