import { spawnSync } from 'node:child_process'
import { Socket } from '../../lib'
import { asNobody, root } from './child'

/*
 * What a test needs of its machine. Each probe makes the real call once and returns why the feature is missing.
 * The reason becomes part of the skipped test's name, so the report shows it.
 */
function openable(family: number, type: number, protocol = 0): string | null {
  try {
    new Socket(family, type, protocol).close()
    return null
  } catch (error) {
    return (error as Error).message
  }
}

function program(name: string, ...version: string[]): string | null {
  const found = spawnSync(name, version, { encoding: 'utf8' })
  return found.error === undefined && found.status === 0 ? null : `no ${name}`
}

const probes = new Map<string, string | null>()

/** Returns why something is missing, or null. Runs the probe once. */
function once(name: string, probe: () => string | null): string | null {
  if (!probes.has(name)) probes.set(name, probe())
  return probes.get(name)!
}

export const missing = {
  socket: (family: number, type: number, protocol = 0): string | null =>
    once(`socket ${family} ${type} ${protocol}`, () => openable(family, type, protocol)),
  linux: (): string | null => (process.platform === 'linux' ? null : 'Linux only'),
  root: (): string | null => (process.getuid?.() === 0 ? null : 'needs root'),
  program: (name: string, ...version: string[]): string | null =>
    once([name, ...version].join(' '), () => program(name, ...version)),
  python: (): string | null => once('python3', () => program('python3', '--version')),
  /** setpriv(1) can change to an unprivileged user (see asNobody in child.ts) who can still run this checkout. */
  setpriv: (): string | null =>
    once('setpriv', () => {
      if (process.getuid?.() !== 0) return 'needs root'
      const read = ['-e', 'require("./package.json")']
      const tried = spawnSync('setpriv', [...asNobody(), process.execPath, ...read], { cwd: root })
      if (tried.error !== undefined) return 'no setpriv'
      return tried.status === 0 ? null : 'an unprivileged user may not read this folder'
    }),
  strace: (): string | null =>
    once('strace', () => {
      const traced = spawnSync('strace', ['-c', '-o', '/dev/null', 'true'])
      if (traced.error !== undefined) return 'no strace'
      return traced.status === 0 ? null : 'strace may not trace here'
    }),
  prlimit: (): string | null => once('prlimit', () => program('prlimit', '--version')),
  udhcpd: (): string | null =>
    once('udhcpd', () => {
      const applets = spawnSync('busybox', ['--list'], { encoding: 'utf8' })
      return /^udhcpd$/m.test(applets.stdout ?? '') ? null : 'no udhcpd in busybox'
    }),
  namespace: (): string | null => once('unshare', () => program('unshare', '-n', 'true')),
  /** The test can replace files in /etc and has no network: test/helpers/hosts.ts. */
  resolver: (): string | null =>
    once('resolver', () => {
      if (process.platform !== 'linux') return 'Linux only'
      return program('unshare', '-nm', 'true') ?? program('ip', '-V') ?? program('python3', '--version')
    }),
  /** The test can make two network namespaces with a veth pair: test/helpers/network.ts. */
  network: (): string | null =>
    once('network', () => {
      if (process.platform !== 'linux') return 'Linux only'
      const absent = ['ip', 'unshare', 'nsenter', 'setpriv'].map(name => program(name, '-V'))
      const tried = spawnSync('unshare', ['-n', 'ip', 'link', 'add', 'a0', 'type', 'veth'], {
        encoding: 'utf8',
      })
      const refused = tried.status === 0 ? null : `no network namespace: ${tried.stderr.trim()}`
      return absent.find(each => each !== null) ?? refused
    }),
}

type Body = () => Promise<void> | void

/** Defines a test that runs if the reason is null. Otherwise the test is skipped, with the reason in its name. */
export function testIf(reason: string | null, name: string, body: Body, timeout?: number): void {
  if (reason === null) test(name, body as () => Promise<void>, timeout)
  else test.skip(`${name} [${reason}]`, body as () => Promise<void>)
}

/** Defines a group of tests that runs if the reason is null. Otherwise it is skipped, with the reason in its name. */
export function describeIf(reason: string | null, name: string, body: () => void): void {
  if (reason === null) describe(name, body)
  else describe.skip(`${name} [${reason}]`, body)
}
