"""capture.py - SERVER_PID: as c/capture.c, a call for each frame."""
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import ends

s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
s.setsockopt(263, 23, 1)  # SOL_PACKET, PACKET_IGNORE_OUTGOING
s.bind(("lo", 0))
buffer = bytearray(65536)


def burst():
    for _ in range(16):
        s.recv_into(buffer)
    return 16


ends.measure(burst)
