#include "tests/system/backend/wire.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "wg/io/drop_text.h"

namespace starling::wg::test {

Wire::Wire() {
  shell("ip link add to-right type veth peer name to-left netns " + right.path());
  shell("ip address add 192.0.2.1/24 dev to-right && ip address add 2001:db8::1/64 dev to-right nodad");
  shell("ip link set to-right addrgenmode none up && ip address add fe80::1/64 dev to-right nodad");
  in_right("ip address add 192.0.2.2/24 dev to-left && ip address add 2001:db8::2/64 dev to-left nodad");
  in_right("ip link set to-left addrgenmode none up && ip address add fe80::2/64 dev to-left nodad");
  // The kernel may lose a packet while it looks for a neighbour on a cable that has just been plugged in.
  for (const char* neighbour : {"192.0.2.2", "2001:db8::2", "fe80::2%to-right"}) {
    shell("ping -q -n -c 1 -w 5 " + std::string(neighbour) + " >/dev/null");
  }
}

Wire::~Wire() {
  (void)!std::system("ip link del to-right");
}

void Wire::in_right(const std::string& command) const {
  const Namespace::Visit visit(right);
  shell(command);
}

std::unique_ptr<Node> Wire::right_node(const BackendConfig& config) const {
  const Namespace::Visit visit(right);
  return std::make_unique<Node>(config);
}

Endpoint at(const char* address, const Node& node, std::uint32_t scope) {
  return {*IpAddress::parse(address), node.endpoint.port, scope};
}

Pair::Pair() {
  left.endpoint = at("192.0.2.1", left);
  right->endpoint = at("192.0.2.2", *right);
  right_at_left = left.add(*right, true);
  left_at_right = right->add(left, false);
}

bool Pair::talk() {
  const std::size_t left_heard = left.heard.size(), right_heard = right->heard.size();
  left.say(right_at_left, "hello");
  if (await({&left, right.get()}, [&] { return right->heard.size() > right_heard; })) {
    right->say(left_at_right, "and to you");
    if (await({&left, right.get()}, [&] { return left.heard.size() > left_heard; })) return true;
  }
  for (const Node* node : {&left, right.get()}) {
    for (const DropReport& drop : node->drops) MESSAGE(describe_drop(drop, "the other end", std::nullopt));
  }
  return false;
}

}  // namespace starling::wg::test
