"""echo.py ADDRESS COUNT INTERVAL_MS: ICMP echoes at a steady pace; prints the round trips in microseconds as a JSON list.

ping(8) would spin below 10 ms, and take a core from what is measured. This one sleeps; arrivals bear the kernel's time
stamp, so it does not matter when it wakes up. What is not answered within a second after the last is missing in the list.
"""
import gc
import json
import os
import select
import socket
import struct
import sys
import time

ECHO_REQUEST, ECHO_REPLY = 8, 0
ICMP_FILTER = 1
SO_TIMESTAMPNS = 35
LAST_WAIT_S = 1.0


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def request(identity, sequence):
    padding = bytes(48)
    head = struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, identity, sequence)
    return head[:2] + struct.pack("!H", checksum(head + padding)) + head[4:] + padding


def opened():
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    sock.setsockopt(socket.SOL_RAW if hasattr(socket, "SOL_RAW") else 255, ICMP_FILTER, struct.pack("=I", ~(1 << ECHO_REPLY) & 0xFFFFFFFF))
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.setblocking(False)
    return sock


def receive(sock, identity):
    """(sequence, arrival in ns) of one answer to us; nothing if none waits."""
    while True:
        try:
            data, ancillary, _, _ = sock.recvmsg(256, 64)
        except BlockingIOError:
            return None
        header = (data[0] & 0x0F) * 4
        kind, _, _, who, sequence = struct.unpack_from("!BBHHH", data, header)
        if kind == ECHO_REPLY and who == identity:
            seconds, nanoseconds = struct.unpack("=qq", ancillary[0][2])
            return sequence, seconds * 1_000_000_000 + nanoseconds


def round_trips_us(address, count, interval_s):
    sock, identity = opened(), os.getpid() & 0xFFFF
    sent_ns, trips_us = {}, []
    begin = time.monotonic()
    number = 0
    while number < count or (sent_ns and time.monotonic() < begin + count * interval_s + LAST_WAIT_S):
        next_at = begin + (number * interval_s if number < count else count * interval_s + LAST_WAIT_S)
        left = next_at - time.monotonic()
        if left > 0:
            select.select([sock], [], [], left)
        elif number < count:
            message = request(identity, number & 0xFFFF)
            sent_ns[number & 0xFFFF] = time.clock_gettime_ns(time.CLOCK_REALTIME)
            try:
                sock.sendto(message, (address, 0))
            except BlockingIOError:
                pass  # no room: never answered
            number += 1
        while answer := receive(sock, identity):
            sequence, arrived_ns = answer
            if (began_ns := sent_ns.pop(sequence, None)) is not None:
                trips_us.append((arrived_ns - began_ns) / 1000)
    return trips_us


if __name__ == "__main__":
    gc.disable()
    print(json.dumps(round_trips_us(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]) / 1000)))
