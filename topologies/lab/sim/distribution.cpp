#include "topologies/lab/sim/distribution.h"

#include <algorithm>
#include <cmath>

namespace starling::sim {

void Distribution::add(double value) {
  values_.push_back(value);
  sorted_ = false;
}

void Distribution::add(const Distribution& other) {
  values_.insert(values_.end(), other.values_.begin(), other.values_.end());
  sorted_ = false;
}

double Distribution::quantile(double share) const {
  if (values_.empty()) return 0;
  if (!sorted_) std::sort(values_.begin(), values_.end());
  sorted_ = true;
  const double rank = std::ceil(share * static_cast<double>(values_.size()));
  const auto index = rank < 1 ? 0 : static_cast<std::size_t>(rank) - 1;
  return values_[std::min(index, values_.size() - 1)];
}

}  // namespace starling::sim
