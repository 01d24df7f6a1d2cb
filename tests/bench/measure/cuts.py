"""Cuts under flowing traffic: for how long nothing arrives, each time."""
import math
import statistics
import time

from measure import programs
from measure.comparison import say
from measure.ground import BenchError, wait_for

PROBE_INTERVAL_US = 1000
LISTEN_S = 0.1          # to see which way the traffic goes
FLOWING_PACKETS = 60    # of about 100 in that time
BACK_S = 1.0            # so long nothing was missing: the traffic is back
SILENT_US = 50_000
PHASE_S = 1.0           # a cut comes at any moment of everyone's timers
NO_GAP_US = 3000        # what a whole path shows too
TRIES = 3
PAUSE_US = 20_000       # the prober's own, worth a warning
REPAIR_LIMIT_S = 30     # beyond the detection
RETURN_LIMIT_S = 90


class Cuts:
    """Cuts one link after another of a running network, each restored before the next."""

    def __init__(self, ground, router, underlay, two_way, random, calm_s):
        self.ground, self.router, self.underlay, self.random, self.calm_s = ground, router, underlay, random, calm_s
        self.network, self.flows = underlay.network, 2 if two_way else 1
        first, last = (underlay.sites[name] for name in self.network.ends)
        self.traffic = ground.start_outside("bench_flow", programs.built("bench_flow"), PROBE_INTERVAL_US,
                                            ground.path_of(first.name), first.address, ground.path_of(last.name), last.address)
        self.home = None  # the way that the traffic takes while all is whole

    def run(self, count, where):
        """The gaps in milliseconds."""
        gaps_ms = []
        try:
            for number in range(count):
                link, gap_ms, lost = self._one()
                gaps_ms.append(gap_ms)
                say(f"{where}  cut {number + 1}/{count} of {'–'.join(link)}: {gap_ms:.1f} ms, {lost} lost")
        finally:
            self.traffic.end()
        return gaps_ms

    def _one(self):
        for _ in range(TRIES):
            way = self._await_home()
            link = self.random.choice(self.network.cuts or list(zip(way, way[1:])))
            self.traffic.ask(f"send {self.flows}")
            time.sleep(self.calm_s + self.random.uniform(0, PHASE_S))
            self.traffic.ask("reset")
            self.underlay.cut(*link)
            flows = self._await_back()
            self.underlay.restore(*link)
            self._await_joined(link)
            gap_us = max(flow["longest_gap_us"] for flow in flows)
            if max(flow["longest_pause_us"] for flow in flows) > PAUSE_US:
                say("warning: this machine let the prober itself wait; that cut does not count")
            elif gap_us > NO_GAP_US:
                return link, gap_us / 1000, sum(flow["sent"] - flow["received"] for flow in flows)
        raise BenchError(f"{self.router.label}: {TRIES} cuts, and none could be measured")

    def _await_home(self):
        """Until the traffic goes its whole way, and which that is."""
        self.traffic.ask("send 1")
        found = []

        def is_home():
            self.underlay.check()
            way = self._way()
            found[:] = [way]
            if way is None:
                return False
            if self.home is None and self._are_all_joined():
                self.home = way
            # Among many equally good ways another one may be taken than before.
            return self.home is not None and (way == self.home or (not self.network.cuts and len(way) == len(self.home)))
        wait_for(f"the traffic of {self.router.label} takes its first way again", is_home, RETURN_LIMIT_S)
        return found[0]

    def _are_all_joined(self):
        """All links are in use, so that the first way is the best."""
        return all(self.router.is_joined(self.ground, site, port) for site in self.underlay.sites.values() for port in site.ports)

    def _way(self):
        """The nodes that one flow passes, by what their devices send; nothing if it does not arrive."""
        sites = self.underlay.sites
        before = {name: site.sent() for name, site in sites.items()}
        time.sleep(LISTEN_S)
        after = {name: site.sent() for name, site in sites.items()}
        first, last = self.network.ends
        way = [first]
        while way[-1] != last:
            here = sites[way[-1]]
            port = max(here.ports, key=lambda port: after[here.name][port.device] - before[here.name][port.device])
            if after[here.name][port.device] - before[here.name][port.device] < FLOWING_PACKETS or port.neighbor in way:
                return None
            way.append(port.neighbor)
        return way

    def _await_back(self):
        """Until nothing has been missing for a while; what the flows counted by then."""
        flows, since = [], None

        def is_back():
            nonlocal flows, since
            self.underlay.check()
            flows = self.traffic.ask("state")["flows"][:self.flows]
            if any(flow["silent_us"] is None or flow["silent_us"] > SILENT_US for flow in flows):
                since = None
            else:
                since = since or time.monotonic()
            return since is not None and time.monotonic() - since > BACK_S
        wait_for(f"the traffic of {self.router.label} is back after a cut", is_back,
                 self.router.detection_limit_s + REPAIR_LIMIT_S)
        return flows

    def _await_joined(self, link):
        ends = [self.underlay.sites[name] for name in link]
        ports = [ends[0].port_to(link[1]), ends[1].port_to(link[0])]
        wait_for(f"{self.router.label} uses {'–'.join(link)} again",
                 lambda: all(self.router.is_joined(self.ground, site, port) for site, port in zip(ends, ports)),
                 RETURN_LIMIT_S, every_s=0.1)


def summary(gaps_ms):
    """Quantiles are gaps that were seen (nearest rank)."""
    ordered = sorted(gaps_ms)
    return {"min_ms": ordered[0], "median_ms": statistics.median(ordered), "p95_ms": ordered[math.ceil(0.95 * len(ordered)) - 1],
            "max_ms": ordered[-1]}
