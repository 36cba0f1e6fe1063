"""send <file> <port>: os.sendfile until there is no more. receive: counts, and prints a hash."""
import hashlib, os, socket, sys

if sys.argv[1] == 'send':
    with open(sys.argv[2], 'rb') as f, socket.create_connection(('127.0.0.1', int(sys.argv[3]))) as s:
        offset = 0
        while sent := os.sendfile(s.fileno(), f.fileno(), offset, 65536):
            offset += sent
        print('sent', offset)
else:
    with socket.create_server(('127.0.0.1', 0)) as server:
        print('ready', server.getsockname()[1], flush=True)
        connection = server.accept()[0]
        total, digest = 0, hashlib.sha256()
        with connection:
            while data := connection.recv(65536):
                total += len(data)
                digest.update(data)
        print('received', total, digest.hexdigest(), flush=True)
