import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { AF_UNIX, Socket } from '../../lib'
import { ensureBuilt } from '../helpers/built'
import { run } from '../helpers/child'
import { missing, testIf } from '../helpers/need'
import { Peer } from '../helpers/network'

const none =
  missing.linux() ??
  missing.program('dbus-daemon', '--version') ??
  missing.program('dbus-uuidgen', '--version')
const program = path.join(__dirname, '../../examples/dbus.mjs')
const bus = 'org.freedesktop.DBus'
const busPath = '/org/freedesktop/DBus'

describe('examples/dbus.mjs', () => {
  let directory: string
  let address: string
  let daemon: Peer | undefined
  beforeAll(async () => {
    if (none !== null) return
    ensureBuilt()
    directory = mkdtempSync(path.join(tmpdir(), 'bsd-dbus-'))
    address = `unix:path=${directory}/bus`
    const args = ['--session', '--nofork', '--print-address', `--address=${address}`]
    daemon = new Peer(spawn('dbus-daemon', args))
    await daemon.line(/^unix:/)
  })
  afterAll(async () => {
    await daemon?.stop()
    if (directory !== undefined) rmSync(directory, { recursive: true })
  })

  const env = () => ({ DBUS_SESSION_BUS_ADDRESS: address })
  const ours = (...args: string[]) => run(process.execPath, [program, ...args], { env: env() })
  const theirs = (...args: string[]) => run('dbus-send', ['--session', ...args], { env: env() })
  const listen = (...args: string[]): Peer =>
    new Peer(spawn(process.execPath, [program, ...args], { env: { ...process.env, ...env() } }))

  testIf(none, 'dbus.mjs prints the replies that dbus-send prints', async () => {
    for (const [member, ...strings] of [
      ['GetId'],
      ['GetNameOwner', bus],
      ['ListActivatableNames'],
      ['Properties.GetAll', bus],
    ]) {
      const method = `${bus}.${member}`
      const print = ['--print-reply', `--dest=${bus}`, busPath, method]
      const { stdout: expected } = await theirs(...print, ...strings.map(each => `string:${each}`))
      const { code, stdout, stderr } = await ours('call', bus, busPath, method, ...strings)
      expect([code, stderr]).toEqual([0, ''])
      const texts = [...expected.matchAll(/string "(.*)"/g)].map(match => match[1]!)
      expect(texts).not.toEqual([])
      expect(stdout.match(/[\w.]+/g)).toEqual(texts)
    }
    const owned = await ours('call', bus, busPath, `${bus}.NameHasOwner`, 'org.nosuch')
    expect(owned).toMatchObject({ code: 0, stdout: 'false\n' })
  })

  testIf(none, 'dbus.mjs prints the errors of the bus, and exits with 1', async () => {
    const unknown = await ours('call', 'org.nosuch', '/', 'org.freedesktop.DBus.Peer.Ping')
    expect(unknown).toMatchObject({ code: 1, stdout: '' })
    expect(unknown.stderr).toMatch(/^dbus: org\.freedesktop\.DBus\.Error\.ServiceUnknown: /)
    const mistyped = await ours('call', bus, busPath, `${bus}.GetNameOwner`, 'one', 'two')
    expect(mistyped.stderr).toMatch(/^dbus: org\.freedesktop\.DBus\.Error\.InvalidArgs: /)
  })

  testIf(none, 'dbus.mjs prints the values of a signal, of every type that dbus-send has', async () => {
    const listener = listen('-n', '1', 'listen', "interface='org.example'")
    await listener.line(/^listening$/)
    const basic = [
      'string:héllo',
      'byte:7',
      'boolean:true',
      'int16:-2',
      'uint16:65535',
      'int32:-5',
      'uint32:5',
    ]
    const large = ['int64:-9007199254740993', 'uint64:9007199254740993', 'double:0.5', 'objpath:/a']
    const containers = ['array:string:a,b', 'array:int64:1', 'dict:string:int32:x,1,y,2', 'variant:int64:-7']
    await theirs('--type=signal', '/org/example', 'org.example.Changed', ...basic, ...large, ...containers)
    const { code, stdout, stderr } = await listener.ended
    expect([code, stderr]).toEqual([0, ''])
    const [, sender, values] = /^listening\n(:\S+) \/org\/example org\.example\.Changed ([^]*)\n$/.exec(
      stdout,
    )!
    expect(sender).toMatch(/^:1\.\d+$/)
    expect(values!.replaceAll(/\s+/g, ' ')).toBe(
      "[ 'héllo', 7, true, -2, 65535, -5, 5, -9007199254740993n, 9007199254740993n, 0.5, '/a', " +
        "[ 'a', 'b' ], [ 1n ], { x: 1, y: 2 }, -7n ]",
    )
  })

  testIf(none, 'dbus.mjs reads messages that arrive in many parts', async () => {
    const listener = listen('-n', '3', 'listen', "interface='org.example'")
    await listener.line(/^listening$/)
    const long = 'x'.repeat(100_000)
    for (const name of ['A', 'B', 'C'])
      await theirs('--type=signal', '/', `org.example.${name}`, `string:${long}`, 'byte:1', `string:${name}`)
    const { stdout } = await listener.ended
    const signals = [...stdout.matchAll(/org\.example\.(\w) \[\s*'(x+)',\s*1,\s*'(\w)'\s*\]/g)]
    expect(signals.map(([, member, first, last]) => [member, first!.length, last])).toEqual([
      ['A', long.length, 'A'],
      ['B', long.length, 'B'],
      ['C', long.length, 'C'],
    ])
  })

  test('dbus.mjs without a bus, or with invalid arguments, exits with 2', async () => {
    ensureBuilt()
    const command = ['call', bus, busPath, `${bus}.GetId`]
    const absent = await run(process.execPath, [program, '--address', 'unix:path=/nonexistent', ...command])
    expect([absent.code, absent.stderr]).toEqual([2, 'dbus: connect ENOENT /nonexistent\n'])
    const remote = await run(process.execPath, [program, '--address', 'tcp:host=a', ...command])
    expect([remote.code, remote.stderr]).toEqual([2, 'dbus: no unix: address in "tcp:host=a"\n'])
    for (const args of [[], ['call', bus], ['listen', 'a', 'b'], ['--nonsense']]) {
      const { code, stderr } = await run(process.execPath, [program, ...args])
      expect([code, stderr]).toEqual([2, expect.stringMatching(/^dbus: usage: /)])
    }
  })

  testIf(missing.linux(), 'dbus.mjs reports a server that refuses its user, or closes', async () => {
    ensureBuilt()
    const listener = new Socket(AF_UNIX).bind('').listen()
    const { name } = listener.getsockname() as { name: Buffer }
    for (const [answer, error] of [
      ['REJECTED EXTERNAL\r\n', 'the bus answers REJECTED EXTERNAL'],
      ['', 'the bus answers null'],
    ] as const) {
      const args = ['--address', `unix:abstract=${String(name)}`, 'listen']
      const ended = run(process.execPath, [program, ...args])
      using connection = await listener.accept()
      const user = Buffer.from(String(process.getuid!())).toString('hex')
      expect(String(await connection.reader().until('\n'))).toBe(`\0AUTH EXTERNAL ${user}\r\n`)
      await connection.sendAll(Buffer.from(answer))
      connection.close()
      expect(await ended).toMatchObject({ code: 2, stdout: '', stderr: `dbus: ${error}\n` })
    }
    listener.close()
  })
})
