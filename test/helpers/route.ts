import { makeNamespace, type Namespace } from './network'

/**
 * Makes a path with one router. The MTU of b's link is 1280, and no host limits the rate of its ICMP errors.
 *
 *   a ─────────── router ─────────── b
 *   10.77.1.1   .1.2  .2.1   10.77.2.2      fd77:1::1, fd77:1::2, fd77:2::1, fd77:2::2
 */
export async function makeRoute(): Promise<[a: Namespace, router: Namespace, b: Namespace]> {
  const sides = await Promise.all([makeNamespace(), makeNamespace(), makeNamespace()])
  const [a, router, b] = sides
  await router.shell(`
    ip link add ra type veth peer name a0 netns ${a.holder.pid}
    ip link add rb type veth peer name b0 netns ${b.holder.pid}
    echo 1 > /proc/sys/net/ipv4/ip_forward
    echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
    echo 0 > /proc/sys/net/ipv4/icmp_ratelimit
    echo 0 > /proc/sys/net/ipv6/icmp/ratelimit
    ip addr add 10.77.1.2/24 dev ra
    ip addr add 10.77.2.1/24 dev rb
    ip addr add fd77:1::2/64 dev ra nodad
    ip addr add fd77:2::1/64 dev rb nodad
    ip link set ra up
    ip link set rb up mtu 1280`)
  const end = (name: string, net: number, host: number, gateway: number): string => `
    echo 0 > /proc/sys/net/ipv4/icmp_ratelimit
    echo 0 > /proc/sys/net/ipv6/icmp/ratelimit
    ip addr add 10.77.${net}.${host}/24 dev ${name}
    ip addr add fd77:${net}::${host}/64 dev ${name} nodad
    ip link set ${name} up
    ip route add default via 10.77.${net}.${gateway}
    ip -6 route add default via fd77:${net}::${gateway}
    until ip link show ${name} | grep -q 'state UP'; do sleep 0.01; done`
  await Promise.all([
    a.shell(end('a0', 1, 1, 2)),
    b.shell(end('b0', 2, 2, 1) + '\n    ip link set b0 mtu 1280'),
  ])
  return sides
}
