#!/usr/bin/env python3
"""One UDP flow of numbered datagrams, many at once, in bursts that the kernel is given as one (UDP_SEGMENT): they may be lost, and
none may overtake another.

  ordered_flow.py receive ADDRESS    prints "listening", and at the end JSON: received, overtaken, twice, of
  ordered_flow.py send ADDRESS COUNT SIZE AT_ONCE    AT_ONCE of them, and no more before the other end has taken what is left of these
"""
import json
import socket
import sys

PORT = 5003
UDP_SEGMENT = 103
SO_RCVBUFFORCE = 33
RECEIVE_BUFFER = 32 << 20
BURST = 48000  # bytes
SEGMENTS_MAX = 64
WAIT_S = 30
MARK = b"mark"  # behind what is sent at once, with the last number


def open_socket(address):
    channel = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    channel.settimeout(WAIT_S)
    return channel


def receive(address):
    with open_socket(address) as channel:
        channel.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
        channel.bind((address, PORT))
        print("listening", flush=True)
        received = overtaken = twice = last = 0
        while True:
            datagram, sender = channel.recvfrom(1 << 16)
            if datagram.startswith(MARK):
                channel.sendto(datagram, sender)
                if datagram.endswith(b"!"):
                    break
                continue
            number = int.from_bytes(datagram[:8], "big")
            received += 1
            overtaken += number < last
            twice += number == last
            last = max(last, number)
    print(json.dumps({"received": received, "overtaken": overtaken, "twice": twice}))


def await_mark(channel, mark):
    for _ in range(WAIT_S * 5):  # it may be lost as well
        channel.send(mark)
        try:
            while channel.recv(100) != mark:
                pass
            return
        except TimeoutError:
            continue
    sys.exit("the other end takes nothing")


def send(address, count, size, at_once):
    rest = bytes(size - 8)
    burst = min(BURST // size, SEGMENTS_MAX)
    with open_socket(address) as channel:
        channel.connect((address, PORT))
        channel.settimeout(0.2)
        channel.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size)
        for begin in range(1, count + 1, at_once):
            end = min(begin + at_once, count + 1)
            for first in range(begin, end, burst):
                numbers = range(first, min(first + burst, end))
                channel.send(b"".join(number.to_bytes(8, "big") + rest for number in numbers))
            await_mark(channel, MARK + b"%d" % end + (b"!" if end > count else b""))


if sys.argv[1] == "receive":
    receive(sys.argv[2])
else:
    send(sys.argv[2], *map(int, sys.argv[3:]))
