"""icmp.py - 0 echo | flood: as c/icmp.c."""
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import ends

s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
s.setsockopt(socket.SOL_RAW if hasattr(socket, "SOL_RAW") else 255, 1, struct.pack("=I", 0xFFFFFFFE))
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
s.connect(("127.0.0.1", 0))
request = struct.pack("!BBHHH", 8, 0, 0xF7FE, 1, 0) + bytes(56)
reply = bytearray(2048)
outstanding = 64 if sys.argv[3] == "flood" else 1


def turn():
    for _ in range(outstanding):
        s.send(request)
    for _ in range(outstanding):
        s.recv_into(reply)
    return outstanding


ends.measure(turn)
