// Whether a packet that came by one tunnel and may leave by another is the engine's to forward: longest prefix match
// against everything that is the kernel's (TransitDescription). An immutable snapshot.
#pragma once

#include <memory>
#include <optional>

#include "base/ip.h"
#include "wg/protocol/prefix_trie.h"
#include "wg/tables.h"

namespace starling::wg {

class TransitTable {
 public:
  static std::shared_ptr<const TransitTable> compile(const TransitDescription& description);

  bool fast_path() const { return description_.fast_path; }
  // `mesh_length`: of the egress entry that covers this destination (EgressTable::Match). True if nothing of the
  // kernel's covers it as closely.
  bool takes(const IpAddress& destination, int mesh_length) const;
  // Nothing where no error can be sent: there is no dummy address in IPv6.
  std::optional<IpAddress> error_source(Family family) const;

  const TransitDescription& describe() const { return description_; }

 private:
  explicit TransitTable(const TransitDescription& description);

  TransitDescription description_;
  PrefixTrie punts_;
};

}  // namespace starling::wg
