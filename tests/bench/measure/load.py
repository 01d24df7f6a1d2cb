"""What is sent through a chain, from its first node to its last, and what that costs each engine on the way.

GB is 10^9 bytes of payload that arrived. CPU is taken from before the sender starts until after it has ended, and so are
the bytes.
"""
import contextlib
import json
import statistics
import sys
import time
from dataclasses import dataclass

from measure import process
from measure.ground import BenchError, need_command, wait_for

PORT = 5201
DATAGRAM_BYTES = 1300
SOCKET_BUFFER_BYTES = 4 << 20  # of iperf3's sockets for datagrams, or less where the kernel allows only less
ECHO_INTERVAL_MS = 2
FLOWING_PACKETS = 200  # when a flow counts as begun
END_LIMIT_S = 30       # for iperf3 to say goodbye through a tunnel that is full


@dataclass
class Cost:
    """CPU-seconds: of each engine, first node first, and of the whole machine."""
    engines: list
    machine: float


@contextlib.contextmanager
def costing(chain):
    cost = Cost([process.cpu_s(engine.pid) for engine in chain.engines], process.machine_cpu_s()[0])
    yield cost
    for engine in chain.engines:
        engine.check()
    cost.engines = [process.cpu_s(engine.pid) - before for engine, before in zip(chain.engines, cost.engines)]
    cost.machine = process.machine_cpu_s()[0] - cost.machine


class Loads:
    """The measurements on one chain, each a dictionary of figures."""

    def __init__(self, chain):
        need_command("iperf3")
        self.chain = chain
        self._server = chain.ground.start(chain.last.name, "iperf3", "iperf3", "-s")

    engines = property(lambda self: self.chain.engines)

    def tcp(self, flows, seconds):
        with costing(self.chain) as cost:
            result = self._iperf(seconds, "-P", flows)
        received = result["end"]["sum_received"]
        return {"gbit_per_s": received["bits_per_second"] / 1e9, **self._per_gb(cost, received["bytes"])}

    def udp(self, rate, seconds):
        receiver = self.chain.last.engine.pid
        ever, now = process.udp_drops_ever(receiver), process.udp_drops(receiver)
        with costing(self.chain) as cost:
            result = self._iperf(seconds, "-u", "-l", DATAGRAM_BYTES, "-b", rate, "-w", process.socket_buffer_bytes(SOCKET_BUFFER_BYTES))
        total = result["end"]["sum"]
        sent, lost, took_s = total["packets"], total["lost_packets"], total["seconds"]
        received = sent - lost
        if received <= 0:
            raise BenchError(f"none of {sent} datagrams arrived")
        # What the tunnel had carried when the receiving program's own socket was full; the engine's socket is another.
        open_now = process.udp_drops(receiver)
        of_engine = sum(open_now[port] - now.get(port, 0) for port in open_now)
        full = max(0, process.udp_drops_ever(receiver) - ever - of_engine)
        return {"gbit_per_s": received * DATAGRAM_BYTES * 8 / took_s / 1e9, "packets_per_s": received / took_s,
                "carried_packets_per_s": (received + full) / took_s, "offered_packets_per_s": sent / took_s,
                "loss_percent": 100 * lost / sent, **self._per_gb(cost, (received + full) * DATAGRAM_BYTES)}

    def round_trip(self, seconds):
        return self._echo(seconds)

    def loaded_round_trip(self, seconds):
        """Beside one TCP flow."""
        chain = self.chain
        before = process.interface_packets(chain.first.engine.pid, chain.first.interface)[1]
        wait_for("iperf3 listens", lambda: process.is_listening(self._server.pid, PORT))
        flow = chain.ground.start(chain.first.name, "iperf3", *self._client(seconds + 1))
        wait_for("the flow begins", lambda: flow.check() and process.interface_packets(
            chain.first.engine.pid, chain.first.interface)[1] > before + FLOWING_PACKETS)
        figures = self._echo(seconds)
        if flow.wait(END_LIMIT_S) != 0:
            raise BenchError(f"iperf3 failed: {flow.said('error')}")
        return figures

    def idle(self, seconds):
        """What the engines use when nothing is sent."""
        before = [process.precise_cpu_s(engine.pid) for engine in self.chain.engines]
        time.sleep(seconds)
        used = [process.precise_cpu_s(engine.pid) - was for engine, was in zip(self.chain.engines, before)]
        return {"cpu_us_per_s": max(used) * 1e6 / seconds}

    def memory(self):
        return {"private_mb": max(process.private_bytes(engine.pid) for engine in self.chain.engines) / 1e6}

    def _per_gb(self, cost, received_bytes):
        gb = received_bytes / 1e9
        figures = {f"cpu_s_per_gb_{node.name}": used / gb for node, used in zip(self.chain.nodes, cost.engines)}
        return {**figures, "cpu_s_per_gb": sum(cost.engines) / gb, "machine_cpu_s_per_gb": cost.machine / gb}

    def _client(self, seconds, *options):
        return ["iperf3", "-c", self.chain.last.address, "-J", "-t", f"{seconds:g}", *map(str, options)]

    def _iperf(self, seconds, *options):
        self._server.check()
        wait_for("iperf3 listens", lambda: process.is_listening(self._server.pid, PORT))
        answer = self.chain.ground.run(self.chain.first.name, *self._client(seconds, *options), limit_s=seconds + END_LIMIT_S)
        result = json.loads(answer)
        if "error" in result:
            raise BenchError(f"iperf3: {result['error']}")
        return result

    def _echo(self, seconds):
        count = max(20, round(seconds * 1000 / ECHO_INTERVAL_MS))
        program = __file__.replace("load.py", "echo.py")
        answer = self.chain.ground.run(self.chain.first.name, sys.executable, program, self.chain.last.address, count,
                                       ECHO_INTERVAL_MS, limit_s=seconds + END_LIMIT_S)
        trips_us = sorted(json.loads(answer))
        if not trips_us:
            raise BenchError(f"no answer to any of {count} echoes")
        return {"min_us": trips_us[0], "median_us": statistics.median(trips_us),
                "p99_us": trips_us[min(len(trips_us) - 1, len(trips_us) * 99 // 100)],
                "lost_percent": 100 * (count - len(trips_us)) / count}
