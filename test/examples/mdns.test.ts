import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { AF_INET, SOCK_DGRAM, Socket } from '../../lib'
import { ensureBuilt } from '../helpers/built'
import { missing, testIf } from '../helpers/need'
import { makeNetwork, type Network, type Peer, type Side } from '../helpers/network'

const none = missing.network()
const avahi =
  none ??
  missing.program('dbus-daemon', '--version') ??
  missing.program('avahi-daemon', '--version') ??
  missing.program('avahi-resolve', '--version')
const program = path.join(__dirname, '../../examples/mdns.mjs')

/** A bus of the test's own, in place of the bus of the system. Everything is allowed. */
const busConfiguration = (directory: string): string => `<!DOCTYPE busconfig PUBLIC
 "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path=${directory}/bus</listen>
  <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>
`
const avahiConfiguration = `
[server]
host-name=printer
use-ipv6=no
allow-interfaces=b0
[publish]
publish-workstation=no
publish-hinfo=no
`

describe('examples/mdns.mjs', () => {
  let network: Network
  let directory: string
  beforeAll(async () => {
    if (none !== null) return
    ensureBuilt()
    network = await makeNetwork()
    directory = mkdtempSync(path.join(tmpdir(), 'bsd-mdns-'))
  })
  afterAll(async () => {
    await network?.close()
    if (directory !== undefined) rmSync(directory, { recursive: true })
  })

  const mdns = (side: Side, ...args: string[]) =>
    side.run(process.execPath, [program, '-i', side.interface.name, ...args])
  const respond = (side: Side, ...args: string[]): Peer =>
    side.start(process.execPath, [program, '-i', side.interface.name, 'respond', ...args])

  describe('with avahi', () => {
    const env = { DBUS_SYSTEM_BUS_ADDRESS: '' }
    beforeAll(async () => {
      if (avahi !== null) return
      env.DBUS_SYSTEM_BUS_ADDRESS = `unix:path=${directory}/bus`
      mkdirSync(path.join(directory, 'services'))
      writeFileSync(path.join(directory, 'bus.conf'), busConfiguration(directory))
      writeFileSync(path.join(directory, 'avahi.conf'), avahiConfiguration)
      const bus = network.b.start('dbus-daemon', [
        `--config-file=${directory}/bus.conf`,
        '--nofork',
        '--print-address',
      ])
      await bus.line(/^unix:/)
      // The daemon's process id and its services are in fixed folders, so it gets its own.
      const script = `mount -t tmpfs none /run && mount --bind ${directory}/services /etc/avahi/services
        exec avahi-daemon --no-drop-root --no-chroot --no-rlimits --file=${directory}/avahi.conf`
      const daemon = network.b.start('unshare', ['--mount', 'sh', '-c', script], env)
      await daemon.line(/Server startup complete/)
    })

    testIf(avahi, 'mdns.mjs resolves the name of a host with avahi', async () => {
      const { code, stdout, stderr } = await mdns(network.a, '-w', '10', 'resolve', 'printer.local')
      expect([code, stderr]).toEqual([0, ''])
      // Avahi adds its IPv6 address, depending on when it has announced it.
      const lines = stdout.trimEnd().split('\n')
      expect(lines).toContain(`printer.local  ${network.b.v4}`)
      expect(lines.filter(line => line !== `printer.local  ${network.b.v4}`).join('')).toMatch(
        /^(printer\.local {2}[\da-f:]+)*$/,
      )
    })

    testIf(avahi, 'mdns.mjs lists the services that avahi publishes', async () => {
      const publish = (...args: string[]) => network.b.start('avahi-publish', ['-s', ...args], env)
      const services = [
        publish('My Page v1.0', '_http._tcp', '8080', 'path=/x', 'a=b c'),
        publish('Other', '_http._tcp', '80'),
      ]
      await Promise.all(services.map(each => each.line(/^Established/)))
      const { code, stdout } = await mdns(network.a, '-w', '2', 'browse')
      for (const each of services) await each.stop()
      expect(code).toBe(0)
      expect(stdout.split('\n').sort()).toEqual([
        '',
        String.raw`My Page v1\.0._http._tcp.local  printer.local:8080  [10.77.0.2, fd77::2]  path=/x a=b c`,
        'Other._http._tcp.local  printer.local:80  [10.77.0.2, fd77::2]',
      ])
    })

    testIf(avahi, 'avahi-resolve finds the name that mdns.mjs answers for, until mdns.mjs ends', async () => {
      const find = () => network.b.run('avahi-resolve', ['-4', '-n', 'laptop.local'], { env })
      const responder = respond(network.a, 'laptop.local')
      await responder.line(/^laptop\.local is 10\.77\.0\.1 on a0$/)
      expect(await find()).toMatchObject({ code: 0, stdout: 'laptop.local\t10.77.0.1\n' })
      expect(await responder.stop('SIGINT')).toMatchObject({ code: 0, stderr: '' })
    })

    testIf(avahi, 'mdns.mjs does not answer for a name that belongs to a host with avahi', async () => {
      const { code, stderr } = await mdns(network.a, 'respond', 'Printer.local', '10.77.0.9')
      expect(code).toBe(2)
      expect(stderr).toMatch(/^mdns: Printer\.local belongs to (10\.77\.0\.2|fd77::2)\n$/)
    })
  })

  testIf(none, 'two processes of mdns.mjs resolve a name, in any case of letters', async () => {
    const responder = respond(network.b, 'kettle.local', '10.77.0.77')
    await responder.line(/^kettle\.local is 10\.77\.0\.77/)
    const found = await mdns(network.a, 'resolve', 'KETTLE.local')
    expect(found).toMatchObject({ code: 0, stdout: 'KETTLE.local  10.77.0.77\n' })
    const unknown = await mdns(network.a, '-w', '0.3', 'resolve', 'teapot.local')
    expect(unknown).toMatchObject({ code: 1, stdout: '', stderr: '' })
    await responder.stop('SIGINT')
  })

  testIf(none, 'mdns.mjs answers a simple resolver at its port, and drops malformed messages', async () => {
    const responder = respond(network.b, 'kettle.local')
    await responder.line(/^kettle\.local is 10\.77\.0\.2/)
    using socket = new Socket(AF_INET, SOCK_DGRAM, 0, { netns: network.a.netns }).bind([network.a.v4, 0])
    const group = ['224.0.0.251', 5353] as const
    const question = Buffer.from('\x06kettle\x05local\0\0\x01\0\x01', 'latin1')
    const query = Buffer.concat([Buffer.from([0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]), question])
    await socket.sendto(Buffer.alloc(0), [...group])
    for (let length = 1; length < query.length; length++)
      await socket.sendto(query.subarray(0, length), [...group])
    const endless = Buffer.concat([query.subarray(0, 12), Buffer.from([0xc0, 12, 0, 1, 0, 1])])
    await socket.sendto(endless, [...group])
    await socket.sendto(query, [...group])
    const { data, address } = await socket.recvfrom(1500, { timeout: 10000 })
    expect(String(address)).toBe('10.77.0.2:5353')
    const answer = Buffer.concat([
      Buffer.from([0x12, 0x34, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0]),
      question,
      Buffer.from('\x06kettle\x05local\0\0\x01\0\x01\0\0\0\x0a\0\x04\x0a\x4d\0\x02', 'latin1'),
    ])
    expect(data).toEqual(answer)
    expect(await responder.stop('SIGINT')).toMatchObject({ code: 0, stderr: '' })
  })

  testIf(none, 'mdns.mjs removes its name from the caches when it ends', async () => {
    using socket = new Socket(AF_INET, SOCK_DGRAM, 0, { netns: network.a.netns }).bind(['224.0.0.251', 5353])
    socket.joinGroup('224.0.0.251', { interface: 'a0' })
    const responder = respond(network.b, 'kettle.local')
    await responder.line(/^kettle\.local is/)
    await responder.stop('SIGINT')
    const ttls: number[] = []
    for (;;) {
      const message = socket.tryRecv(1500)
      if (message === null) break
      if (message.readUInt16BE(2) === 0x8400) ttls.push(message.readUInt32BE(message.length - 10))
    }
    expect(ttls).toEqual([120, 0])
  })

  testIf(none, 'mdns.mjs reports invalid arguments and unknown interfaces', async () => {
    const usage = /^mdns: usage: /
    for (const args of [[], ['resolve'], ['sing', 'a.local'], ['-w', '0', 'browse'], ['--nonsense']])
      expect(await mdns(network.a, ...args)).toMatchObject({ code: 2, stderr: expect.stringMatching(usage) })
    const device = await network.a.run(process.execPath, [program, '-i', 'nosuch', 'browse'])
    expect(device).toMatchObject({ code: 2, stderr: 'mdns: no interface nosuch\n' })
    const long = await mdns(network.a, 'resolve', `${'x'.repeat(64)}.local`)
    expect(long).toMatchObject({ code: 2, stderr: expect.stringMatching(/^mdns: invalid name x+\.local\n$/) })
  })
})
