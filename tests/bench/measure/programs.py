"""Which programs are compared: ours from the build, others by their path, all with wireguard-go's command line."""
import os
import shlex
import shutil
from dataclasses import dataclass

from measure.ground import CannotRun

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
DEFAULT_PEER = "wireguard-go"


@dataclass(frozen=True)
class Program:
    """`command` and an interface name start it in the foreground, with -f between the two."""
    label: str
    command: tuple


def built(name):
    """The path of one of our programs: from $BIN, else build/release."""
    path = os.path.join(os.environ.get("BIN") or os.path.join(ROOT, "build", "release", "bin"), name)
    if not os.access(path, os.X_OK):
        raise CannotRun(f"there is no {path}; build it: cmake --preset release && cmake --build --preset release "
                        "(another folder: BIN=FOLDER)")
    return path


def parse(text):
    """A program named on the command line, with its options if it has any: "boringtun-cli --disable-drop-privileges"."""
    words = shlex.split(text)
    path = shutil.which(words[0]) if words else None
    if path is None:
        raise CannotRun(f"there is no program {text!r}")
    return Program(" ".join([os.path.basename(path)] + words[1:]), tuple([os.path.abspath(path)] + words[1:]))


def distinct(programs):
    """The same programs; of several that would be called the same, others than the first by their whole path, or by a number."""
    named = []
    for program in programs:
        label, before = program.label, [each.command for each in named].count(program.command)
        if before:
            label = f"{label} ({before + 1})"
        elif label in [each.label for each in named]:
            label = " ".join(program.command)
        named.append(Program(label, program.command))
    return named


def peers(texts):
    """The programs behind --peer; Debian's wireguard-go, if it is installed, when there are none."""
    if not texts and shutil.which(DEFAULT_PEER):
        texts = [DEFAULT_PEER]
    return [parse(text) for text in texts]
