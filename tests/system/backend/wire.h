// Two namespaces with a cable between them: left is the program's own, right is another.
#pragma once

#include "tests/system/backend/namespaces.h"
#include "tests/system/backend/node.h"

namespace starling::wg::test {

// Left has 192.0.2.1 and 2001:db8::1 on `to-right`, right 192.0.2.2 and 2001:db8::2 on `to-left`; link-local fe80::1
// and fe80::2.
class Wire {
 public:
  Wire();
  ~Wire();

  void in_right(const std::string& command) const;
  // An engine on the right.
  std::unique_ptr<Node> right_node(const std::string& interface) const { return right_node(config_for(interface)); }
  std::unique_ptr<Node> right_node(const BackendConfig& config) const;

  Namespace right;
};

Endpoint at(const char* address, const Node& node, std::uint32_t scope = 0);

// An engine at each end. Left starts: it knows where right is.
struct Pair {
  Pair();

  Wire wire;
  Node left{"be-l"};
  std::unique_ptr<Node> right = wire.right_node("be-r");
  PeerId right_at_left, left_at_right;

  // A control packet each way; false if one does not arrive.
  bool talk();
};

}  // namespace starling::wg::test
