/** Expressions of tcpdump's filter language, of every kind. */
export const expressions: readonly string[] = String.raw`
ip
ip6
arp
rarp
tcp
udp
sctp
icmp
icmp6
igmp
igrp
pim
ah
esp
vrrp
carp
atalk
aarp
decnet
lat
sca
mopdl
moprc
iso
stp
ipx
netbeui
clnp
esis
es-is
isis
is-is
l1
l2
iih
lsp
snp
csnp
psnp
llc
llc i
llc s
llc u
llc rr
llc rnr
llc rej
llc ui
llc ua
llc disc
llc sabme
llc test
llc xid
llc frmr
not llc and not ip
host 10.0.0.1
src host 10.0.0.1
dst host 10.0.0.1
src or dst host 10.0.0.1
dst or src host 10.0.0.1
src and dst host 10.0.0.1
dst and src 10.0.0.1
src 192.0.2.1
dst 192.0.2.200
ip host 192.0.2.1
ip src host 192.0.2.1
arp host 10.1.2.3
arp src host 10.1.2.3
arp dst 10.1.2.3
rarp host 10.1.2.3
host 10.0
host 192.0.2
host 167772161
host ::1
ip6 host ::1
src host fe80::1
dst host 2001:db8::1
ip6 src 2001:db8:1:2:3:4:5:6
host ::ffff:10.0.0.1
src and dst host ::1
net 10
net 10.1
src net 10.1
dst net 192.0.2
net 192.0.2.0/24
net 192.0.2.0/25
src net 192.0.2.128/25
net 10.0.0.0/8
net 0.0.0.0/0
net 10.0.0.0 mask 255.0.0.0
net 192.0.2.0 mask 255.255.255.0
ip net 10
arp net 10
net 2001:db8::/32
ip6 net 2001:db8::/32
src net fe80::/10
dst net 2001:db8:1::/48
net 2001:db8:1:2:3:4:5:0/113
net ::/0
ether host 1:2:3:4:5:6
ether src 1:2:3:4:5:6
ether dst 07:08:09:0a:0b:0c
ether src host 01-02-03-04-05-06
ether dst 0102.0304.0506
ether host 010203040506
ether host 1.2.3.4.5.6
ether src and dst 1:2:3:4:5:6
ether host 1:2:3:4:5:6 or 7:8:9:a:b:c
fddi host 1:2:3:4:5:6
port 80
src port 80
dst port 80
src or dst port 80
src and dst port 80
tcp port 80
tcp dst port 80
udp port 53
udp src port 53
sctp port 22
sctp dst port 22
tcp port 80 or 443
tcp port (80 or 443)
tcp port (80 or (443 or 22))
port 22 or 53 or 80
port not 22
port not (22 or 80)
portrange 6000-6008
tcp portrange 6000-6004
udp dst portrange 0-80
src portrange 6008-6000
src and dst portrange 22-81
sctp portrange 80-443
portrange 80
tcp portrange 80-81 or 443-6000
proto 6
proto 17
ip proto 1
ip proto \tcp
ip proto \udp or \icmp
ip6 proto 58
ip6 proto \udp
ip6 proto 44
ip6 proto \ipv6-icmp
proto \sctp
proto \ospf
proto gre
ip proto 300
ether proto 0x800
ether proto \ip
ether proto \ip6
ether proto \arp or \rarp
ether proto 0x42
ether proto 6
ether proto 0xfe
ether proto 0xe0
ether proto 1500
ether proto 1501
ether proto \iso
ether proto \stp
ether proto \aarp
ether proto \loopback
iso proto 0x83
iso proto \esis
isis proto 17
broadcast
ether broadcast
ip broadcast
multicast
ether multicast
ip multicast
ip6 multicast
not broadcast and not multicast
less 60
greater 60
less 60 or greater 100
len > 80
len <= 60
len = 60
len != 60
length >= 60
len - 14 > 60
len % 2 = 0
len / 4 * 4 = len
vlan
vlan 5
vlan 100
vlan and ip
vlan 5 and tcp port 80
vlan 100 and host 10.0.0.1
vlan and vlan
vlan 5 and vlan 100
vlan and vlan and ip
vlan and vlan 100 and ip6
vlan or ip
not vlan and ip
ip or vlan 5 and tcp
vlan and ether src 1:2:3:4:5:6
vlan and arp
vlan and ip[0] & 0xf != 5
vlan and stp
vlan and iso
vlan (5)
ip and not vlan
(vlan 5 or vlan 100) and tcp
mpls
mpls 100
mpls and ip
mpls and ip6
mpls 1000 and tcp port 80
mpls and mpls
mpls 5 and mpls 100
mpls and mpls and host 10.0.0.1
mpls and mpls and ip6 host ::1
mpls 5 or mpls 100
vlan and mpls and udp
mpls and ip[9] = 6
mpls and tcp[13] & 2 != 0
pppoed
pppoes
pppoes 5
pppoes 0x64
pppoes and ip
pppoes and ip6
pppoes 5 and tcp port 80
pppoes and host 10.0.0.1
pppoes and iso
pppoes and atalk
pppoes and mpls
pppoes and mpls and ip
vlan and pppoes and udp
pppoes and ether[0:2] = 0x21
pppoes and tcp[13] = 2
pppoes and icmp6[0] = 128
inbound
outbound
inbound and tcp
ifindex 3
ip[0] & 0xf != 5
ip[0] = 0x45
ip[2:2] > 60
ip[12:4] = 0x0a000001
ip[6:2] & 0x1fff = 0
ip[8] < 64
ip[9] == 6 || ip[9] == 17
ip[0] & 0xf << 2 > 20
(ip[0] & 0xf) * 4 > 20
ip[-2:2] = 0x800
ip[1000] = 1
ip6[6] = 6
ip6[40] = 58
ip6[8:4] = 0x20010db8
arp[6:2] = 1
arp[7] = 2 or arp[7] = 3
rarp[7] = 1
ether[0] & 1 = 0
ether[12:2] = 0x800
ether[6:4] = 0x01020304
link[0] & 1 != 0
ether[len - 1] = 0
ether[ip[0] & 0xf] > 5
tcp[13] = 2
tcp[tcpflags] & tcp-syn != 0
tcp[tcpflags] & (tcp-syn|tcp-fin) != 0
tcp[tcpflags] == tcp-syn or tcp[13] = 18
tcp[tcpflags] & (tcp-syn | tcp-ack) = tcp-syn
tcp[tcpflags] & (tcp-rst|tcp-push|tcp-urg|tcp-ece|tcp-cwr) = 0
tcp[0:2] = 80
tcp[2:2] > 1024
tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x47455420
tcp port 80 and (((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0)
udp[0:2] = 53
udp[4:2] >= 8
udp[2:2] % 2 = 0
sctp[0:2] = 22
icmp[icmptype] = icmp-echo
icmp[icmptype] == icmp-echo or icmp[icmptype] == icmp-echoreply
icmp[icmptype] != icmp-echo and icmp[icmptype] != icmp-echoreply
icmp[icmpcode] = 1
icmp[icmptype] = icmp-unreach or icmp[0] = icmp-redirect or icmp[0] = icmp-timxceed
icmp6[icmp6type] = icmp6-echo
icmp6[icmp6type] = icmp6-neighborsolicit or icmp6[icmp6type] = icmp6-neighboradvert
icmp6[icmp6code] != 0
igmp[0] = 1
pim[0] > 10
vrrp[0] & 15 = 1
1 + tcp[13] = 3
ip[8] + ip[9] = 70
ip[8] + tcp[13] > 66
ip[8] - ip[9] > 57
ip[8] * 2 = 128
ip[8] / 2 = 32
ip[8] / ip[9] = 10
ip[8] % ip[9] = 4
ip[8] | 1 = 65
ip[8] ^ 0xff = 0
ip[8] ^ ip[9] = 70
ip[8] << 2 = 256
ip[8] >> 2 = 16
ip[8] >> ip[9] = 1
ip[4:2] % 3 + 1 = 2
1 + ip[4:2] % 3 = 2
ip[4:2] ^ 3 & 1 = 1
-ip[8] = -64
- ip[8] + 65 = 1
-1 < len
5 > 3 and ip
5 < 3 or ip
1 = 1
ip[0] * 0 = 0 and tcp
ip[100] & 0 = 0
0 / len = 0 and ip
ip[0] - (ip[1] - (ip[2] - (ip[3] - (ip[4] - ip[5])))) > 40
(((((ip[8])))))  = 64
ip[8] = ip[9]
ip[8] != ip[9]
ip[8] > ip[9]
ip[8] >= ip[9]
ip[8] < ip[9]
ip[8] <= ip[9]
6 = ip[9]
64 > ip[8]
ip[12:4] = ip[16:4]
ether[0:4] = ether[6:4] and ether[4:2] = ether[10:2]
tcp[0:2] = tcp[2:2]
ip[((ip[0] & 0xf) << 2) + 1] = 80
ip or arp
ip and tcp
ip and not tcp
not ip
! ip
!(ip or ip6)
not not ip
ip && tcp || udp
ip || arp && rarp
udp or tcp and ip6
udp or (tcp and ip6)
tcp or udp or sctp
(tcp or udp) and (port 80 or port 53)
tcp port 80 and not host 10.0.0.1
tcp and (src port 80 or dst port 443) and net 10.0.0.0/8
host 10.0.0.1 and (tcp port 22 or udp port 53)
host 10.0.0.1 or 10.1.2.3
host (10.0.0.1 or 10.1.2.3) and not port 22
host 10.0.0.1 and 10.1.2.3
not host 10.0.0.1 and 10.1.2.3
not (host 10.0.0.1 or 10.1.2.3)
host 10.0.0.1 or (port 80 or 81) or 10.1.2.3
src host 10.0.0.1 and dst net 192.0.2.0/24 and (tcp or icmp)
ip src host 10.0.0.1 and not ip dst host 10.1.2.3
port 80 or (81 or 82)
tcp port 22 and not 80
ether host 1:2:3:4:5:6 and not arp
arp or icmp or (udp port 53) or (tcp[tcpflags] & tcp-syn != 0)
(ip and tcp) or (ip6 and udp)
tcp dst port 80 and tcp[tcpflags] & tcp-syn != 0 and not src net 10
ip proto 6 or ip[60] = 1 or ip proto 17
icmp or icmp6 or arp or (udp and port 53)
ether proto 0x806 or ether proto 0x800 and ip[9] = 1
`
  .split('\n')
  .filter(each => each !== '')
