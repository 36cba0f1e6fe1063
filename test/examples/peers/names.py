"""Prints what the lookups of localhost, services and protocols give."""
import socket

print(socket.gethostname())
print(socket.gethostbyname('localhost'))
print(*[socket.getservbyname(name) for name in ('http', 'https', 'ftp', 'smtp', 'pop3')])
print(*[socket.getservbyport(port) for port in (80, 443, 21, 25, 110)])
print(*[socket.getprotobyname(name) for name in ('icmp', 'udp', 'tcp')])
print(*[a[4][0] + ':' + str(a[4][1]) for a in socket.getaddrinfo(
    'localhost', 'http', socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, socket.AI_CANONNAME)])
