// Room for `size` elements without the doubling of std::vector: with thousands of routers in one process, what is
// reserved and not used counts.
#pragma once

#include <cstddef>
#include <vector>

namespace starling::routing {

template <typename T>
void resize_tightly(std::vector<T>& list, std::size_t size, const T& value = T()) {
  if (size > list.capacity()) list.reserve(size + size / 16 + 8);
  list.resize(size, value);
}

}  // namespace starling::routing
