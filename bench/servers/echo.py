"""echo.py ADDRESS: an echo server with epoll."""
import os
import select
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import ends

server = ends.open_server(sys.argv[1])
poller = select.epoll()
poller.register(server, select.EPOLLIN)
poller.register(0, select.EPOLLIN)
peers = {}
buffer = bytearray(65536)
view = memoryview(buffer)
while True:
    for fd, _ in poller.poll():
        if fd == 0:
            if not os.read(0, 1):
                sys.exit()
        elif fd == server.fileno() and server.type == socket.SOCK_DGRAM:
            length, address = server.recvfrom_into(buffer)
            server.sendto(view[:length], address)
        elif fd == server.fileno():
            peer, _ = server.accept()
            ends.no_delay(peer)
            peers[peer.fileno()] = peer
            poller.register(peer, select.EPOLLIN)
        else:
            peer = peers[fd]
            try:
                length = peer.recv_into(buffer)
            except ConnectionResetError:
                length = 0
            if length:
                peer.send(view[:length])
            else:
                poller.unregister(fd)
                peers.pop(fd).close()
