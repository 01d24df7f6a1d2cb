#include "topologies/lab/sim/deadlines.h"

namespace starling::sim {

void Deadlines::add() {
  const auto node = static_cast<std::uint32_t>(at_.size());
  at_.push_back(kNever);
  position_.push_back(node);
  heap_.push_back(node);
}

void Deadlines::set(std::uint32_t node, Time at) {
  const Time before_at = at_[node];
  if (at == before_at) return;
  at_[node] = at;
  if (at < before_at) {
    rise(position_[node]);
  } else {
    sink(position_[node]);
  }
}

void Deadlines::place(std::size_t position, std::uint32_t node) {
  heap_[position] = node;
  position_[node] = static_cast<std::uint32_t>(position);
}

void Deadlines::rise(std::size_t position) {
  const std::uint32_t node = heap_[position];
  while (position > 0) {
    const std::size_t parent = (position - 1) / 2;
    if (!before(node, heap_[parent])) break;
    place(position, heap_[parent]);
    position = parent;
  }
  place(position, node);
}

void Deadlines::sink(std::size_t position) {
  const std::uint32_t node = heap_[position];
  for (;;) {
    std::size_t child = 2 * position + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && before(heap_[child + 1], heap_[child])) child++;
    if (!before(heap_[child], node)) break;
    place(position, heap_[child]);
    position = child;
  }
  place(position, node);
}

}  // namespace starling::sim
