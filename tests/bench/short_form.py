#!/usr/bin/env python3
"""short_form.py BENCHMARK: runs tests/bench/BENCHMARK in its short form, and checks that every figure is there and can be true.

No figure is held against a time: CI's machines differ, and the benchmark is not alone there.
"""
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time

FOLDER = os.path.dirname(os.path.realpath(__file__))
SKIPPED = 77
NEEDED = {"reroute": ("nft", "bird"), "idle": ("nft", "bird"), "repair": ("nft",)}  # the others: iperf3 and ping
TUNNEL_FIGURES = [f"{phase}.{name}" for phase, names in {
    "tcp1": ("gbit_per_s", "cpu_s_per_gb", "cpu_s_per_gb_a", "cpu_s_per_gb_b", "machine_cpu_s_per_gb"),
    "tcp8": ("gbit_per_s", "cpu_s_per_gb", "machine_cpu_s_per_gb"),
    "udp": ("gbit_per_s", "packets_per_s", "carried_packets_per_s", "offered_packets_per_s", "cpu_s_per_gb"),
    "rtt": ("min_us", "median_us", "p99_us"), "loaded": ("min_us", "median_us", "p99_us"),
    "memory": ("private_mb",)}.items() for name in names]


def fail(text):
    sys.exit(f"FAILED: {text}")


def run(benchmark, *arguments):
    done = subprocess.run([os.path.join(FOLDER, benchmark), *arguments], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        fail(f"{benchmark} {' '.join(arguments)} ended with status {done.returncode}")
    return done.stdout


def remains():
    """Namespaces, control sockets and files of benchmarks that have ended."""
    namespaces = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout.splitlines()
    names = namespaces + [name for folder in ("/var/run/wireguard", "/tmp", "/var/run/frr") if os.path.isdir(folder) for name in os.listdir(folder)]
    found = [re.match(r"(?:starling-bench-|sb)(\d+)(?:-|[a-z]\.sock)", name) for name in names]
    return [each.string for each in found if each and not os.path.exists(f"/proc/{each.group(1)}")]


def expect_positive(figures, keys, where):
    for key in keys:
        value = figures.get(key, {}).get("median")
        if value is None:
            fail(f"{where} has no figure {key}")
        if not math.isfinite(value) or value <= 0:
            fail(f"{where}: {key} is {value}")


def expect_sane(figures, where):
    for phase in ("rtt", "loaded"):
        trips = [figures[f"{phase}.{name}"]["median"] for name in ("min_us", "median_us", "p99_us")]
        if trips != sorted(trips):
            fail(f"{where}: round trips {trips} are not in order")
    if not 0 <= figures["udp.loss_percent"]["median"] < 100:
        fail(f"{where}: {figures['udp.loss_percent']} lost")
    if figures["udp.packets_per_s"]["median"] > figures["udp.offered_packets_per_s"]["median"]:
        fail(f"{where}: more datagrams arrived than were sent")
    for phase in ("tcp1", "tcp8", "udp"):
        engines, machine = (figures[f"{phase}.{name}"]["median"] for name in ("cpu_s_per_gb", "machine_cpu_s_per_gb"))
        if engines > machine * 1.1:
            fail(f"{where}: the engines alone used {engines} CPU-s/GB, the whole machine {machine}")


def expect_clean_interrupt():
    """Ctrl-C in the middle of it leaves nothing."""
    program = subprocess.Popen([os.path.join(FOLDER, "tunnel"), "--alone", "--quick"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    for line in program.stderr:
        if "round trip, idle" in line:  # the next load is about to begin
            break
    program.send_signal(signal.SIGINT)
    try:
        _, rest = program.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        program.kill()
        fail("30 s after an interrupt it still ran")
    if program.returncode != 130 or "nothing is left behind" not in rest:
        fail(f"an interrupt ended it with status {program.returncode}: {rest}")
    if remains():
        fail(f"an interrupt left {remains()}")


def tunnel():
    found = json.loads(run("tunnel", "--quick", "--seconds", "1", "--without", "all", "--json"))
    expected = ["starling-wg", "--without all"] + (["wireguard-go"] if shutil.which("wireguard-go") else [])
    if list(found["figures"]) != expected:
        fail(f"figures of {list(found['figures'])}, not {expected}")
    for label, figures in found["figures"].items():
        expect_positive(figures, TUNNEL_FIGURES, label)
        expect_sane(figures, label)
    for label in expected[1:]:
        ratio = found["ratios"][label]["tcp1.gbit_per_s"]
        mine, other = (found["figures"][name]["tcp1.gbit_per_s"]["median"] for name in ("starling-wg", label))
        if abs(ratio - mine / other) > 1e-6:
            fail(f"the ratio to {label} is {ratio}, of {mine} and {other}")
    expect_clean_interrupt()


def transit():
    found = json.loads(run("transit", "--quick", "--seconds", "1", "--json"))["figures"]
    for label, figures in found.items():
        expect_positive(figures, TUNNEL_FIGURES + ["tcp1.cpu_s_per_gb_c"], label)
        expect_sane(figures, label)
    fast, kernel = (found[label]["kernel.packets"]["median"] for label in ("fast path", "kernel"))
    if fast * 10 > kernel:
        fail(f"the middle node's kernel saw {fast} packets by the fast path, and {kernel} without")


def aead():
    figures = json.loads(run("aead", "--quick", "--json"))
    for size in (16, 64, 256, 576, 1420, 8920, 65400):
        for batch in (1, 16, 64):
            found = [each for each in figures if each["bytes"] == size and each["batch"] == batch]
            if "libsodium" not in [each["implementation"] for each in found]:
                fail(f"libsodium is missing for {batch} × {size} bytes")
            for each in found:
                if not (each["seal_ns"] > 0 and each["open_ns"] > 0):
                    fail(f"{each}")


def flood():
    found = json.loads(run("flood", "--quick", "--json"))
    for stretch in ("start", "refreshes"):
        figures = found[stretch]
        for key, value in figures.items():
            if not value > 0:
                fail(f"{stretch}: {key} is {value}")
        if figures["received_per_pair"] > 8:  # each announcement once over each link, at most 3.5 on average, and some changes
            fail(f"{stretch}: each router received each announcement {figures['received_per_pair']} times")
    if found["routers"] != 64 or found["rss_bytes_per_pair"] <= 0:
        fail(f"{found}")


def spf():
    figures = json.loads(run("spf", "--quick", "--json"))
    if [each["shape"] for each in figures] != ["grid 10x10", "ring 100", "random 100", "fat-tree 8"]:
        fail(f"figures of {[each['shape'] for each in figures]}")
    for each in figures:
        times = [each[name] for name in ("full_us", "protected_us", "link_us", "leaf_us", "prefix_us")]
        shares = [each[name] for name in ("ecmp_percent", "node_protected_percent", "link_protected_percent")]
        if not all(math.isfinite(time) and time > 0 for time in times) or not 0 <= sum(shares) <= 100.001:
            fail(f"{each}")
        if each["protected_us"] < each["full_us"]:
            fail(f"{each['shape']}: alternates cost less than nothing")


def memory():
    found = json.loads(run("memory", "--quick", "--json"))["figures"]
    for label, figures in found.items():
        expect_positive(figures, [f"{key}.{name}" for key in ("peers_1", "peers_100", "peers_10000", "wide")
                                  for name in ("private_mb", "rss_mb", "set_ms", "get_ms")], label)
        if figures["peers_1.private_mb"]["median"] > figures["wide.private_mb"]["median"]:
            fail(f"{label}: 10,000 peers need less than one")
    expect_positive(found["starling-wg"], [f"lookups.prefixes_{count}_per_s" for count in (1, 1000, 130000)], "starling-wg")


def reroute():
    """One router that detects fast by itself, and two by BFD."""
    found = json.loads(run("reroute", "--quick", "--seed", "1", "--json"))["figures"]
    if list(found) != ["starlingd", "bird@50x3", "frr@50x3"]:
        fail(f"figures of {list(found)}")
    for label, figures in found.items():
        cut = figures["diamond.two-way"]
        if len(cut["gaps_ms"]) != 1 or not all(3 < gap < 30_000 for gap in cut["gaps_ms"]):
            fail(f"{label}: gaps of {cut['gaps_ms']} ms")
        if not cut["min_ms"] <= cut["median_ms"] <= cut["p95_ms"] <= cut["max_ms"] or cut["max_ms"] != max(cut["gaps_ms"]):
            fail(f"{label}: {cut}")
        if not 0 < figures["diamond.start_s"] < 90:
            fail(f"{label}: all routes after {figures['diamond.start_s']} s")


def repair():
    found = json.loads(run("repair", "--quick", "--json"))["figures"]
    if list(found) != ["diamond"]:
        fail(f"figures of {list(found)}")
    for key, figures in found["diamond"].items():
        values = [figures[name] for name in ("median", "p95", "max")]
        # Two cuts: at least the one end with another way, and the three nodes that follow.
        if figures["count"] < 2 or not all(0 < value < 1000 for value in values) or values != sorted(values):
            fail(f"diamond: {key} is {figures}")


def idle():
    found = json.loads(run("idle", "--quick", "--json"))["figures"]
    if list(found) != ["starlingd@100x3", "bird@100x3"]:
        fail(f"figures of {list(found)}")
    for label, figures in found.items():
        expect_positive(figures, ["start.routes_s", "memory.median_mb", "memory.largest_mb", "idle.cpu_s", "idle.adjacency_us_per_s"], label)
        # Sampled by the kernel at its ticks: in 2 s with 20 ms of work perhaps at none of them.
        if not 0 <= figures["idle.machine_cpu_s"]["median"] <= 2 * os.cpu_count():
            fail(f"{label}: the whole machine used {figures['idle.machine_cpu_s']} CPU-s in 2 s")
        if figures["memory.median_mb"]["median"] > figures["memory.largest_mb"]["median"]:
            fail(f"{label}: the largest process is smaller than the median")
        of_all = figures["idle.adjacency_us_per_s"]["median"] * 8 * 2 / 1e6  # 8 adjacencies, 2 s
        if abs(of_all - figures["idle.cpu_s"]["median"]) > 1e-6:
            fail(f"{label}: an adjacency's CPU is not its share of all")


def main():
    benchmark = sys.argv[1]
    alone = ("aead", "spf", "flood")  # they need no namespaces
    if benchmark not in alone:
        if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
            print("SKIPPED: needs root (namespaces, TUN)")
            sys.exit(SKIPPED)
        for name in ("ip", "wg") + NEEDED.get(benchmark, ("iperf3", "ping")):
            if shutil.which(name) is None:
                print(f"SKIPPED: needs the command {name}")
                sys.exit(SKIPPED)
    began = time.monotonic()
    globals()[benchmark]()
    if benchmark not in alone and remains():
        fail(f"it left {remains()}")
    print(f"ok after {time.monotonic() - began:.0f} s")


main()
