#!/usr/bin/env python3
"""What passes over the configuration socket itself, without wg(8) between.

uapi_raw.py answers SOCKET          many single requests, and the errno of each, one a line: to compare implementations
uapi_raw.py incremental SOCKET      allowed_ip=-…, several operations on one connection, cut anyhow
uapi_raw.py hostile SOCKET          what nobody should send; ends when the socket still answers
"""
import os
import random
import socket
import sys
import time

A, B, ZEROS = "aa" * 32, "bb" * 32, "00" * 32


def connect(path):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(20)
    client.connect(path)
    return client


def hear(client, answers=1):
    """Until so many answers have ended, or the other side has closed."""
    text = b""
    while text.count(b"errno=") < answers or not text.endswith(b"\n\n"):
        more = client.recv(1 << 16)
        if not more:
            break
        text += more
    return text.decode()


def ask(path, request):
    with connect(path) as client:
        client.sendall(request.encode())
        return hear(client)


def device(path):
    answer = ask(path, "get=1\n\n")
    assert answer.endswith("errno=0\n\n"), answer
    return answer.splitlines()


REQUESTS = [
    "get=1\n\n", "set=1\n\n",
    f"set=1\nprivate_key={ZEROS}\n\n", "set=1\nprivate_key=\n\n", f"set=1\nprivate_key={A}00\n\n", f"set=1\nprivate_key={A.upper()}\n\n",
    "set=1\nlisten_port=\n\n", "set=1\nlisten_port=65536\n\n", "set=1\nlisten_port=-1\n\n", "set=1\nlisten_port=1x\n\n",
    "set=1\nlisten_port=+1\n\n", "set=1\nlisten_port= 1\n\n", "set=1\nlisten_port=0x10\n\n",
    "set=1\nfwmark=0\n\n", "set=1\nfwmark=4294967295\n\n", "set=1\nfwmark=4294967296\n\n", "set=1\nfwmark=off\n\n", "set=1\nfwmark=0x1\n\n",
    "set=1\nreplace_peers=true\n\n", "set=1\nreplace_peers=false\n\n", "set=1\nreplace_peers=1\n\n", "set=1\nreplace_peers=\n\n",
    "set=1\ncolour=red\n\n", "set=1\nallowed_ip=10.0.0.0/8\n\n", "set=1\nno equals sign\n\n", "set=1\n=\n\n",
    "set=1\nupdate_only=true\n\n", "set=1\nprotocol_version=1\n\n",
    f"set=1\npublic_key={A}\n\n", f"set=1\npublic_key={A[:-1]}\n\n", "set=1\npublic_key=\n\n", f"set=1\npublic_key={A[:-1]}g\n\n",
] + [f"set=1\npublic_key={A}\n{line}\n\n" for line in (
    "update_only=true", "update_only=false", "update_only=1", "remove=false", "remove=", "replace_allowed_ips=true",
    "replace_allowed_ips=no", "protocol_version=1", "protocol_version=2", "protocol_version=", f"preshared_key={B}",
    f"preshared_key={ZEROS}", "preshared_key=", "preshared_key=1", "endpoint=192.0.2.1:51820", "endpoint=[2001:db8::1]:1",
    "endpoint=[::1]:65535", "endpoint=192.0.2.1", "endpoint=192.0.2.1:65536", "endpoint=::1:1", "endpoint=host.example:1", "endpoint=:1",
    "endpoint=", "persistent_keepalive_interval=0", "persistent_keepalive_interval=65535",
    "persistent_keepalive_interval=65536", "persistent_keepalive_interval=off", "persistent_keepalive_interval=-1",
    "allowed_ip=10.0.0.0/8", "allowed_ip=10.1.2.3/8", "allowed_ip=0.0.0.0/0", "allowed_ip=::/0", "allowed_ip=fd00::1/128",
    "allowed_ip=10.0.0.0/33", "allowed_ip=::/129", "allowed_ip=10.0.0.1", "allowed_ip=10.0.0.0/-1", "allowed_ip=10.0.0.0/",
    "allowed_ip=/8", "allowed_ip=", "allowed_ip=fe80::1%lo/64", "allowed_ip=010.0.0.0/8", "allowed_ip=1.2.3/8", "listen_port=1", "fwmark=1", f"private_key={B}",
    "replace_peers=true", "tx_bytes=1", "last_handshake_time_sec=1", "errno=0", f"public_key={B}\nremove=true\nallowed_ip=10.3.0.0/16",
    "remove=true\nallowed_ip=x", "remove=true")]


def answers(path):
    for request in REQUESTS:
        answer = ask(path, request)
        print(repr(request), [line for line in answer.splitlines() if line.startswith("errno=")])
    ask(path, "set=1\nreplace_peers=true\n\n")
    print([line for line in device(path) if "listen_port" not in line])


def incremental(path):
    def allowed(key):
        lines, mine = [], False
        for line in device(path):
            if line.startswith("public_key="):
                mine = line.endswith(key)
            if mine and line.startswith("allowed_ip="):
                lines.append(line.split("=")[1])
        return lines

    def change(lines, errno="errno=0\n\n"):
        answer = ask(path, f"set=1\n{lines}\n\n")
        assert answer == errno, (lines, answer)

    change(f"replace_peers=true\npublic_key={A}\nallowed_ip=10.0.0.0/8\nallowed_ip=10.1.0.0/16\nallowed_ip=fd00::/8\npublic_key={B}\nallowed_ip=10.2.0.0/16")
    change(f"public_key={A}\nallowed_ip=-10.1.0.0/16")
    assert allowed(A) == ["10.0.0.0/8", "fd00::/8"], allowed(A)
    change(f"public_key={A}\nallowed_ip=-10.2.0.0/16\nallowed_ip=-10.77.0.0/16")  # another's, and nobody's
    assert allowed(B) == ["10.2.0.0/16"], allowed(B)
    change(f"public_key={A}\nallowed_ip=-fd00::/8\nallowed_ip=10.2.0.0/16\nallowed_ip=-10.0.0.1/8")
    assert allowed(A) == ["10.2.0.0/16"] and allowed(B) == [], (allowed(A), allowed(B))
    change(f"public_key={'cc' * 32}\nupdate_only=true\nallowed_ip=-10.2.0.0/16")
    change(f"public_key={A}\nallowed_ip=-", "errno=-22\n\n")
    change(f"public_key={A}\nallowed_ip=10.9.0.0/16\nallowed_ip=nonsense", "errno=-22\n\n")
    assert allowed(A) == ["10.2.0.0/16"], "half of a request with a mistake is in effect"

    with connect(path) as client:  # several operations, one write
        client.sendall(b"get=1\n\nset=1\nfwmark=7\n\nget=1\n\nset=1\nfwmark=x\n\nset=1\nfwmark=0\n\nget=1\n\n")
        answer = hear(client, 6)
        assert answer.count("errno=0\n\n") == 5 and answer.count("errno=-22\n\n") == 1 and answer.count("fwmark=7\n") == 1, answer
        for byte in b"set=1\nfwmark=9\n\nget=1\n\n":  # and one byte at a time
            client.sendall(bytes([byte]))
        answer = hear(client, 2)
        assert answer.count("errno=0\n\n") == 2 and "fwmark=9\n" in answer, answer
    ask(path, f"set=1\nfwmark=0\nreplace_peers=true\n\n")


def hostile(path):
    def settings():
        return [line for line in device(path) if not line.startswith(("tx_bytes=", "rx_bytes="))]

    before = settings()
    random.seed(1)
    for i in range(300):  # binary garbage, with and without a beginning that is right
        with connect(path) as client:
            garbage = b"\x01" + random.randbytes(random.randrange(4000))
            try:
                client.sendall((b"set=1\n" if i % 2 else b"") + garbage + b"\n\n")
                answer = client.recv(99)
            except (BrokenPipeError, ConnectionResetError):
                answer = b""
            assert answer == b"" or answer.startswith(b"errno=-"), answer
    for line in (b"x" * 5_000_000, b"set=1\n" + b"public_key=" + b"a" * 5_000_000):  # a line without end
        with connect(path) as client:
            try:
                client.sendall(line)
                answer = client.recv(99)
            except (BrokenPipeError, ConnectionResetError):
                answer = b""
            assert answer == b"" or answer.startswith(b"errno=-"), answer
    with connect(path) as client:  # a request without end
        try:
            client.sendall(b"set=1\n")
            for _ in range(1000):
                client.sendall(b"fwmark=5\n" * 5000)
            raise AssertionError("45 megabytes of one request were taken")
        except (BrokenPipeError, ConnectionResetError):
            pass
    halves = []
    for i in range(50):  # half requests, left open, and half requests, closed
        client = connect(path)
        client.sendall(b"set=1\nfwmark=5\npublic_key=" + A.encode()[: i + 10])
        if i % 2:
            client.close()
        else:
            halves.append(client)
    crowd = []
    for _ in range(1000):  # a thousand that say nothing
        client = socket.socket(socket.AF_UNIX)
        client.setblocking(False)
        while client.connect_ex(path) != 0:
            time.sleep(0.01)
        crowd.append(client)
    deaf = connect(path)  # one that asks and does not listen
    deaf.setblocking(False)
    try:
        while True:
            deaf.send(b"get=1\n\n" * 1000)
    except BlockingIOError:
        pass
    began = time.monotonic()
    now = settings()
    print(f"answered after {time.monotonic() - began:.1f} s beside a thousand connections, and half requests")
    assert now == before, (before, now)
    for client in crowd + halves + [deaf]:
        client.close()
    assert settings() == before


if __name__ == "__main__":
    {"answers": answers, "incremental": incremental, "hostile": hostile}[sys.argv[1]](sys.argv[2])
