"""datagram.py ADDRESS SIZE: receives over AF_UNIX and forgets."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import ends

s = ends.open_server(sys.argv[1])
buffer = bytearray(int(sys.argv[2]))
while True:
    s.recv_into(buffer)
