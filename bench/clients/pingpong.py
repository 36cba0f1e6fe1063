"""pingpong.py ADDRESS SERVER_PID: the same as pingpong-bsd.mjs, blocking."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import ends

s, address = ends.open_socket(sys.argv[1])
s.connect(address)
ends.no_delay(s)
message = bytes(ends.SIZE)
buffer = bytearray(4096)


def trips():
    for _ in range(16):
        s.send(message)
        got = 0
        while got < ends.SIZE:
            length = s.recv_into(buffer)
            if length == 0:
                raise EOFError("the server closed the connection")
            got += length
    return 16


ends.measure(trips)
