"""Rounds: in each, every variant has its turn on fresh ground, so that what changes on the machine meets all of them; who begins
changes from round to round. A figure is the median of the rounds.
"""
import statistics
import sys
import time
from dataclasses import dataclass
from typing import Callable

from measure import process
from measure.ground import BenchError, CannotRun

FOREIGN_PERCENT_MAX = 10  # of a core
STOLEN_PERCENT_MAX = 2


@dataclass(frozen=True)
class Variant:
    label: str
    build: Callable  # ground -> what the phases measure; its `engines` are processes


@dataclass(frozen=True)
class Phase:
    name: str
    title: str
    run: Callable     # what is measured -> figures
    headline: str     # of the figures, for the progress


def say(text):
    print(text, file=sys.stderr, flush=True)


class Disturbance:
    """What others did on this machine meanwhile: figures are only worth something on a quiet one."""

    def __init__(self):
        self._began = time.monotonic()
        self._foreign_s, self._stolen_s = self._now()

    @staticmethod
    def _now():
        busy_s, stolen_s = process.machine_cpu_s()
        return busy_s - process.own_cpu_s() - process.kernel_threads_cpu_s(), stolen_s

    def complaint(self):
        """Once all that was started has ended. Nothing if it was quiet."""
        took_s, (foreign_s, stolen_s) = time.monotonic() - self._began, self._now()
        foreign, stolen = 100 * (foreign_s - self._foreign_s) / took_s, 100 * (stolen_s - self._stolen_s) / took_s
        if foreign > FOREIGN_PERCENT_MAX:
            return f"something else used {foreign:.0f} % of a core meanwhile"
        if stolen > STOLEN_PERCENT_MAX:
            return f"this machine's host took {stolen:.0f} % of a core away meanwhile"
        return None


def tunnel_phases(seconds, udp_rate):
    """What is measured on every chain, in this order."""
    return [
        Phase("idle", "nothing sent", lambda loads: loads.idle(1), "CPU {cpu_us_per_s:.0f} µs/s"),
        Phase("rtt", "round trip, idle", lambda loads: loads.round_trip(seconds), "{median_us:.0f} µs, 99 of 100 within {p99_us:.0f}"),
        Phase("tcp1", "TCP, 1 flow", lambda loads: loads.tcp(1, seconds), "{gbit_per_s:.2f} Gbit/s, {cpu_s_per_gb:.2f} CPU-s/GB"),
        Phase("tcp8", "TCP, 8 flows", lambda loads: loads.tcp(8, seconds), "{gbit_per_s:.2f} Gbit/s, {cpu_s_per_gb:.2f} CPU-s/GB"),
        Phase("udp", "UDP, 1300-byte datagrams", lambda loads: loads.udp(udp_rate, seconds),
              "{gbit_per_s:.2f} Gbit/s, {packets_per_s:.0f} packets/s, {loss_percent:.0f} % lost"),
        Phase("loaded", "round trip beside a TCP flow", lambda loads: loads.loaded_round_trip(seconds),
              "{median_us:.0f} µs, 99 of 100 within {p99_us:.0f}"),
        Phase("memory", "private memory after that", lambda loads: loads.memory(), "{private_mb:.1f} MB"),
    ]


def compare(ground, variants, rounds, phases, retries=0):
    """{label: {"phase.figure": [one a round]}}. A turn that was disturbed counts if it still is after so many retries; one that
    failed is told and repeated once, so that a slip of iperf3's does not cost the rounds before."""
    results = {variant.label: {} for variant in variants}
    told = set()
    for number in range(rounds):
        start = number % len(variants)
        for variant in variants[start:] + variants[:start]:
            for key, value in _turn(ground, variant, phases, f"round {number + 1}/{rounds}", told, retries).items():
                results[variant.label].setdefault(key, []).append(value)
    return results


def _turn(ground, variant, phases, where, told, retries):
    has_failed = False
    while True:
        disturbance = Disturbance()
        try:
            figures = _measure(ground, variant, phases, where, told)
        except CannotRun:
            raise
        except BenchError as error:
            if has_failed:
                raise
            say(f"{where}  failed, {error}; once more")
            has_failed = True
            continue
        complaint = disturbance.complaint()
        if complaint is None:
            return figures
        say(f"{where}  {variant.label}  warning: {complaint}; {'once more' if retries else 'these figures are not comparable'}")
        if not retries:
            return figures
        retries -= 1


def _measure(ground, variant, phases, where, told):
    figures, doing = {}, "setting up"
    try:
        measured = variant.build(ground)
        for phase in phases:
            doing = phase.title
            found = phase.run(measured)
            say(f"{where}  {variant.label}  {phase.title}: {phase.headline.format(**found)}")
            figures.update({f"{phase.name}.{name}": value for name, value in found.items()})
        for engine in measured.engines:
            for line in engine.said("switched off"):
                if (variant.label, line) not in told:
                    told.add((variant.label, line))
                    say(f"{variant.label} says: {line}")
    except CannotRun:
        raise
    except BenchError as error:
        raise BenchError(f"{variant.label}, {doing}: {error}") from None
    finally:
        ground.clear()
    return figures


def median(values):
    return statistics.median(values)


def spread(values):
    """Half the distance between the extremes, as a part of the median."""
    middle = median(values)
    return (max(values) - min(values)) / 2 / middle if middle else 0.0
