import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ensureDist, run, type Ended } from './child'

/*
 * Runs programs with a name resolver that the test controls. They run in a network namespace that has only `lo`, with
 * files of the test in place of /etc/hosts, /etc/services, /etc/nsswitch.conf and /etc/resolv.conf. No query leaves
 * the namespace.
 */
const files = {
  hosts: `127.0.0.1 localhost
::1 localhost ip6-localhost
127.1.0.1 canonical.example alias one.example
127.1.0.2 canonical.example
::2 canonical.example
127.1.0.3 only4.example
::4 only6.example
`,
  services: 'echo-test 4007/tcp et\necho-test 4008/udp\n',
  'nsswitch.conf': 'hosts: files\nservices: files\nprotocols: files\n',
  'resolv.conf': 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n',
}

export interface Resolver {
  /** Replaces the content of some of these files. */
  files?: Partial<typeof files>
  timeout?: number
}

/** Runs a command with the resolver of the test. */
export async function runResolving(command: string[], options: Resolver = {}): Promise<Ended> {
  const directory = mkdtempSync(path.join(tmpdir(), 'bsd-'))
  try {
    const mounts = Object.entries({ ...files, ...options.files }).map(([name, text]) => {
      writeFileSync(path.join(directory, name), text)
      return `mount --bind ${directory}/${name} /etc/${name}`
    })
    const script = `set -e\nip link set lo up\n${mounts.join('\n')}\nexec "$@"`
    return await run('unshare', ['-nm', 'sh', '-c', script, 'sh', ...command], {
      timeout: options.timeout ?? 15000,
    })
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/**
 * Runs JavaScript in an async function with the resolver of the test, and resolves with what the function returns.
 * In the script `b` is the package and `s` is bsd-sockets/sync.
 */
export async function resolving(script: string, options: Resolver = {}): Promise<unknown> {
  ensureDist()
  const whole = `
    const b = require('./dist'), s = require('./dist/sync')
    const assert = require('node:assert')
    const failure = async call => { try { return { value: await call() } } catch (e) { return { name: e.name, code: e.code, errno: e.errno, syscall: e.syscall, message: e.message } } }
    const main = async () => { ${script} }
    main().then(value => console.log(JSON.stringify(value ?? null)))`
  const ended = await runResolving([process.execPath, '-e', whole], options)
  if (ended.code !== 0) throw new Error(`${ended.signal ?? ended.code}\n${ended.stdout}${ended.stderr}`)
  return JSON.parse(ended.stdout.trim().split('\n').at(-1)!)
}

/** Runs a Python script with the resolver of the test and parses what it prints as JSON. */
export async function pythonResolving(script: string, options: Resolver = {}): Promise<unknown> {
  const prelude = 'import json, socket\n'
  const ended = await runResolving(['python3', '-S', '-E', '-c', prelude + script], options)
  if (ended.code !== 0) throw new Error(ended.stderr)
  return JSON.parse(ended.stdout)
}
