"""Sends a text and prints what comes back: tcp|udp <address> <port> <text>, or unix <path> <text> [uid]."""
import os, socket, sys

kind, where, *rest = sys.argv[1:]
if kind == 'unix':
    address, text = where, rest[0].encode()
    family, type_ = socket.AF_UNIX, socket.SOCK_STREAM
    if rest[1:]:
        os.setuid(int(rest[1]))
else:
    address, text = (where, int(rest[0])), rest[1].encode()
    family, type_ = socket.AF_INET, socket.SOCK_STREAM if kind == 'tcp' else socket.SOCK_DGRAM
with socket.socket(family, type_) as client:
    client.settimeout(10)
    try:
        client.connect(address)
    except PermissionError as error:
        sys.exit(f'denied {error.errno}')
    client.sendall(text)
    if type_ == socket.SOCK_STREAM:
        client.shutdown(socket.SHUT_WR)
    got = b''
    while data := client.recv(65535):
        got += data
        if type_ == socket.SOCK_DGRAM:
            break
    print(got.decode())
