"""Serves a FUSE file system of one file, and never answers its reads, writes and flushes.

Mounts in a new mount namespace, opens the file argv[1] times and sends each file descriptor with a byte over the
socket that is descriptor 3. From then on it answers nothing until standard input ends. When it exits, the kernel
fails all pending requests. argv[2] is the access mode, argv[3] the number of bytes that reads return first. argv[4] is
the type of the file system: with fuseblk it has a block device, a loop device that the kernel removes at the end. Then the
process ends after 10 s in any case, and the first pages of the file are in the page cache, but their read never ends.
"""
import array, ctypes, fcntl, os, socket, struct, sys, tempfile, threading

count, mode, answered, kind = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
libc = ctypes.CDLL(None, use_errno=True)


def check(result):
    if result != 0:
        sys.exit(f'no FUSE here: {os.strerror(ctypes.get_errno())}')


def loop_device():
    LOOP_CTL_GET_FREE, LOOP_CONFIGURE, LO_FLAGS_AUTOCLEAR = 0x4C82, 0x4C0A, 4
    control = os.open('/dev/loop-control', os.O_RDWR)
    name = f'/dev/loop{fcntl.ioctl(control, LOOP_CTL_GET_FREE)}'
    os.close(control)
    with tempfile.TemporaryFile() as backing:
        backing.truncate(SIZE)
        loop = os.open(name, os.O_RDWR)
        # struct loop_config: fd, block size, struct loop_info64 with lo_flags at byte 52, reserved
        config = struct.pack('<II52xI176x64x', backing.fileno(), 0, LO_FLAGS_AUTOCLEAR)
        fcntl.ioctl(loop, LOOP_CONFIGURE, config)
    return name, loop


SIZE = 1 << 20
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 1 << 18
check(libc.unshare(CLONE_NEWNS))
check(libc.mount(None, b'/', None, MS_REC | MS_PRIVATE, None))
device = os.open('/dev/fuse', os.O_RDWR)
folder = tempfile.mkdtemp()
options = f'fd={device},rootmode=40000,user_id=0,group_id=0,allow_other'.encode()
source = b'silent'
if kind == 'fuseblk':
    name, loop = loop_device()
    source = name.encode()
    options += b',blksize=4096'
    threading.Timer(10, os._exit, [0]).start()
check(libc.mount(source, folder.encode(), kind.encode(), 0, options))
if kind == 'fuseblk':
    os.close(loop)

LOOKUP, FORGET, GETATTR, SETATTR, OPEN, READ, WRITE, RELEASE, FLUSH, INIT, INTERRUPT = 1, 2, 3, 4, 14, 15, 16, 18, 25, 26, 36
FUSE_ASYNC_READ = 1  # or posix_fadvise would wait for the answer
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
            answer(unique, struct.pack('<IIIIHHI', 7, 31, 65536, FUSE_ASYNC_READ, 12, 9, 65536) + bytes(40))
        elif opcode in (FORGET, INTERRUPT):
            pass
        elif opcode == LOOKUP:
            answer(unique, struct.pack('<QQQQII', 2, 0, 0, 0, 0, 0) + attributes(2))
        elif opcode == OPEN:
            answer(unique, struct.pack('<QII', 1, 0, 0))
        elif opcode == RELEASE or (opcode == FLUSH and kind == 'fuseblk'):
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
        if kind == 'fuse':
            os.close(fd)
silent = True
if kind == 'fuseblk':
    os.posix_fadvise(fd, 0, 1 << 18, os.POSIX_FADV_WILLNEED)
    os.close(fd)  # at the exit this process would wait for its own answer, for ever
print('ready', flush=True)
sys.stdin.read()
os._exit(0)
