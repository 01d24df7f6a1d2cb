#include "wg/io/snapshot_cell.h"

#include <doctest/doctest.h>

#include <thread>
#include <utility>

using starling::wg::SnapshotCell;

TEST_CASE("a reader sees a stored value with its next get") {
  SnapshotCell<int> cell(std::make_shared<const int>(1));
  SnapshotCell<int>::Reader reader(cell);
  CHECK(reader.get() == 1);
  cell.store(std::make_shared<const int>(2));
  CHECK(reader.get() == 2);
  CHECK(*cell.load() == 2);
}

TEST_CASE("a reader on another thread sees whole values only, in the order in which they were stored") {
  using Pair = std::pair<int, int>;
  constexpr int kLast = 20000;
  SnapshotCell<Pair> cell(std::make_shared<const Pair>(0, 0));
  std::thread writer([&] {
    for (int i = 1; i <= kLast; ++i) cell.store(std::make_shared<const Pair>(i, -i));
  });
  SnapshotCell<Pair>::Reader reader(cell);
  int seen = 0;
  bool whole = true;
  bool in_order = true;
  while (seen < kLast) {
    const Pair& pair = reader.get();
    whole = whole && pair.second == -pair.first;
    in_order = in_order && pair.first >= seen;
    seen = pair.first;
  }
  writer.join();
  CHECK(whole);
  CHECK(in_order);
}
