"""accept.py ADDRESS close | hold: the same with epoll."""
import gc
import os
import select
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import ends

signal.signal(signal.SIGUSR2, lambda *_: gc.collect())
server = ends.open_server(sys.argv[1])
server.setblocking(False)
poller = select.epoll()
poller.register(server, select.EPOLLIN)
poller.register(0, select.EPOLLIN)
held = []
while True:
    for fd, _ in poller.poll():
        if fd == 0:
            if not os.read(0, 1):
                sys.exit()
            continue
        try:
            while True:
                peer, _ = server.accept()
                if sys.argv[2] == "close":
                    peer.close()
                else:
                    poller.register(peer, select.EPOLLIN)
                    held.append(peer)
        except BlockingIOError:
            pass
