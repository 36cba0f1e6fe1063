"""stream.py ADDRESS SERVER_PID send | recv: the same, blocking."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import ends

s, address = ends.open_socket(sys.argv[1])
s.connect(address)
piece = bytes(65536)
buffer = bytearray(262144)
ends.measure(lambda: s.send(piece) if sys.argv[3] == "send" else s.recv_into(buffer))
