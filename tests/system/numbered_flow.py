#!/usr/bin/env python3
"""Numbered datagrams there and back, to count what is lost on either way.

  numbered_flow.py echo ADDRESS PORT
  numbered_flow.py send ADDRESS PORT PER_SECOND STOP_FILE    until STOP_FILE is there; prints JSON: sent, lost, longest_gap_ms
"""
import json
import os
import socket
import sys
import time

BUFFER = 8 << 20
LAST_ANSWERS_S = 1.0
SO_RCVBUFFORCE = 33


def open_socket():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    return sock


def echo(address, port):
    sock = open_socket()
    sock.bind((address, port))
    while True:
        data, sender = sock.recvfrom(65536)
        sock.sendto(data, sender)


def take_answers(sock, answered):
    while True:
        try:
            data = sock.recv(65536, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        answered[int.from_bytes(data[:8], "big")] = time.monotonic()


def longest_gap_ms(answered):
    times = sorted(answered.values())
    return round(1000 * max((b - a for a, b in zip(times, times[1:])), default=0), 1)


def send(address, port, per_second, stop_file):
    sock = open_socket()
    sock.connect((address, port))
    answered, sent, begin = {}, 0, time.monotonic()
    while not os.path.exists(stop_file):
        sock.send(sent.to_bytes(8, "big") + bytes(192))
        sent += 1
        take_answers(sock, answered)
        time.sleep(max(0.0, begin + sent / per_second - time.monotonic()))  # the pace itself
    end = time.monotonic() + LAST_ANSWERS_S
    while len(answered) < sent and time.monotonic() < end:
        take_answers(sock, answered)
        time.sleep(0.001)
    print(json.dumps({"sent": sent, "lost": sent - len(answered), "longest_gap_ms": longest_gap_ms(answered)}))


if sys.argv[1] == "echo":
    echo(sys.argv[2], int(sys.argv[3]))
else:
    send(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
