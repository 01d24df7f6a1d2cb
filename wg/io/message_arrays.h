// The arrays that recvmmsg and sendmmsg want, made once.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>

#include "wg/io/ancillary.h"

namespace starling::wg {

inline constexpr std::size_t kMessagesMax = 64;  // of one system call

struct MessageArrays {
  std::array<mmsghdr, kMessagesMax> headers{};
  std::array<iovec, kMessagesMax> vectors{};
  std::array<sockaddr_storage, kMessagesMax> addresses{};
  std::array<AncillaryBuffer, kMessagesMax> ancillary{};
};

}  // namespace starling::wg
