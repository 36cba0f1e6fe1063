// For scripts that run foreign programs: all their traffic stays in a network namespace of their own.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { exitCode } from './tools.mjs'

const MARK = 'BSD_SOCKETS_OWN_NETWORK'
// The interface gives a second address, and a route for multicast. No host answers behind it. The name server is this
// host, which has none, so a lookup of a name that is not in the hosts file fails at once.
const SETUP = `mount --bind "$1/hosts" /etc/hosts
mount --bind "$1/resolv.conf" /etc/resolv.conf
shift
ip link set lo up
ip link add out0 type veth peer name out1
ip address add 192.0.2.1/24 dev out0
ip link set out0 up
ip link set out1 up
ip route add default dev out0
exec "$@"`

/** Starts this process again in a new network namespace, with a loopback interface. Returns in that process only. */
export function enterOwnNetwork() {
  if (process.env[MARK] === '1') return
  const folder = mkdtempSync(path.join(tmpdir(), 'own-network-'))
  writeFileSync(path.join(folder, 'hosts'), '127.0.0.1 localhost\n::1 ip6-localhost\n')
  writeFileSync(path.join(folder, 'resolv.conf'), 'nameserver 127.0.0.1\noptions attempts:1 timeout:1\n')
  const flags = process.getuid?.() === 0 ? '-nm' : '-rnm'
  const args = [flags, 'sh', '-ec', SETUP, 'sh', folder, process.execPath, ...process.argv.slice(1)]
  const env = { ...process.env, [MARK]: '1' }
  const ended = spawnSync('unshare', args, { stdio: 'inherit', env })
  rmSync(folder, { recursive: true, force: true })
  if (ended.error !== undefined)
    throw new Error(`unshare(1) is needed, for Linux's network namespaces: ${ended.error.message}`)
  process.exit(exitCode('unshare', ended))
}
