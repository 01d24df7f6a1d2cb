// How values spread: not only a mean, which hides the one failure in twenty that hurts. Quantiles are by nearest rank:
// the smallest value that at least this share of all do not exceed, so each is a value that was really seen.
#pragma once

#include <cstddef>
#include <vector>

namespace starling::sim {

class Distribution {
 public:
  void add(double value);
  void add(const Distribution& other);

  std::size_t count() const { return values_.size(); }
  bool empty() const { return values_.empty(); }
  // 0 if there are none. `share` is 0 (the minimum) to 1 (the maximum).
  double quantile(double share) const;
  double min() const { return quantile(0); }
  double median() const { return quantile(0.5); }
  double max() const { return quantile(1); }

 private:
  mutable std::vector<double> values_;  // sorted when somebody asks
  mutable bool sorted_ = true;
};

}  // namespace starling::sim
