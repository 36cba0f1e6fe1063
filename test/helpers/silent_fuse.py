"""Serves a FUSE file system of one file, and never answers its reads, writes and flushes.

Mounts in a new mount namespace, opens the file argv[1] times and sends each file descriptor with a byte over the
socket that is descriptor 3. From then on it answers nothing until standard input ends. When it exits, the kernel
fails all pending requests. argv[2] is the access mode, argv[3] the number of bytes that reads return first.
"""
import array, ctypes, os, socket, struct, sys, tempfile, threading

count, mode, answered = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
libc = ctypes.CDLL(None, use_errno=True)


def check(result):
    if result != 0:
        sys.exit(f'no FUSE here: {os.strerror(ctypes.get_errno())}')


CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 1 << 18
check(libc.unshare(CLONE_NEWNS))
check(libc.mount(None, b'/', None, MS_REC | MS_PRIVATE, None))
device = os.open('/dev/fuse', os.O_RDWR)
folder = tempfile.mkdtemp()
options = f'fd={device},rootmode=40000,user_id=0,group_id=0,allow_other'.encode()
check(libc.mount(b'silent', folder.encode(), b'fuse', 0, options))

LOOKUP, FORGET, GETATTR, SETATTR, OPEN, READ, WRITE, RELEASE, FLUSH, INIT, INTERRUPT = 1, 2, 3, 4, 14, 15, 16, 18, 25, 26, 36
SIZE = 1 << 20
silent = False


def attributes(inode):
    kind = 0o40755 if inode == 1 else 0o100666
    return struct.pack('<QQQQQQIIIIIIIIII', inode, SIZE, SIZE // 512, 0, 0, 0, 0, 0, 0, kind, 1, 0, 0, 0, 4096, 0)


def answer(unique, body=b'', error=0):
    os.write(device, struct.pack('<IiQ', 16 + len(body), -error, unique) + body)


def serve():
    while True:
        request = os.read(device, 1 << 20)
        _, opcode, unique, inode = struct.unpack_from('<IIQQ', request)
        if opcode == INIT:
            answer(unique, struct.pack('<IIIIHHI', 7, 31, 65536, 0, 12, 9, 65536) + bytes(40))
        elif opcode in (FORGET, INTERRUPT):
            pass
        elif opcode == LOOKUP:
            answer(unique, struct.pack('<QQQQII', 2, 0, 0, 0, 0, 0) + attributes(2))
        elif opcode == OPEN:
            answer(unique, struct.pack('<QII', 1, 0, 0))
        elif opcode == RELEASE:
            answer(unique)
        elif silent and not (opcode == READ and struct.unpack_from('<QQI', request, 40)[1] < answered):
            pass
        elif opcode in (GETATTR, SETATTR):
            answer(unique, struct.pack('<QII', 0, 0, 0) + attributes(inode))
        elif opcode == READ:
            answer(unique, b'f' * struct.unpack_from('<QQI', request, 40)[2])
        elif opcode == FLUSH:
            answer(unique)
        else:
            answer(unique, error=38)


threading.Thread(target=serve, daemon=True).start()
with socket.socket(fileno=3) as to:
    for _ in range(count):
        fd = os.open(f'{folder}/file', {'r': os.O_RDONLY, 'w': os.O_WRONLY}[mode])
        to.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [fd]))])
        os.close(fd)
silent = True
print('ready', flush=True)
sys.stdin.read()
os._exit(0)
