"""The routers that are compared: what makes each of them run in an Underlay, and how it is asked whether two nodes are joined."""
import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass

from measure import programs
from measure.comparison import say
from measure.ground import BenchError, CannotRun, call, need_command, wait_for
from measure.mesh import Underlay

LISTEN_PORT = 4000
FRR_FOLDER = "/usr/lib/frr"
FRR_STATE = "/var/run/frr"  # and a path space below it: its name is the namespace's
OSPF_HELLO_S, OSPF_DEAD_S = 10, 40
START_LIMIT_S = 90


@dataclass(frozen=True)
class Timing:
    """Either of the two, or neither."""
    interval_ms: int = 0   # of BFD's packets, or Starling's Hellos
    multiplier: int = 0
    hello_s: int = 0       # of OSPF's
    dead_s: int = 0

    @property
    def fast(self):
        return self.interval_ms > 0


class Router:
    """One program with one timing."""

    def __init__(self, label, timing):
        self.label, self.timing = label, timing

    @property
    def detection_limit_s(self):
        """After this much, a broken link is known for sure."""
        timing = self.timing
        if timing.fast:
            return timing.interval_ms * timing.multiplier / 1000
        return timing.dead_s or OSPF_DEAD_S

    def run(self, ground, network):
        """(underlay, seconds from the last process's start until every kernel has a route to every other node)."""
        underlay = Underlay(ground, network)
        self.start(ground, underlay)
        began = time.monotonic()
        lacking, all_others = list(underlay.sites.values()), len(underlay.sites) - 1

        def are_complete():
            underlay.check()
            while lacking and lacking[-1].routes() == all_others:
                lacking.pop()
            return not lacking
        wait_for(f"{self.label} has all routes in {network.name}", are_complete, START_LIMIT_S, every_s=0.01)
        return underlay, time.monotonic() - began

    def start(self, ground, underlay):
        """All nodes; returns once the last one's processes run."""
        raise NotImplementedError

    def is_joined(self, ground, site, port):
        """Whether the node holds that neighbour for usable, and watches it."""
        raise NotImplementedError


def put_on_loopback(ground, underlay):
    for name, site in underlay.sites.items():
        ground.batch(f"address add {site.address}/32 dev lo\n", name)


class Starlingd(Router):
    def __init__(self, label, timing):
        if timing.hello_s:
            raise CannotRun(f"{label}: starlingd has no dead interval; say starlingd@MSxN")
        super().__init__(label, timing)

    @property
    def detection_limit_s(self):
        return super().detection_limit_s if self.timing.fast else 0.3

    def start(self, ground, underlay):
        need_command("wg", "wireguard-tools")
        program = programs.built("starlingd")
        keys = {name: call("wg", "genkey").strip() for name in underlay.sites}
        public_keys = {name: call("wg", "pubkey", stdin=key).strip() for name, key in keys.items()}
        commands = {}
        for name, site in underlay.sites.items():
            folder = os.path.join(ground.folder, name)
            os.makedirs(folder, exist_ok=True)
            config = {"interface": "mesh", "private_key": keys[name], "listen_port": LISTEN_PORT, "name": name,
                      "addresses": [f"{site.address}/32"], "log": {"format": "json"},
                      "peers": [{"public_key": public_keys[port.neighbor], "endpoint": f"{port.neighbor_address}:{LISTEN_PORT}",
                                 "cost": port.cost} for port in site.ports]}
            if self.timing.fast:
                config["hello"] = {"interval_ms": self.timing.interval_ms, "multiplier": self.timing.multiplier}
            commands[name] = (program, "-c", ground.write(f"{name}.json", json.dumps(config)),
                              "--control", os.path.join(folder, "control.sock"), "--wireguard-sockets", folder)
        for name, site in underlay.sites.items():
            site.engines = [ground.start(name, f"starlingd of {name}", *commands[name])]

    def is_joined(self, ground, site, port):
        rows = self.show(ground, site, "neighbors")
        return any(row["name"] == port.neighbor and row["state"] == "Full" for row in rows)

    @staticmethod
    def show(ground, site, what):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(os.path.join(ground.folder, site.name, "control.sock"))
            client.sendall(json.dumps({"command": "show", "what": what}).encode() + b"\n")
            with client.makefile() as answers:
                answer = json.loads(answers.readline())
        if not answer["ok"]:
            raise BenchError(f"starlingd of {site.name}: {answer['error']}")
        return answer["result"]


class Bird(Router):
    def start(self, ground, underlay):
        need_command("bird", "bird2")
        put_on_loopback(ground, underlay)
        for name, site in underlay.sites.items():
            config, control = ground.write(f"{name}.conf", self._config(site)), os.path.join(ground.folder, f"{name}.ctl")
            site.engines = [ground.start(name, f"bird of {name}", "bird", "-f", "-c", config, "-s", control)]

    def _config(self, site):
        timing = self.timing
        lines = ["log stderr { warning, error, fatal, bug };", f"router id {site.address};", "protocol device { scan time 10; }",
                 "protocol kernel { ipv4 { export all; }; }"]
        if timing.fast:
            lines.append(f'protocol bfd {{ interface "*" {{ min rx interval {timing.interval_ms} ms; '
                         f"min tx interval {timing.interval_ms} ms; multiplier {timing.multiplier}; }}; }}")
        watch = "bfd yes;" if timing.fast else f"hello {timing.hello_s or OSPF_HELLO_S}; dead {timing.dead_s or OSPF_DEAD_S};"
        lines.append('protocol ospf v2 { tick 1; area 0 { interface "lo" { stub; };')
        lines += [f'interface "{port.device}" {{ cost {port.cost}; type ptp; {watch} }};' for port in site.ports]
        return "\n".join(lines + ["}; }"]) + "\n"

    def is_joined(self, ground, site, port):
        control = os.path.join(ground.folder, f"{site.name}.ctl")

        def said(what, pattern):
            return re.search(pattern, call("birdc", "-r", "-s", control, "show", *what.split()))
        return bool(said("ospf neighbors", rf"\sFull\S*\s.*\s{port.device}\s") and
                    (not self.timing.fast or said("bfd sessions", rf"{re.escape(port.neighbor_address)}\s+{port.device}\s+Up\s")))


class Frr(Router):
    def start(self, ground, underlay):
        if not os.path.exists(f"{FRR_FOLDER}/zebra"):
            raise CannotRun("needs frr: apt-get install --no-install-recommends frr")
        put_on_loopback(ground, underlay)
        spaces = {name: ground.outside(name) for name in underlay.sites}
        for name in underlay.sites:
            folder = ground.own_folder(f"{FRR_STATE}/{spaces[name]}")
            shutil.chown(folder, "frr", "frr")
        os.chmod(ground.folder, 0o755)  # they give up root before they read
        daemons = ["zebra"] + (["bfdd"] if self.timing.fast else []) + ["ospfd"]
        configs = {}
        for name, site in underlay.sites.items():
            configs[name] = ground.write(f"{name}.conf", self._config(site))
            os.chmod(configs[name], 0o644)
        for daemon in daemons:
            for name, site in underlay.sites.items():
                site.engines.append(ground.start(name, f"{daemon} of {name}", f"{FRR_FOLDER}/{daemon}", "-N", spaces[name],
                                                 "-f", configs[name], "-u", "frr", "-g", "frr"))
            if daemon == "zebra":
                wait_for("zebra listens everywhere",
                         lambda: all(os.path.exists(f"{FRR_STATE}/{space}/zserv.api") for space in spaces.values()), 30)

    def _config(self, site):
        timing, lines = self.timing, []
        if timing.fast:
            lines += ["bfd", " profile p", f"  receive-interval {timing.interval_ms}", f"  transmit-interval {timing.interval_ms}",
                      f"  detect-multiplier {timing.multiplier}"]
        for port in site.ports:
            lines += [f"interface {port.device}", f" ip ospf cost {port.cost}", " ip ospf network point-to-point", " ip ospf area 0"]
            if timing.fast:
                lines += [" ip ospf bfd", " ip ospf bfd profile p"]
            else:
                lines += [f" ip ospf hello-interval {timing.hello_s or OSPF_HELLO_S}", f" ip ospf dead-interval {timing.dead_s or OSPF_DEAD_S}"]
        # As quick as it goes: no wait before the first computation, none before announcements.
        lines += ["interface lo", " ip ospf area 0", "router ospf", f" ospf router-id {site.address}",
                  " timers throttle spf 0 50 5000", " timers throttle lsa all 0", " timers lsa min-arrival 0"]
        return "\n".join(lines) + "\n"

    def is_joined(self, ground, site, port):
        def show(what):
            asked = ["vtysh", "-N", ground.outside(site.name), "-c", f"show {what} json"]
            done = subprocess.run(asked, capture_output=True, text=True, timeout=30)
            return json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip() else {}
        neighbors = show("ip ospf neighbor").get("neighbors", {})
        rows = [row for found in neighbors.values() for row in found]
        full = any((row.get("nbrState") or row.get("state") or "").startswith("Full") and
                   (row.get("ifaceName") or "").startswith(f"{port.device}:") for row in rows)
        if not self.timing.fast or not full:
            return full
        return any(peer.get("peer") == port.neighbor_address and peer.get("status") == "up" for peer in show("bfd peers") or [])


KINDS = {"starlingd": Starlingd, "bird": Bird, "frr": Frr}


def named(text):
    found = re.fullmatch(r"(\w+)(?:@(?:(\d+)x(\d+)|(\d+)/(\d+)))?", text)
    if not found or found.group(1) not in KINDS:
        raise argparse.ArgumentTypeError(f"{text!r} is no router; see below")
    interval_ms, multiplier, hello_s, dead_s = (int(word or 0) for word in found.groups()[1:])
    return KINDS[found.group(1)](text, Timing(interval_ms, multiplier, hello_s, dead_s))


def is_installed(router):
    if isinstance(router, Bird):
        return shutil.which("bird") is not None
    return not isinstance(router, Frr) or os.path.exists(f"{FRR_FOLDER}/zebra")


def installed(routers):
    """Those of them that are on this machine; tells of the others."""
    for router in routers:
        if not is_installed(router):
            say(f"{router.label} is left out: it is not installed (apt-get install --no-install-recommends bird2 frr)")
    return [router for router in routers if is_installed(router)]


HELP = """\
a ROUTER is
  starlingd, bird, frr       its own defaults (BIRD and FRR: OSPF with Hellos of 10 s, dead after 40 s)
  starlingd@50x3             Hellos of 50 ms, 3 lost are too many
  bird@50x3, frr@50x3        OSPF with BFD at 50 ms, 3 lost are too many
  bird@1/4, frr@1/4          OSPF alone: Hellos of 1 s, dead after 4 s
"""
