"""datagram-send.py ADDRESS SERVER_PID SIZE: connected."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import ends

s, address = ends.open_socket(sys.argv[1])
s.connect(address)
data = bytes(int(sys.argv[3]))


def burst():
    for _ in range(64):
        s.send(data)
    return 64


ends.measure(burst)
