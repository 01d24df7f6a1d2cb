"""UDP in bursts that the kernel is given as one (UDP_SEGMENT), every datagram of which must arrive, in order and whole.

datagrams.py receive ADDRESS BURSTS    prints "listening" when it may be sent to
datagrams.py send ADDRESS BURSTS       each burst is answered by the hash of all that has come before the next is sent
"""
import hashlib
import random
import socket
import sys

PORT = 5002
UDP_SEGMENT = 103
SIZE = 1200  # bytes of a datagram
BURST = 40 * SIZE - 500  # bytes; the last datagram is shorter
WAIT_S = 20


def main():
    role, address, bursts = sys.argv[1], sys.argv[2], int(sys.argv[3])
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    digest = hashlib.sha256()
    with socket.socket(family, socket.SOCK_DGRAM) as channel:
        channel.settimeout(WAIT_S)
        if role == "receive":
            channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            channel.bind((address, PORT))
            print("listening", flush=True)
            for _ in range(bursts):
                left = BURST
                while left > 0:
                    datagram, sender = channel.recvfrom(1 << 16)
                    if len(datagram) != min(SIZE, left):
                        sys.exit(f"a datagram of {len(datagram)} bytes, with {left} left of its burst")
                    digest.update(datagram)
                    left -= len(datagram)
                channel.sendto(digest.digest(), sender)
        else:
            channel.connect((address, PORT))
            channel.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SIZE)
            for burst in range(bursts):
                data = random.Random(burst).randbytes(BURST)
                digest.update(data)
                channel.send(data)
                if channel.recv(100) != digest.digest():
                    sys.exit(f"burst {burst}: something else arrived")


main()
