#include "wg/io/datagram_receiver.h"

#include <algorithm>
#include <cerrno>

#include "wg/io/socket_address.h"

namespace starling::wg {
namespace {

// Where the kernel joins datagrams, a few of these are a processor's cache full: what is read is opened and passed on
// while it is in there, before more is read.
constexpr std::size_t kLarge = 16384;  // bytes, on average
constexpr std::size_t kLargeAtOnce = 4;

}  // namespace

void DatagramReceiver::prepare() {
  for (std::size_t i = 0; i < used_; ++i) {
    arrays_.vectors[i] = {memory_.get() + i * kSlotSize, kSlotSize};
    msghdr& header = arrays_.headers[i].msg_hdr;
    header = {};
    header.msg_name = &arrays_.addresses[i];
    header.msg_namelen = sizeof arrays_.addresses[i];
    header.msg_iov = &arrays_.vectors[i];
    header.msg_iovlen = 1;
    header.msg_control = arrays_.ancillary[i].bytes.data();
    header.msg_controllen = arrays_.ancillary[i].bytes.size();
  }
}

// An error of what was sent says nothing of what has arrived.
int DatagramReceiver::fill(int fd, std::size_t room) {
  unsigned tries = 0;
  while (true) {
    const int got = ::recvmmsg(fd, arrays_.headers.data(), static_cast<unsigned>(room), MSG_DONTWAIT, nullptr);
    if (got >= 0 || !errors_.is_anothers(fd, errno, tries)) return got;
  }
}

DatagramReceiver::Batch DatagramReceiver::receive(int fd) {
  const std::size_t room = large_ ? kLargeAtOnce : kAtOnce;
  prepare();
  const int got = fill(fd, room);
  used_ = static_cast<std::size_t>(std::max(got, 0));
  if (got <= 0) return {};
  Batch batch;
  const std::size_t count = used_;
  std::size_t total = 0;
  for (std::size_t i = 0; i < count; ++i) {
    mmsghdr& message = arrays_.headers[i];
    const Ancillary ancillary = read_ancillary(message.msg_hdr);
    if (ancillary.lost) batch.lost = ancillary.lost;
    const std::size_t size = message.msg_len;
    received_[i] = {MutableBytes(memory_.get() + i * kSlotSize, size),
                    ancillary.segment_size != 0 ? ancillary.segment_size : size,
                    from_socket_address(arrays_.addresses[i]),
                    ancillary.local,
                    ancillary.interface_index,
                    ancillary.traffic_class};
    total += size;
  }
  large_ = total / count >= kLarge;
  batch.received = {received_.data(), count};
  batch.is_full = count == room;
  return batch;
}

}  // namespace starling::wg
