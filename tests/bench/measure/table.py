"""Figures as people read them, and as programs do."""
import json
import os
import platform
from dataclasses import dataclass

from measure.comparison import median, spread


@dataclass(frozen=True)
class Row:
    key: str          # of the figure; empty: a heading
    text: str
    decimals: int = 2
    compared: bool = True  # whether a ratio says something


def machine():
    model = platform.machine()
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {"cores": len(os.sched_getaffinity(0)), "cpu": model, "kernel": platform.release()}


def _number(value, decimals):
    return f"{value:,.{decimals}f}"


def _cell(values, decimals):
    text = _number(median(values), decimals)
    return f"{text} ±{100 * spread(values):.0f}%" if len(values) > 1 else text


def _ratio(subject, other):
    if not subject or not other or not median(other):
        return ""
    value = median(subject) / median(other)
    return f"{value:.2f}×" if value < 10 else f"{value:.1f}×"


def lay_out(cells):
    """Rows of text; the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in cells if i < len(row)) for i in range(max(map(len, cells)))]
    return "\n".join("  ".join([row[0].ljust(widths[0])] + [word.rjust(width) for word, width in zip(row[1:], widths[1:])]).rstrip()
                     for row in cells)


def as_text(results, rows, subject):
    """A column for each variant; behind each but `subject` the ratio of `subject` to it."""
    labels = list(results)
    others = [label for label in labels if label != subject]
    cells = [[""] + [subject] + [word for label in others for word in (label, "ratio")]]
    for row in rows:
        if not row.key:
            cells.append([row.text])
            continue
        if not any(row.key in figures for figures in results.values()):
            continue
        line = ["  " + row.text]
        for label in [subject] + others:
            values = results[label].get(row.key, [])
            line.append(_cell(values, row.decimals) if values else "-")
            if label != subject:
                line.append(_ratio(results[subject].get(row.key), values) if row.compared else "")
        cells.append(line)
    return lay_out(cells)


def as_json(results, subject, **more):
    figures = {label: {key: {"median": median(values), "rounds": values} for key, values in found.items()}
               for label, found in results.items()}
    ratios = {label: {key: median(results[subject][key]) / median(values) for key, values in found.items()
                      if key in results[subject] and median(values)}
              for label, found in results.items() if label != subject}
    return json.dumps({"machine": machine(), "subject": subject, **more, "figures": figures, "ratios": ratios}, indent=1)


def show(results, rows, subject, arguments):
    """Prints the figures in the form that the command line asks for."""
    effort = {"rounds": arguments.rounds, **({"seconds": arguments.seconds} if hasattr(arguments, "seconds") else {})}
    if arguments.json:
        print(as_json(results, subject, **effort))
        return
    about = machine()
    rounds = "1 round" if arguments.rounds == 1 else f"medians of {arguments.rounds} rounds"
    print(f"{about['cores']} cores, {about['cpu']}, Linux {about['kernel']}; {rounds}" +
          (f", {arguments.seconds} s of each load" if "seconds" in effort else "") + "\n")
    print(as_text(results, rows, subject))


def tunnel_rows(nodes):
    """For the phases of measure.comparison.tunnel_phases; `nodes`: {name of a node: what it is called}."""
    def costs(phase):
        return [Row(f"{phase}.cpu_s_per_gb", "CPU-s/GB, all engines")] + [
            Row(f"{phase}.cpu_s_per_gb_{name}", f"  the {role}'s") for name, role in nodes.items()] + [
            Row(f"{phase}.machine_cpu_s_per_gb", "CPU-s/GB, whole machine")]

    def trips(phase):
        return [Row(f"{phase}.min_us", "minimum, µs", 0), Row(f"{phase}.median_us", "median, µs", 0),
                Row(f"{phase}.p99_us", "99 of 100 within, µs", 0), Row(f"{phase}.lost_percent", "not answered, %", 1, False)]

    return [
        Row("", "TCP, 1 flow"), Row("tcp1.gbit_per_s", "Gbit/s"), *costs("tcp1"),
        Row("", "TCP, 8 flows"), Row("tcp8.gbit_per_s", "Gbit/s"), *costs("tcp8"),
        Row("", "UDP, datagrams of 1300 bytes"), Row("udp.gbit_per_s", "Gbit/s received"), Row("udp.packets_per_s", "packets/s received", 0),
        Row("udp.carried_packets_per_s", "packets/s carried", 0), Row("udp.offered_packets_per_s", "packets/s offered", 0, False),
        Row("udp.loss_percent", "lost, %", 1, False), *costs("udp"),
        Row("", "Round trip, idle"), *trips("rtt"),
        Row("", "Round trip beside a TCP flow"), *trips("loaded"),
        Row("", "One engine (the larger)"), Row("idle.cpu_us_per_s", "CPU when idle, µs/s", 0), Row("memory.private_mb", "private memory after load, MB", 1),
    ]
