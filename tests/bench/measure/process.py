"""What the kernel says a process, and the whole machine, have used so far."""
import contextlib
import glob
import os

KTHREADD = "2"  # its pid
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pid):
    """CPU-seconds, in user space and in the kernel, of all threads, ended ones included."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()  # behind the name, which may hold anything
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def precise_cpu_s(pid):
    """The same by the scheduler's clock, for what uses next to nothing; of the threads that are alive."""
    total_ns = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(path) as file:
            total_ns += int(file.read().split()[0])
    return total_ns / 1e9


def _mapped_bytes(pid, kind):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return 1024 * sum(int(line.split()[1]) for line in file if line.startswith(kind))


def private_bytes(pid):
    """Memory that is this process's alone."""
    return _mapped_bytes(pid, "Private_")


def resident_bytes(pid):
    """RSS: what it shares with others too, programs and libraries above all."""
    return _mapped_bytes(pid, "Rss:")


def machine_cpu_s():
    """(busy, stolen): CPU-seconds of everything on this machine, interrupts included, and what its host took away."""
    with open("/proc/stat") as file:
        ticks = [int(word) for word in file.readline().split()[1:]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = ticks[:8]
    return (user + nice + system + irq + softirq) / TICKS_PER_S, steal / TICKS_PER_S


def kernel_threads_cpu_s():
    """Of the kernel's threads, ksoftirqd foremost: they work for whoever sends and receives."""
    total = 0
    for path in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError), open(path) as file:
            fields = file.read().rpartition(")")[2].split()
            if fields[1] == KTHREADD:
                total += int(fields[11]) + int(fields[12])
    return total / TICKS_PER_S


def own_cpu_s():
    """Of this benchmark and of all that it started and that has ended."""
    return sum(os.times()[:4])


def interface_packets(pid, interface):
    """(received, sent) as the kernel counts them for an interface in that process's namespace."""
    with open(f"/proc/{pid}/net/dev") as file:
        for line in file:
            name, _, rest = line.partition(":")
            if name.strip() == interface:
                fields = rest.split()
                return int(fields[1]), int(fields[9])
    return 0, 0


def udp_drops(pid):
    """{local port: datagrams that found their socket full}, of the sockets now open in that process's namespace."""
    drops = {}
    for family in ("udp", "udp6"):
        with open(f"/proc/{pid}/net/{family}") as file:
            for line in file.readlines()[1:]:
                fields = line.split()
                port = int(fields[1].rpartition(":")[2], 16)
                drops[port] = drops.get(port, 0) + int(fields[-1])
    return drops


def udp_drops_ever(pid):
    """All such datagrams since the namespace was made, those of closed sockets included."""
    with open(f"/proc/{pid}/net/snmp") as file:
        names, values = [line.split() for line in file if line.startswith("Udp:")]
    total = int(dict(zip(names, values))["RcvbufErrors"])
    with open(f"/proc/{pid}/net/snmp6") as file:
        total += sum(int(line.split()[1]) for line in file if line.startswith("Udp6RcvbufErrors"))
    return total


def socket_buffer_bytes(wanted):
    """As much of this as any program may ask for."""
    allowed = []
    for name in ("rmem_max", "wmem_max"):
        with open(f"/proc/sys/net/core/{name}") as file:
            allowed.append(int(file.read()))
    return min(wanted, *allowed)


def is_listening(pid, port):
    """Whether someone listens to this TCP port in that process's namespace."""
    for family in ("tcp", "tcp6"):
        with open(f"/proc/{pid}/net/{family}") as file:
            for line in file.readlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    return True
    return False
