"""A module with the names of CPython's `select`: select and poll are calls that Node makes. epoll is CPython's own."""
import functools
import os
import sys

from _socket import call, index

real = sys.modules["select"]
globals().update({name: getattr(real, name) for name in dir(real) if not name.startswith("__")})


def fileno(file):
    if hasattr(file, "__index__"):
        fd = index(file)
    elif not hasattr(file, "fileno"):
        raise TypeError("argument must be an int, or have a fileno() method.")
    else:
        fd = file.fileno()
        if not isinstance(fd, int):
            raise TypeError("fileno() returned a non-integer")
    if fd < 0:
        raise ValueError(f"file descriptor cannot be a negative integer ({fd})")
    return fd


def attach(fds, files):
    """Appends the open ones of `fds` to `files`, and returns what the message has in place of each."""
    def place(fd):
        try:
            os.fstat(fd)
        except OSError:
            return None
        files.append(fd)
        return {"fd": len(files) - 1}
    return [place(fd) for fd in fds]


def select(rlist, wlist, xlist, timeout=None):
    if timeout is not None and timeout + 0.0 < 0:
        raise ValueError("timeout must be non-negative")
    lists = [[(fileno(each), each) for each in files] for files in (rlist, wlist, xlist)]
    files = []
    asked = [attach([fd for fd, _ in pairs], files) for pairs in lists]
    ready = call("select", *asked, None if timeout is None else timeout * 1000, fds=files)
    return tuple([pairs[i][1] for i in places] for pairs, places in zip(lists, ready))


select = functools.partial(select)  # a function of Python would become a method in a class; one of C does not


class poll:
    def __init__(self):
        self.events, self.busy = {}, False

    def register(self, fd, eventmask=POLLIN | POLLPRI | POLLOUT):
        if index(eventmask) < 0:
            raise ValueError("value must be positive")
        if eventmask > 0xffff:
            raise OverflowError("Python int too large for C unsigned short")
        self.events[fileno(fd)] = eventmask

    def modify(self, fd, eventmask):
        if fileno(fd) not in self.events:
            raise FileNotFoundError(2, os.strerror(2))
        self.register(fd, eventmask)

    def unregister(self, fd):
        del self.events[fileno(fd)]

    def poll(self, timeout=None):
        if timeout is not None and not isinstance(timeout, (int, float)):
            raise TypeError("timeout must be an integer or None")
        if timeout is not None and timeout > 0x7fffffff:
            raise OverflowError("timeout is too large")
        if self.busy:
            raise RuntimeError("concurrent poll() invocation")
        self.busy = True
        try:
            fds, files = list(self.events), []
            entries = [[place, self.events[fd]] for place, fd in zip(attach(fds, files), fds)]
            wait = None if timeout is None or timeout < 0 else timeout
            return [(fds[i], events) for i, events in call("poll", entries, wait, fds=files)]
        finally:
            self.busy = False
