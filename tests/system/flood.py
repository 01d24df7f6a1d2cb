#!/usr/bin/env python3
"""More than a tunnel carries: full-size UDP to ADDRESS PORT as fast as it goes, in bursts that the kernel is given as one (UDP_SEGMENT),
so that the sender is never what limits it. Until it is killed.

  flood.py ADDRESS PORT
"""
import socket
import sys

UDP_SEGMENT = 103
SIZE = 1300  # bytes of a datagram
BURST = bytes(40 * SIZE)

channel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
channel.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SIZE)
while True:
    try:
        channel.sendto(BURST, (sys.argv[1], int(sys.argv[2])))
    except OSError:
        pass  # the interface's queue was full, which is what it is for
