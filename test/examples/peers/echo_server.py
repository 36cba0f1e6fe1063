"""Echoes what comes: tcp|udp <address> <port>, or unix <path> [umask]. Prints 'ready <port>'."""
import os, socket, sys

kind, where, *rest = sys.argv[1:]
if kind == 'unix':
    if rest:
        os.umask(int(rest[0], 8))
    server = socket.socket(socket.AF_UNIX)
    server.bind(where)
    server.listen()
    print('ready', flush=True)
else:
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == 'tcp' else socket.SOCK_DGRAM)
    server.bind((where, int(rest[0])))
    if kind == 'tcp':
        server.listen()
    print('ready', server.getsockname()[1], flush=True)
while kind == 'udp':
    data, sender = server.recvfrom(65535)
    server.sendto(data, sender)
while True:
    connection, peer = server.accept()
    with connection:
        while data := connection.recv(7):
            connection.sendall(data)
