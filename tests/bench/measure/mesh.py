"""Networks of many nodes over plain veth, for whatever router is to run in them.

Node number k (from 0, in the order of the links) has the address 10.9.(k >> 8).(k & 255); a link has a /30 of 198.18.0.0/15.
"""
import argparse
import re
import subprocess
from dataclasses import dataclass, field

from measure.ground import BenchError

MESH = "10.9"
ROUTED = "090A"  # how /proc/net/route ends an address of the mesh: bytes in the order of a little-endian machine
HOST_MASK = "FFFFFFFF"
RULES = 'table netdev cut {{ chain arrival {{ type filter hook ingress device "{device}" priority 0; policy drop; }}; }}\n'


@dataclass(frozen=True)
class Network:
    name: str
    links: tuple     # (node, node, cost)
    ends: tuple      # between which traffic flows
    cuts: tuple = ()  # the links to be cut; empty: whichever carries the traffic

    @property
    def nodes(self):
        return list(dict.fromkeys(node for link in self.links for node in link[:2]))

    @property
    def adjacencies(self):
        """Counted from both ends."""
        return 2 * len(self.links)


DIAMOND = Network("diamond", (("a", "b", 10), ("b", "d", 10), ("a", "c", 20), ("c", "d", 20)), ("a", "d"), (("b", "d"),))


def grid(rows, columns):
    links = []
    for row in range(1, rows + 1):
        for column in range(1, columns + 1):
            if column < columns:
                links.append((f"r{row}c{column}", f"r{row}c{column + 1}", 10))
            if row < rows:
                links.append((f"r{row}c{column}", f"r{row + 1}c{column}", 10))
    return Network(f"grid-{rows}x{columns}", tuple(links), ("r1c1", f"r{rows}c{columns}"))


def named(text):
    """`diamond` or `grid-RxC`."""
    found = re.fullmatch(r"grid-(\d{1,2})x(\d{1,2})", text)
    if found and min(sizes := [int(word) for word in found.groups()]) >= 2 and sizes[0] * sizes[1] <= 1024:
        return grid(*sizes)
    if text == DIAMOND.name:
        return DIAMOND
    raise argparse.ArgumentTypeError(f"{text!r} is neither diamond nor grid-ROWSxCOLUMNS, from 2x2 on, of at most 1024 nodes")


@dataclass(frozen=True)
class Port:
    """A node's end of a link."""
    device: str
    address: str
    neighbor: str
    neighbor_address: str
    cost: int


@dataclass
class Site:
    """A node in place."""
    name: str
    address: str
    ports: list = field(default_factory=list)
    engines: list = field(default_factory=list)  # its processes

    @property
    def pid(self):
        return self.engines[0].pid

    def port_to(self, neighbor):
        return next(port for port in self.ports if port.neighbor == neighbor)

    def routes(self):
        """To how many other nodes the kernel has a route."""
        found = set()
        with open(f"/proc/{self.pid}/net/route") as file:
            for line in file:
                fields = line.split()
                if fields[1].endswith(ROUTED) and fields[7] == HOST_MASK:
                    found.add(fields[1])
        own = "".join(f"{int(byte):02X}" for byte in reversed(self.address.split(".")))
        return len(found - {own})

    def sent(self):
        """{device: packets that went out}."""
        counts = {}
        with open(f"/proc/{self.pid}/net/dev") as file:
            for line in file.readlines()[2:]:
                name, _, rest = line.partition(":")
                counts[name.strip()] = int(rest.split()[9])
        return counts


class Underlay:
    """The namespaces and what joins them."""

    def __init__(self, ground, network):
        self.ground, self.network = ground, network
        self.sites = {name: Site(name, f"{MESH}.{number >> 8}.{number & 255}") for number, name in enumerate(network.nodes, 1)}
        ground.namespaces(list(self.sites))
        for name in self.sites:
            ground.run(name, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0")
        self._join()

    engines = property(lambda self: [engine for site in self.sites.values() for engine in site.engines])

    def _join(self):
        made, ways = "", {name: "" for name in self.sites}
        for number, (left, right, cost) in enumerate(self.network.links):
            subnet = f"198.18.{number >> 6}"
            addresses = [f"{subnet}.{(number & 63) * 4 + 1}", f"{subnet}.{(number & 63) * 4 + 2}"]
            made += (f"link add to-{right} netns {self.ground.outside(left)} type veth "
                     f"peer name to-{left} netns {self.ground.outside(right)}\n")
            for here, there, mine, its in ((left, right, *addresses), (right, left, *reversed(addresses))):
                self.sites[here].ports.append(Port(f"to-{there}", mine, there, its, cost))
                ways[here] += f"address add {mine}/30 dev to-{there}\nlink set to-{there} up\n"
        self.ground.batch(made)
        for name, lines in ways.items():
            self.ground.batch(lines, name)

    def check(self):
        for engine in self.engines:
            engine.check()

    def cut(self, left, right):
        """Silently: both ends drop what arrives, no carrier changes, nobody's send fails."""
        self._at_both_ends(left, right, RULES)

    def restore(self, left, right):
        self._at_both_ends(left, right, "delete table netdev cut\n")

    def _at_both_ends(self, left, right, rules):
        begun = []
        for here, there in ((left, right), (right, left)):
            command = self.ground.within(here, "nft", "-f", "-")
            program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            begun.append((program, rules.format(device=f"to-{there}")))
        for program, text in begun:
            program.stdin.write(text)
            program.stdin.close()
        for program, _ in begun:
            complaint = program.stderr.read()
            if program.wait() != 0:
                raise BenchError(f"nft: {complaint.strip()}")
