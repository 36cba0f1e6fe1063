"""send|receive <group> <port>, on the loopback interface."""
import socket, struct, sys

role, group, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if role == 'send':
    s.settimeout(0.5)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, struct.pack('b', 1))
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton('127.0.0.1'))
    s.sendto(b'very important data', (group, port))
    try:
        while True:
            print('answer', s.recvfrom(16)[0].decode(), flush=True)
    except socket.timeout:
        print('no more')
else:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('', port))
    membership = socket.inet_aton(group) + socket.inet_aton('127.0.0.1')
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    print('ready', flush=True)
    while True:
        data, sender = s.recvfrom(1024)
        print('got', data.decode(), flush=True)
        s.sendto(b'ack', sender)
