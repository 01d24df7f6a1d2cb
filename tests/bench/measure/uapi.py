"""Large configurations, and the configuration socket they go in by and come out of."""
import hashlib
import socket
import time

from measure.ground import BenchError

ANSWER_LIMIT_S = 120
FOUR_EACH, SIX_EACH = 7, 6  # prefixes a peer of the wide configuration: 13


def public_key(number):
    """Any 32 bytes are a public key."""
    return hashlib.sha256(number.to_bytes(4, "big")).hexdigest()


def _narrow(number):
    return [f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}/32"]


def _wide(number):
    fours = [number * FOUR_EACH + i << 7 for i in range(FOUR_EACH)]
    sixes = [number * SIX_EACH + i for i in range(SIX_EACH)]
    return [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}/25" for n in fours] + [f"fd00:0:{n >> 16:x}:{n & 65535:x}::/64" for n in sixes]


def configuration(peers, wide=False):
    """One request that sets a private key and so many peers: with one address each, or with 13 prefixes of both families."""
    lines = ["set=1", f"private_key={public_key(1 << 30)}", "replace_peers=true"]
    for number in range(peers):
        lines += [f"public_key={public_key(number)}", "replace_allowed_ips=true"]
        lines += [f"allowed_ip={prefix}" for prefix in (_wide if wide else _narrow)(number)]
    return "\n".join(lines) + "\n\n"


def ask(path, request):
    """(answer, seconds from the first byte sent to the last one received)."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(ANSWER_LIMIT_S)
        client.connect(path)
        data, answer = request.encode(), bytearray()
        began = time.monotonic()
        try:
            client.sendall(data)
            while not answer.endswith(b"\n\n"):
                if not (more := client.recv(1 << 20)):
                    raise BenchError(f"the configuration socket was closed after {len(answer)} bytes of its answer")
                answer += more
        except OSError as error:
            raise BenchError(f"the configuration socket: {error}") from None
        took_s = time.monotonic() - began
    if not answer.endswith(b"errno=0\n\n"):
        raise BenchError(f"the configuration was refused: {bytes(answer[-40:])!r}")
    return answer.decode(), took_s
