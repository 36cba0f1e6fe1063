"""child <fd>: answers ping. parent <command> …: starts a child, with the number of its descriptor for '{fd}'."""
import socket, subprocess, sys

if sys.argv[1] == 'child':
    with socket.socket(fileno=int(sys.argv[2])) as parent:
        print('child got', parent.recv(1024).decode(), flush=True)
        parent.sendall(b'pong')
else:
    ours, theirs = socket.socketpair()
    number = theirs.fileno()
    child = subprocess.Popen([each.replace('{fd}', str(number)) for each in sys.argv[2:]], pass_fds=[number])
    theirs.close()
    ours.sendall(b'ping')
    print('parent got', ours.recv(1024).decode(), flush=True)
    sys.exit(child.wait())
