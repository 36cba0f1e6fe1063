"""file.py ADDRESS FILE: answers each request with the whole file, socket.sendfile."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import ends

server = ends.open_server(sys.argv[1])
file = open(sys.argv[2], "rb")
while True:
    peer, _ = server.accept()
    peer.recv(4096)
    file.seek(0)
    peer.sendfile(file)
    peer.close()
