"""A module with the names of CPython's `_socket`. Every operation is a call that Node makes with bsd-sockets.

A socket is an object of CPython's own type, for what is no operation: fileno, family, timeout, repr. Its descriptor is
a duplicate of the one that Node has. epoll and the ssl module use this descriptor. `codec.mjs` describes the messages.
"""
import array
import base64
import json
import os
import stat
import struct
import sys

real = sys.modules["_socket"]  # CPython's own: the transport to Node, and the base class
error, gaierror, herror, timeout = OSError, real.gaierror, real.herror, TimeoutError
CAPI = real.CAPI


# Messages

def encode(value):
    return {"bytes": base64.b64encode(value).decode()}


def decode(fds):
    def hook(value):
        if len(value) != 1:
            return value
        (kind, content), = value.items()
        if kind == "bytes":
            return base64.b64decode(content)
        if kind == "name":
            return os.fsdecode(base64.b64decode(content))
        if kind == "tuple":
            return tuple(content)
        return fds[content] if kind == "fd" else value
    return hook


class Channel:
    def __init__(self):
        self.end = real.socket(real.AF_UNIX, real.SOCK_STREAM)
        self.end.connect(os.environ["BSD_SOCKETS_BRIDGE"])

    def call(self, request, fds):
        text = json.dumps(request, default=encode).encode()
        data = memoryview(struct.pack("<I", len(text)) + text)
        rights = [(real.SOL_SOCKET, real.SCM_RIGHTS, array.array("i", fds))] if fds else []
        sent = self.end.sendmsg([data], rights)
        self.end.sendall(data[sent:])
        return self.reply()

    def reply(self):
        data, control, _, _ = self.end.recvmsg(65536, real.CMSG_SPACE(253 * 4), real.MSG_CMSG_CLOEXEC)
        fds = array.array("i")
        for _, _, rights in control:
            fds.frombytes(rights)
        while len(data) < 4 or len(data) < 4 + struct.unpack_from("<I", data)[0]:
            part = self.end.recv(1 << 20)
            if not part:
                raise RuntimeError("the bridge is gone")
            data += part
        return json.loads(data[4:], object_hook=decode(fds))


channels = []  # those that no call uses
os.register_at_fork(after_in_child=channels.clear)


def request(message, fds=()):
    """Makes a call. A signal handler may throw in the middle of it; the channel is closed then."""
    channel = channels.pop() if channels else Channel()
    try:
        reply = channel.call(message, fds)
    except BaseException:
        channel.end.close()
        raise
    channels.append(channel)
    if "error" in reply:
        raise exception(**reply["error"])
    return reply.get("value")


def call(name, *args, fds=()):
    return request({"call": name, "args": args}, fds)


def exception(message, code=None, errno=None):
    number = None if errno is None else -errno
    if code == "ERR_SOCKET_TIMEOUT":
        return TimeoutError("timed out")
    if code.startswith("EAI_"):
        return gaierror(globals().get(code, number), message)
    if code in LOOKUP_ERRORS:
        return herror(LOOKUP_ERRORS[code], message)
    if code == "ERR_OUT_OF_RANGE" and '"path"' in message:
        return OSError(message)
    if code == "ERR_OUT_OF_RANGE":
        return OverflowError(message)
    if code == "ERR_INVALID_ARG_TYPE":
        return TypeError(message)
    return OSError(message) if number is None else OSError(number, os.strerror(number))


LOOKUP_ERRORS = {"HOST_NOT_FOUND": 1, "TRY_AGAIN": 2, "NO_RECOVERY": 3, "NO_DATA": 4}


# Arguments

def octets(data):
    try:
        return bytes(memoryview(data).cast("B")) if data is not None else memoryview(data)
    except TypeError:
        raise TypeError(f"a bytes-like object is required, not '{type(data).__name__}'") from None


def host_text(host):
    if isinstance(host, str):
        return host.encode("idna").decode() if not host.isascii() else host
    if isinstance(host, (bytes, bytearray)):
        return host.decode()
    raise TypeError(f"str, bytes or bytearray expected, not {type(host).__name__}")


def address_of(family, address):
    """Returns an address as `addresses.mjs` takes it."""
    if family == globals().get("AF_UNIX"):
        return {"bytes": encode(os.fsencode(address) if isinstance(address, str) else octets(address))["bytes"]}
    if not isinstance(address, tuple):
        raise TypeError(f"address must be tuple, not {type(address).__name__}")
    if family in (globals().get("AF_INET"), globals().get("AF_INET6")):
        sizes = (2,) if family == AF_INET else (2, 3, 4)
        if len(address) not in sizes:
            raise TypeError(f"address must have {sizes} elements, not {len(address)}")
        return [host_text(address[0]), *map(index, address[1:])]
    return address


def index(value):
    if not hasattr(value, "__index__"):
        raise TypeError(f"'{type(value).__name__}' object cannot be interpreted as an integer")
    return value.__index__()


def c_int(value):
    if not -(1 << 31) <= index(value) < 1 << 31:
        raise OverflowError("Python int too large to convert to C int")
    return index(value)


def size_of(value, name):
    if index(value) < 0:
        raise ValueError(f"negative buffersize in {name}")
    return index(value)


def room(buffer, size, name):
    """Returns the buffer to receive into, and how many bytes to receive."""
    into = writable(buffer)
    if size_of(size, name) > len(into):
        raise ValueError("buffer too small for requested bytes")
    return into, size or len(into)


def writable(buffer):
    if memoryview(buffer).readonly:
        raise TypeError("a read-write bytes-like object is required")
    return memoryview(buffer).cast("B")


# The socket

class socket(real.socket):
    __slots__ = ("_node",)  # the socket's number in the bridge, and the process that has it

    def __init__(self, family=-1, type=-1, proto=-1, fileno=None):
        if fileno is None:
            defaults = (AF_INET, SOCK_STREAM, 0)
            asked = [d if v == -1 else index(v) for v, d in zip((family, type, proto), defaults)]
            self._own(*call("create", *asked))
            if type != -1 and type & SOCK_NONBLOCK:
                self.settimeout(0)
        else:
            super().__init__(family, type, proto, fileno)
            self._node = getattr(fileno, "node", None)

    def _own(self, node, fd, family, type, proto):
        super().__init__(family, type, proto, fd)
        self._node = (os.getpid(), node)
        self.settimeout(getdefaulttimeout())

    def _id(self):
        """Returns the number of this socket in the bridge, which gets a duplicate of its descriptor if it has none."""
        node = getattr(self, "_node", None)
        if node is None or node[0] != os.getpid():
            if self.fileno() < 0:
                raise OSError(9, os.strerror(9))
            number, fd, *_ = call("adopt", {"fd": 0}, fds=[self.fileno()])
            os.close(fd)
            node = self._node = (os.getpid(), number)
        return node[1]

    def _call(self, name, *args, flags=0, fds=()):
        seconds = self.gettimeout()
        wait = None if seconds is None else seconds * 1000
        message = {"call": name, "args": args, "socket": self._id(), "flags": c_int(flags), "timeout": wait}
        return request(message, fds)

    def _end(self, name, *args):
        node, self._node = getattr(self, "_node", None), None
        if node is not None and node[0] == os.getpid():
            call(name, node[1], *args)

    def close(self):
        self._end("close")
        super().close()

    def detach(self):
        self._end("detach", self.gettimeout() is None)
        return super().detach()

    def __del__(self):
        super().__del__()
        self._end("close")

    def settimeout(self, value):
        super().settimeout(value)
        self._call("setBlocking", value is None)

    def setblocking(self, flag):
        self.settimeout(None if flag else 0.0)

    def _accept(self):
        (node, fd, *_), address = self._call("accept")
        return Descriptor(fd, node), address

    def bind(self, address):
        self._call("bind", address_of(self.family, address))

    def listen(self, backlog=None):
        self._call("listen", None if backlog is None else max(0, c_int(backlog)))

    def connect(self, address):
        self._call("connect", address_of(self.family, address))

    def connect_ex(self, address):
        return self._call("connectEx", address_of(self.family, address))

    def getsockname(self):
        return self._call("getsockname")

    def getpeername(self):
        return self._call("getpeername")

    def shutdown(self, how):
        self._call("shutdown", c_int(how))

    def getsockopt(self, level, option, size=0):
        if size == 0:
            return self._call("getsockopt", c_int(level), c_int(option))
        if not 0 < size <= 1024:
            raise OSError("getsockopt buflen out of range")
        return self._call("getsockoptBytes", c_int(level), c_int(option), c_int(size))

    def setsockopt(self, level, option, value, *size):
        if value is None:
            if not size:
                raise TypeError("socket.setsockopt() takes 4 arguments for None")
        elif not isinstance(value, int):
            value = octets(value)
        self._call("setsockopt", c_int(level), c_int(option), value, *size)

    def recv(self, size, flags=0):
        return self._call("recv", size_of(size, "recv"), flags=flags)

    def recv_into(self, buffer, nbytes=0, flags=0):
        into, size = room(buffer, nbytes, "recv_into")
        data = self._call("recvInto", size, flags=flags)
        into[:len(data)] = data
        return len(data)

    def recvfrom(self, size, flags=0):
        return self._call("recvfrom", size_of(size, "recvfrom"), flags=flags)

    def recvfrom_into(self, buffer, nbytes=0, flags=0):
        into, size = room(buffer, nbytes, "recvfrom_into")
        data, address = self._call("recvfromInto", size, flags=flags)
        into[:len(data)] = data
        return len(data), address

    def _recvmsg(self, sizes, control_size, flags):
        if not 0 <= index(control_size) <= 0x7fffffff:
            raise ValueError("invalid ancillary data buffer length")
        data, control, flags, address = self._call("recvmsg", sizes, control_size, flags=flags)
        fixed = [(level, kind, array.array("i", value).tobytes() if isinstance(value, list) else value)
                 for level, kind, value in control]
        return data, fixed, flags, address

    def recvmsg(self, size, ancbufsize=0, flags=0):
        return self._recvmsg([size_of(size, "recvmsg")], ancbufsize, flags)

    def recvmsg_into(self, buffers, ancbufsize=0, flags=0):
        into = [writable(each) for each in buffers]
        data, control, flags, address = self._recvmsg([len(each) for each in into], ancbufsize, flags)
        left = data
        for each in into:
            part, left = left[:len(each)], left[len(each):]
            each[:len(part)] = part
        return len(data), control, flags, address

    def send(self, data, flags=0):
        return self._call("send", octets(data), flags=flags)

    def sendall(self, data, flags=0):
        self._call("sendAll", octets(data), flags=flags)

    def sendto(self, data, *args):
        if not 1 <= len(args) <= 2:
            raise TypeError(f"sendto() takes 2 or 3 arguments ({len(args) + 1} given)")
        flags, address = args if len(args) == 2 else (0, args[0])
        data = octets(data)
        return self._call("sendto", data, address_of(self.family, address), flags=flags)

    def sendmsg(self, buffers, ancdata=(), flags=0, address=None):
        fds, control = [], []
        for each in ancdata:
            if not isinstance(each, tuple) or len(each) != 3:
                raise TypeError("[sendmsg() argument 2] items must be tuples of 3")
            level, kind, data = each
            data = octets(data)
            if (level, kind) == (SOL_SOCKET, SCM_RIGHTS) and len(data) >= 4:
                rights = array.array("i", data[:len(data) // 4 * 4])
                data = [[{"fd": len(fds) + i} for i in range(len(rights))], data[len(rights) * 4:]]
                fds += rights
            control.append((c_int(level), c_int(kind), data))
        target = None if address is None else address_of(self.family, address)
        return self._call("sendmsg", [octets(each) for each in buffers], control, target, flags=flags, fds=fds)


SocketType = socket


class Descriptor(int):
    """The descriptor of a socket that Node has already."""
    def __new__(cls, fd, node):
        self = super().__new__(cls, fd)
        self.node = (os.getpid(), node)
        return self


def socketpair(family=None, type=None, proto=0):
    asked = [AF_UNIX if family is None else family, SOCK_STREAM if type is None else type, proto]
    return tuple(socket(*kind, fileno=Descriptor(fd, node)) for node, fd, *kind in call("pair", *map(index, asked)))


# Functions

dup = real.dup
close = real.close
getdefaulttimeout = real.getdefaulttimeout
setdefaulttimeout = real.setdefaulttimeout


def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
    if isinstance(port, bytes):
        port = port.decode()
    elif isinstance(port, str):
        port.encode()  # a lone surrogate is an error
    host = None if host is None else host_text(host)
    return call("getaddrinfo", host, port, index(family), index(type), index(proto), index(flags))


def getnameinfo(address, flags):
    if not isinstance(address, tuple):
        raise TypeError("getnameinfo() argument 1 must be a tuple")
    return call("getnameinfo", address, index(flags))


def by_name(function, name):
    """CPython looks the name up with getaddrinfo, and so has other errors."""
    try:
        return call(function, host_text(name))
    except herror as failure:
        number = {1: EAI_NONAME, 2: EAI_AGAIN, 3: EAI_FAIL, 4: EAI_NODATA}[failure.args[0]]
        raise gaierror(number, failure.args[1]) from None


def gethostbyname(name):
    return by_name("gethostbyname", name)


def gethostbyname_ex(name):
    return by_name("gethostbynameEx", name)


def gethostbyaddr(name):
    return call("gethostbyaddr", host_text(name))


def gethostname():
    return call("gethostname")


def sethostname(name):
    return call("sethostname", name)


def getservbyname(name, protocol=None):
    return call("getservbyname", name, protocol)


def getservbyport(port, protocol=None):
    return call("getservbyport", index(port), protocol)


def getprotobyname(name):
    return call("getprotobyname", name)


def if_nameindex():
    return call("ifNameindex")


def if_nametoindex(name):
    return call("ifNametoindex", name)


def if_indextoname(number):
    return call("ifIndextoname", index(number))


def htons(n):
    return call("htons", index(n))


def ntohs(n):
    return call("ntohs", index(n))


def htonl(n):
    return call("htonl", index(n))


def ntohl(n):
    return call("ntohl", index(n))


def inet_aton(text):
    return call("inetAton", text)


def inet_ntoa(packed):
    if len(octets(packed)) != 4:
        raise OSError("packed IP wrong length")
    return call("inetNtoa", octets(packed))


def inet_pton(family, text):
    return call("inetPton", index(family), text)


def inet_ntop(family, packed):
    try:
        return call("inetNtop", index(family), octets(packed))
    except OverflowError as refused:
        raise ValueError(refused) from None


def CMSG_LEN(size):
    return call("cmsgLen", index(size))


def CMSG_SPACE(size):
    return call("cmsgSpace", index(size))


def _sendfile(out_fd, in_fd, offset, count):
    """os.sendfile, to a socket."""
    if offset is None or not stat.S_ISSOCK(os.fstat(out_fd).st_mode):
        return real_sendfile(out_fd, in_fd, offset, count)
    return call("sendfile", {"fd": 0}, {"fd": 1}, offset, count, os.get_blocking(out_fd), fds=[out_fd, in_fd])


real_sendfile = os.sendfile
BDADDR_ANY, BDADDR_LOCAL = "00:00:00:00:00:00", "00:00:00:FF:FF:FF"
has_ipv6 = call("hasIpv6")
globals().update(call("constants", [name for name in dir(real) if type(getattr(real, name)) is int]))
__all__ = [name for name in dir(real) if not name.startswith("_") and name in globals()]
