"""datagram-receive.py ADDRESS SERVER_PID SIZE: recvfrom_into."""
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import ends

s, address = ends.open_socket(sys.argv[1])
if s.family == socket.AF_UNIX:
    s.bind(address + ".c")
s.sendto(b"go", address)
buffer = bytearray(int(sys.argv[3]))


def burst():
    for _ in range(16):
        s.recvfrom_into(buffer)
    return 16


ends.measure(burst)
