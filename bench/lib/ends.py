"""What the Python servers and clients share; see ends.mjs."""
import json
import os
import resource
import socket
import sys
import time

SIZE = 64
SETTLE = 0.02  # seconds of each window that are not measured: after a pause the caches are cold


def parse(text):
    kind, rest = text.split(":", 1)
    family = socket.AF_UNIX if kind in ("unix", "dgram") else socket.AF_INET
    type = socket.SOCK_DGRAM if kind in ("udp", "dgram") else socket.SOCK_STREAM
    address = rest if family == socket.AF_UNIX else (rest.split(":")[0], int(rest.split(":")[1]))
    return kind, family, type, address


def open_socket(text):
    _, family, type, address = parse(text)
    s = socket.socket(family, type)
    if type == socket.SOCK_DGRAM:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
    return s, address


def open_server(text):
    s, address = open_socket(text)
    s.bind(address)
    if s.type == socket.SOCK_STREAM:
        s.listen(4096)
    kind = parse(text)[0]
    where = "%s:%s:%d" % (kind, *s.getsockname()) if s.family == socket.AF_INET else text
    print("ready", where, flush=True)
    return s


def no_delay(s):
    if s.family == socket.AF_INET and s.type == socket.SOCK_STREAM:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def spend(server):
    usage = resource.getrusage(resource.RUSAGE_SELF)
    # The CPU clock of another process; see clock_getcpuclockid(3).
    cpu = time.clock_gettime((~server << 3) | 2) if server > 0 else 0
    stat = [int(x) for x in open("/proc/stat").readline().split()[1:9]]
    machine = (sum(stat) - stat[3] - stat[4]) / os.sysconf("SC_CLK_TCK")
    return {"seconds": time.perf_counter(), "clientCpu": usage.ru_utime + usage.ru_stime,
            "serverCpu": cpu, "machineCpu": machine}


def measure(work):
    """Calls work (-> number of messages) in each window that the runner asks for, and prints the results."""
    server = int(sys.argv[2])

    def during(limit):
        messages, end = 0, time.perf_counter() + limit
        while time.perf_counter() < end:
            messages += work()
        return messages

    for line in iter(sys.stdin.readline, ""):
        during(SETTLE)
        first = spend(server)
        messages = during(float(line))
        last = spend(server)
        print(json.dumps({"messages": messages, **{k: last[k] - first[k] for k in last}}), flush=True)
