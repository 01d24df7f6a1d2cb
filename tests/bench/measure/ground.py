"""The ground a benchmark stands on: network namespaces joined by veth, and processes in them.

Whatever ends the benchmark (its end, an error, Ctrl-C, SIGTERM), all of it is gone afterwards. A benchmark that was killed
takes its processes with it; the namespaces and sockets that it leaves are swept by the next one.
"""
import ctypes
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

NAMESPACE = "starling-bench"
INTERFACE = "sb"  # of interfaces, whose names are control sockets in one folder for all namespaces
UAPI_FOLDER = "/var/run/wireguard"
ELSEWHERE = ["/var/run/frr"]  # where folders of a benchmark's may be left besides the temporary ones
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


class BenchError(Exception):
    """What a person is told, without a traceback."""


class CannotRun(BenchError):
    """This machine or build lacks something that the benchmark needs."""


def wait_for(what, condition, limit_s=10, every_s=0.02):
    """Until `condition` is true; BenchError with `what` if it is not within the limit."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise BenchError(f"not within {limit_s} s: {what}")
        time.sleep(every_s)


def need_root():
    if os.geteuid() != 0:
        raise CannotRun("needs root (network namespaces, TUN)")
    if not os.path.exists("/dev/net/tun"):
        raise CannotRun("needs /dev/net/tun")


def need_command(name, package=None):
    if shutil.which(name) is None:
        raise CannotRun(f"needs the command {name}: apt-get install --no-install-recommends {package or name}")


def interface_name(letter):
    return f"{INTERFACE}{os.getpid()}{letter}"


def socket_path(interface):
    return f"{UAPI_FOLDER}/{interface}.sock"


def _die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _last_lines(path, count=8):
    try:
        with open(path, errors="replace") as file:
            return "".join(file.readlines()[-count:]).strip()
    except FileNotFoundError:
        return ""


class Process:
    """A program that runs in the background until its ground is cleared; what it says goes to a file."""

    def __init__(self, name, command, log, environment, answers=False):
        """`answers`: it takes commands by its standard input, see ask()."""
        self.name, self.log = name, log
        with open(log, "ab") as output:
            # A session of its own: Ctrl-C is for the benchmark, which ends what it started in the right order.
            self._popen = subprocess.Popen(command, stdin=subprocess.PIPE if answers else subprocess.DEVNULL,
                                           stdout=subprocess.PIPE if answers else output, stderr=output, env=environment, text=True,
                                           start_new_session=True, preexec_fn=_die_with_parent)
        self.pid = self._popen.pid

    def ask(self, line):
        """What it answers to a line: one line of JSON."""
        try:
            self._popen.stdin.write(line + "\n")
            self._popen.stdin.flush()
        except BrokenPipeError:
            pass  # the answer says so
        answer = self._popen.stdout.readline()
        if not answer:
            self._popen.wait()
            self.check()
        return json.loads(answer)

    def check(self):
        status = self._popen.poll()
        if status is not None:
            raise BenchError(f"{self.name} ended with status {status}: {_last_lines(self.log) or 'it said nothing'}")
        return True

    def said(self, pattern):
        with open(self.log, errors="replace") as file:
            return [line.strip() for line in file if re.search(pattern, line)]

    def wait(self, limit_s):
        try:
            return self._popen.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{self.name} did not end within {limit_s} s: {_last_lines(self.log)}") from None

    def terminate(self):
        if self._popen.poll() is None:
            self._popen.terminate()

    def end(self, grace_s=5):
        if self._popen.poll() is None:
            self._popen.terminate()
            try:
                self._popen.wait(grace_s)
            except subprocess.TimeoutExpired:
                self._popen.kill()
                self._popen.wait()


class Ground:
    """Use it with `with`. Names of namespaces are short ("a"); outside they carry the benchmark's pid."""

    def __init__(self):
        self.folder = None
        self._namespaces, self._processes, self._folders, self._logs = [], [], [], 0

    def __enter__(self):
        need_root()
        need_command("ip", "iproute2")
        sweep()
        self.folder = tempfile.mkdtemp(prefix=f"{NAMESPACE}-{os.getpid()}-")
        return self

    def __exit__(self, *_):
        former = {signum: signal.signal(signum, signal.SIG_IGN) for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        self.clear()
        shutil.rmtree(self.folder, ignore_errors=True)
        for signum, handler in former.items():
            signal.signal(signum, handler)

    def clear(self):
        """Ends all processes, newest first, and removes all namespaces."""
        for started in reversed(self._processes):
            started.terminate()
        while self._processes:
            self._processes[-1].end()
            self._processes.pop()
        while self._folders:
            shutil.rmtree(self._folders[-1], ignore_errors=True)
            self._folders.pop()
        while self._namespaces:
            subprocess.run(["ip", "netns", "del", self.outside(self._namespaces[-1])], stderr=subprocess.DEVNULL)
            self._namespaces.pop()

    def namespace(self, name):
        self._namespaces.append(name)
        call("ip", "netns", "add", self.outside(name))
        self.ip(name, "link", "set", "lo", "up")

    def namespaces(self, names):
        """The same for many, at once."""
        self._namespaces += names
        self.batch("".join(f"netns add {self.outside(name)}\n" for name in names))
        for name in names:
            self.batch("link set lo up\n", name)

    def batch(self, lines, namespace=None):
        """Many commands of ip(8), one a line, here or in a namespace."""
        where = ["-n", self.outside(namespace)] if namespace else []
        call("ip", *where, "-batch", "-", stdin=lines)

    def veth(self, left, right, left_address, right_address):
        """Device to-RIGHT in `left` and to-LEFT in `right`, up, MTU 1500."""
        call("ip", "link", "add", f"to-{right}", "netns", self.outside(left), "type", "veth",
             "peer", "name", f"to-{left}", "netns", self.outside(right))
        for here, there, address in ((left, right, left_address), (right, left, right_address)):
            self.ip(here, "address", "add", address, "dev", f"to-{there}")
            self.ip(here, "link", "set", f"to-{there}", "mtu", "1500", "up")

    def ip(self, namespace, *arguments):
        return call("ip", "-n", self.outside(namespace), *arguments)

    def within(self, namespace, *command):
        """The command line that runs `command` in the namespace; `ip netns exec` becomes it, so its pid is the command's."""
        return ["ip", "netns", "exec", self.outside(namespace), *map(str, command)]

    def run(self, namespace, *command, limit_s=30):
        """What the command prints; BenchError if it fails."""
        return call(*self.within(namespace, *command), limit_s=limit_s)

    def succeeds(self, namespace, *command):
        return subprocess.run(self.within(namespace, *command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, preexec_fn=_die_with_parent).returncode == 0

    def start(self, namespace, name, *command, environment=None):
        return self._start(Process(name, self.within(namespace, *command), self._next_log(), {**os.environ, **(environment or {})}))

    def start_outside(self, name, *command):
        """A program that finds its way into the namespaces itself, and answers (Process.ask)."""
        return self._start(Process(name, list(map(str, command)), self._next_log(), dict(os.environ), answers=True))

    def _next_log(self):
        self._logs += 1
        return os.path.join(self.folder, f"{self._logs}.log")

    def _start(self, process):
        self._processes.append(process)
        return process

    def own_folder(self, path):
        """Makes a folder elsewhere, gone with the rest; its name must have outside()'s in it, so that sweep() knows it."""
        self._folders.append(path)
        os.makedirs(path, exist_ok=True)
        return path

    def write(self, name, text):
        """A file that only root may read; its path."""
        path = os.path.join(self.folder, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        return path

    @staticmethod
    def outside(name):
        """What the namespace is called outside."""
        return f"{NAMESPACE}-{os.getpid()}-{name}"

    def path_of(self, name):
        return f"/run/netns/{self.outside(name)}"


def call(*command, limit_s=30, stdin=None):
    command = [str(word) for word in command]
    try:
        done = subprocess.run(command, input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=limit_s, preexec_fn=_die_with_parent)
    except subprocess.TimeoutExpired:
        raise BenchError(f"no end within {limit_s} s: {' '.join(command)}") from None
    if done.returncode != 0:
        raise BenchError(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()[-600:] or f'status {done.returncode}'}")
    return done.stdout


def sweep():
    """Removes what a benchmark that was killed has left."""
    def is_dead(pid):
        return not os.path.exists(f"/proc/{pid}")

    for line in call("ip", "netns", "list").splitlines():
        found = re.match(rf"({NAMESPACE}-(\d+)-\S+)", line)
        if found and is_dead(found.group(2)):
            subprocess.run(["ip", "netns", "del", found.group(1)], stderr=subprocess.DEVNULL)
    for path in glob.glob(f"{UAPI_FOLDER}/{INTERFACE}*.sock"):
        found = re.fullmatch(rf"{INTERFACE}(\d+)[a-z]\.sock", os.path.basename(path))
        if found and is_dead(found.group(1)):
            os.unlink(path)
    for folder in (tempfile.gettempdir(), *ELSEWHERE):
        for path in glob.glob(os.path.join(folder, f"{NAMESPACE}-*-*")):
            found = re.match(rf"{NAMESPACE}-(\d+)-", os.path.basename(path))
            if found and is_dead(found.group(1)):
                shutil.rmtree(path, ignore_errors=True)
