"""A TCP stream of pseudo-random bytes whose SHA-256 both ends print as their last line.

stream.py receive ADDRESS BYTES    prints "listening" when it may be connected to
stream.py send ADDRESS BYTES
"""
import hashlib
import random
import socket
import sys

PORT = 5001


def main():
    role, address, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    digest = hashlib.sha256()
    if role == "receive":
        with socket.create_server((address, PORT), family=family) as listener:
            listener.settimeout(30)
            print("listening", flush=True)
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(30)
                got = 0
                while chunk := connection.recv(1 << 16):
                    digest.update(chunk)
                    got += len(chunk)
        if got != size:
            sys.exit(f"{got} of {size} bytes arrived")
    else:
        data = random.Random(size).randbytes(size)
        digest.update(data)
        with socket.create_connection((address, PORT), timeout=30) as connection:
            connection.sendall(data)
    print(digest.hexdigest())


main()
