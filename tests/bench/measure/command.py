"""What the commands' lines have in common, and how they end."""
import argparse
import signal
import sys

from measure.ground import BenchError, CannotRun

CANNOT_RUN, FAILED, INTERRUPTED = 2, 1, 130


def parser(name, description, epilog):
    return argparse.ArgumentParser(prog=f"tests/bench/{name}", description=description, epilog=epilog,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def add_peers(options):
    options.add_argument("--peer", action="append", default=[], metavar="PROGRAM",
                         help="another program with wireguard-go's command line, PROGRAM IFNAME; may be repeated")


def add_loads(options, rounds, seconds, quick_seconds):
    options.add_argument("--udp-rate", default="0", metavar="RATE", help="offered by iperf3, as its -b: 2G; default 0, as fast as it can")
    options.add_argument("--seconds", type=positive, metavar="S", help=f"of each load (default {seconds})")
    options.set_defaults(all_seconds=seconds, quick_seconds=quick_seconds)
    add_rounds(options, rounds, f", {quick_seconds} s of each load")


def add_rounds(options, rounds, and_quick=""):
    options.add_argument("--rounds", type=positive, metavar="N", help=f"how often each program has its turn (default {rounds})")
    options.add_argument("--retries", type=int, default=0, metavar="N", help="repeat a turn up to N times when something else used the machine meanwhile")
    options.add_argument("--quick", action="store_true", help=f"one round{and_quick}: to see whether it works, not how fast")
    options.add_argument("--json", action="store_true", help="print every round's figures as JSON instead of the table")
    options.set_defaults(all_rounds=rounds)


def parse(options):
    """The command line, with what --quick and the defaults decide filled in."""
    arguments = options.parse_args()
    arguments.rounds = arguments.rounds or (1 if arguments.quick else arguments.all_rounds)
    if hasattr(arguments, "seconds"):
        arguments.seconds = arguments.seconds or (arguments.quick_seconds if arguments.quick else arguments.all_seconds)
    return arguments


def run(main):
    """Errors a person can do something about have no traceback; Ctrl-C and SIGTERM leave nothing behind."""
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.default_int_handler)
    try:
        main()
    except CannotRun as error:
        print(f"{sys.argv[0]}: {error}", file=sys.stderr)
        sys.exit(CANNOT_RUN)
    except BenchError as error:
        print(f"{sys.argv[0]}: {error}", file=sys.stderr)
        sys.exit(FAILED)
    except KeyboardInterrupt:
        print("interrupted; nothing is left behind", file=sys.stderr)
        sys.exit(INTERRUPTED)
