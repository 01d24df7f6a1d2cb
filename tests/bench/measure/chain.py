"""Nodes in a row, each joined to the next by a veth and a tunnel, with one engine at each node.

Inside, node number i (from 1) is 10.9.0.i; between the nodes i and i + 1 the underlay is 192.0.i.0/24.
"""
import json
import os
from dataclasses import dataclass

from measure.ground import call, interface_name, need_command, wait_for

LETTERS = "abc"
MTU = 1420
PORT = 4000


@dataclass
class Node:
    name: str  # and namespace
    interface: str
    address: str
    engine: object = None  # a Process


class Chain:
    def __init__(self, ground, count, interface_of):
        self.ground = ground
        self.nodes = [Node(letter, interface_of(letter), f"10.9.0.{i}") for i, letter in enumerate(LETTERS[:count], 1)]
        for node in self.nodes:
            ground.namespace(node.name)
        for i, (left, right) in enumerate(zip(self.nodes, self.nodes[1:]), 1):
            ground.veth(left.name, right.name, f"192.0.{i}.1/24", f"192.0.{i}.2/24")
        for node in self.nodes[1:-1]:
            # It goes out where it came in, which is right here and no cause for an ICMP redirect.
            ground.run(node.name, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0",
                       "net.ipv4.conf.default.send_redirects=0")
        self.keys = [call("wg", "genkey").strip() for _ in self.nodes]
        self.public_keys = [call("wg", "pubkey", stdin=key).strip() for key in self.keys]

    first = property(lambda self: self.nodes[0])
    last = property(lambda self: self.nodes[-1])
    engines = property(lambda self: [node.engine for node in self.nodes])

    def neighbors(self, i):
        """Of node number i: (number, address in the underlay, numbers of the nodes behind it and itself)."""
        if i > 1:
            yield i - 1, f"192.0.{i - 1}.1", range(1, i)
        if i < len(self.nodes):
            yield i + 1, f"192.0.{i}.2", range(i + 1, len(self.nodes) + 1)

    def await_reachable(self, limit_s=20):
        """Until the last node answers the first."""
        def answers():
            for engine in self.engines:
                engine.check()
            return self.ground.succeeds(self.first.name, "ping", "-q", "-n", "-c", "1", "-W", "1", self.last.address)
        wait_for(f"an answer through {self.first.engine.name}", answers, limit_s)


def wireguard(ground, program, count):
    """`count` nodes with this WireGuard program, set up by ip(8) and wg(8); in between, the kernel forwards."""
    need_command("wg", "wireguard-tools")
    chain = Chain(ground, count, interface_name)
    environment = {"WG_PROCESS_FOREGROUND": "1", "LOG_LEVEL": "error"}
    for i, node in enumerate(chain.nodes, 1):
        node.engine = ground.start(node.name, program.label, *program.command, "-f", node.interface, environment=environment)
        wait_for(f"{program.label} makes its interface",
                 lambda node=node: node.engine.check() and ground.succeeds(node.name, "wg", "show", node.interface))
        peers = []
        for j, underlay, behind in chain.neighbors(i):
            peers += ["peer", chain.public_keys[j - 1], "endpoint", f"{underlay}:{PORT + j}",
                      "allowed-ips", ",".join(f"10.9.0.{k}/32" for k in behind)]
        ground.run(node.name, "wg", "set", node.interface, "private-key", ground.write(f"{node.name}.key", chain.keys[i - 1]),
                   "listen-port", PORT + i, *peers)
        ground.ip(node.name, "address", "add", f"{node.address}/24", "dev", node.interface)
        ground.ip(node.name, "link", "set", node.interface, "mtu", MTU, "up")
    chain.await_reachable()
    return chain


def starlingd(ground, program, count, extra):
    """`count` nodes with starlingd; `extra` goes into the configuration of all of them."""
    need_command("wg", "wireguard-tools")
    chain = Chain(ground, count, lambda letter: "mesh")
    for i, node in enumerate(chain.nodes, 1):
        folder = os.path.join(ground.folder, f"sockets-{node.name}")
        os.makedirs(folder, exist_ok=True)
        config = {"interface": node.interface, "private_key": chain.keys[i - 1], "listen_port": PORT + i, "name": node.name,
                  "addresses": [f"{node.address}/32"], "mtu": MTU, "log": {"format": "json"}, **extra,
                  "peers": [{"public_key": chain.public_keys[j - 1], "endpoint": f"{underlay}:{PORT + j}"}
                            for j, underlay, _ in chain.neighbors(i)]}
        node.engine = ground.start(node.name, program.label, *program.command, "-c", ground.write(f"{node.name}.json", json.dumps(config)),
                                   "--control", os.path.join(folder, "control.sock"), "--wireguard-sockets", folder)
    chain.await_reachable()
    return chain
