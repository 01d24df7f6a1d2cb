// The network under a topology: one namespace per node, one veth pair per link, and what breaks them.
//
// cut      both ends drop every packet on arrival (nftables, netdev ingress): no sender sees an error, no carrier
// changes down     both ends lose their carrier restore  undoes either
//
// Link-layer neighbours are permanent, so that no ARP or ND is needed, and a long cut never turns into "no route to
// host".
#pragma once

#include <vector>

#include "base/file_descriptor.h"
#include "topologies/lab/plan.h"

namespace starling::lab {

class Host {
 public:
  explicit Host(const Plan& plan);  // `plan` must outlive it

  // Creates and sets up everything. Throws std::exception with the kernel's words; what exists then is the workspace's
  // to remove (workspace.h).
  void build();

  int namespace_fd(std::size_t node) const { return namespaces_[node].get(); }

  void cut(std::size_t link);
  void down(std::size_t link);
  void restore(std::size_t link);

 private:
  enum class LinkState : std::uint8_t { whole, cut, down };

  void set_kernel_options(std::size_t node) const;
  void configure_links() const;
  void set_filters(std::size_t link, bool cut) const;
  void set_devices(std::size_t link, bool up) const;

  const Plan& plan_;
  std::vector<FileDescriptor> namespaces_;
  std::vector<LinkState> states_;
};

}  // namespace starling::lab
