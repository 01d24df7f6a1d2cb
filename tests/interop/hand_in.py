#!/usr/bin/env python3
"""hand_in.py INTERFACE SOCKET PROGRAM ARGUMENTS...: runs PROGRAM with a TUN of that name as WG_TUN_FD and a socket that
listens at that path as WG_UAPI_FD."""
import fcntl
import os
import socket
import struct
import sys

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000

interface, path, program, *arguments = sys.argv[1:]
tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", interface.encode(), IFF_TUN | IFF_NO_PI))
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen()
os.environ["WG_TUN_FD"], os.environ["WG_UAPI_FD"] = str(tun), str(listener.fileno())
for fd in (tun, listener.fileno()):
    os.set_inheritable(fd, True)
os.execvp(program, [program, *arguments])
