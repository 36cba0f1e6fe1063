"""send <port>: packs (1, b'ab', 2.7). receive: prints what was packed."""
import socket, struct, sys

layout = struct.Struct('I 2s f')
if sys.argv[1] == 'send':
    with socket.create_connection(('127.0.0.1', int(sys.argv[2]))) as s:
        s.sendall(layout.pack(1, b'ab', 2.7))
else:
    with socket.create_server(('127.0.0.1', 0)) as server:
        print('ready', server.getsockname()[1], flush=True)
        connection = server.accept()[0]
        with connection:
            print('unpacked', layout.unpack(connection.recv(layout.size, socket.MSG_WAITALL)), flush=True)
