#!/usr/bin/env python3
"""Changes the routing of the namespace given first at random, and compares what its starlingd would do with transit to
what the kernel says. Arguments: namespace, the `starling` command, control socket."""
import ipaddress
import json
import random
import subprocess
import sys
import time

NAMESPACE, STARLING, SOCKET = sys.argv[1:]
ROUNDS, CHANGES = 24, 30
SETTLES_WITHIN_S = 6  # what vanishes without a word is noticed after a second
SOURCES = {4: "10.1.0.1", 6: "fd01::1"}
HOST = {4: "10.9.5.2", 6: "fd09:0:5::2"}
PROTOCOL = "77"  # of the routes that are made here
random.seed(4)


def ip(*words, check=False):
    return subprocess.run(["ip", "-n", NAMESPACE, *words], capture_output=True, text=True, check=check).stdout


def show(what):
    answer = subprocess.run([STARLING, "show", what, "--json", "--control", SOCKET], capture_output=True, check=True)
    return json.loads(answer.stdout)


def subnet(family):
    """Few different ones, inside what c announces, so that they overlap."""
    if family == 4:
        length = random.choice([16] + 3 * [20, 24, 24, 28, 32])
        return ipaddress.ip_network((f"10.9.{random.choice([5, 16, 17, 32])}.{random.choice([0, 1, 2, 64])}", length), False)
    length = random.choice([32] + 3 * [47, 48, 48, 64, 128])
    return ipaddress.ip_network((f"fd09:0:{random.choice([5, 16, 17])}::{random.choice([0, 1, 2])}", length), False)


def target(family, plain):
    via = ["via", HOST[family]]
    hops = [via, ["dev", "to-c"], ["nexthop", *via, "nexthop", "dev", "to-c"], ["nhid", str(family)]]
    kinds = [["blackhole"], ["unreachable"], ["prohibit"]]
    return random.choice(hops) if random.random() < 0.7 else random.choice(kinds if plain else kinds + [["throw"]])


def change(family, plain):
    net, draw = str(subnet(family)), random.random()
    metrics = ["10", "100", "5000"]
    table = ["table", random.choice(["254", "254", "254", "42"])]
    if draw < 0.6:
        to = target(family, plain)
        front, back = (to, []) if to[0] in ("blackhole", "unreachable", "prohibit", "throw") else ([], to)
        narrow = [] if plain or family == 6 or random.random() < 0.8 else ["tos", "8"]
        verb = random.choice(["add", "add", "append", "replace"])
        if verb != "append":  # behind ours with the same metric, where the kernel does not look and we stay on the safe side
            metrics.append("4201")
        metric = ["metric", random.choice(metrics)]
        return ip(f"-{family}", "route", verb, *front, net, *narrow, *metric, *table, "proto", PROTOCOL, *back)
    if draw < 0.8:
        return ip(f"-{family}", "route", "del", net, *random.choice([[], ["metric", random.choice(metrics)]]), *table)
    if draw < 0.9:
        address = str(subnet(family).network_address + 3)
        return ip("addr", random.choice(["add", "del"]), address, "dev", "lo")
    if draw < 0.94:
        return ip(f"-{family}", "rule", random.choice(["add", "del"]), "pref", "100", "lookup", "42")
    if draw < 0.97:
        ip("link", "set", "to-h", "down")
        ip("link", "set", "to-h", "up")
        return ip("addr", "add", "fd09:0:5::1/64", "dev", "to-h", "nodad")
    ip("nexthop", "del", "id", str(family))
    return ip("nexthop", "add", "id", str(family), "via", HOST[family], "dev", "to-h")


def clean():
    for family in (4, 6):
        ip(f"-{family}", "route", "flush", "proto", PROTOCOL, "table", "all")
        ip(f"-{family}", "rule", "del", "pref", "100")
        ip(f"-{family}", "addr", "flush", "dev", "lo", "scope", "global")
        ip("nexthop", "replace", "id", str(family), "via", HOST[family], "dev", "to-h")


def kernel_decisions(addresses):
    """The addresses for which the kernel chooses the tunnel."""
    lines = "".join(f"route get {address} from {SOURCES[address.version]} iif mesh\n" for address in addresses)
    done = subprocess.run(["ip", "-n", NAMESPACE, "-o", "-force", "-batch", "-"], input=lines, capture_output=True, text=True)
    answers = [line.split() for line in done.stdout.splitlines()]
    return {ipaddress.ip_address(words[0]) for words in answers
            if words and words[0] != "local" and "dev" in words and words[words.index("dev") + 1] == "mesh"}


def longest(networks, address):
    return max((net.prefixlen for net in networks if net.version == address.version and address in net), default=-1)


def engine_decisions(addresses):
    """The addresses that take the fast path."""
    transit = show("transit")
    if not all(row["fast_path"] for row in transit["families"]):
        return None
    mesh = [ipaddress.ip_network(row["prefix"]) for row in show("egress")]
    punts = [ipaddress.ip_network(punt) for row in transit["families"] for punt in row["punts"]]
    return {address for address in addresses if longest(mesh, address) > longest(punts, address)}


def probes():
    found = set()
    for family in (4, 6):
        for _ in range(60):
            net = subnet(family)
            found.add(net.network_address + random.choice([0, 1, 3, 5]))
    return sorted(found, key=lambda address: (address.version, address))


def compare(plain):
    """Until both agree. Where routes look at more than the destination, the kernel may get more than it needs."""
    addresses, end = probes(), time.monotonic() + SETTLES_WITHIN_S
    while True:
        kernel, engine = kernel_decisions(addresses), engine_decisions(addresses)
        if engine is not None and (engine == kernel if plain else engine <= kernel):
            return len(engine), len(addresses)
        if time.monotonic() > end:
            print(f"fast path, but not the kernel's choice: {sorted(map(str, (engine or set()) - kernel))}")
            print(f"the tunnel by the kernel, but not fast: {sorted(map(str, kernel - (engine or set())))}")
            for family in (4, 6):
                print(ip(f"-{family}", "rule"), ip(f"-{family}", "-o", "route", "show", "table", "all", "root", ["10.9.0.0/16", "fd09::/32"][family == 6]))
            print(show("transit"))
            return None
        time.sleep(0.05)


compared = fast = of = 0
for round_number in range(ROUNDS):
    plain = round_number % 3 != 2
    clean()
    for _ in range(random.randrange(CHANGES)):
        change(random.choice([4, 6]), plain)
    took = compare(plain)
    if took is None:
        sys.exit(1)
    compared += 1
    fast += took[0]
    of += took[1]
print(f"{compared} states of the kernel compared, {fast} of {of} destinations on the fast path")
sys.exit(0 if of / 8 < fast < of * 7 / 8 else 1)  # else nothing was put to the test
