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
    """The same programs; those that would be called the same are called by their whole path."""
    labels = [program.label for program in programs]
    named = [Program(" ".join(program.command) if labels.count(program.label) > 1 else program.label, program.command)
             for program in programs]
    for program in named:
        if named.count(program) > 1:
            raise CannotRun(f"{program.label} is named twice")
    return named


def peers(texts):
    """The programs behind --peer; Debian's wireguard-go, if it is installed, when there are none."""
    if not texts and shutil.which(DEFAULT_PEER):
        texts = [DEFAULT_PEER]
    return [parse(text) for text in texts]
