import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { run, type Ended } from './child'

/*
 * Makes networks for tests: network namespaces, and a veth pair between two of them. Traffic stays inside them,
 * and nothing persists. A namespace lives as long as a child process that reads its stdin,
 * so it also ends when the test run is killed.
 *
 *   const { a, b, close } = await makeNetwork()
 *   const socket = new Socket(AF_INET, SOCK_DGRAM, 0, { netns: a.netns })   // or Socket of bsd-sockets/sync
 *   const peer = b.start('python3', ['-u', '-c', script])
 *   await peer.line(/listening/)
 */

/** How the network is made. */
export interface NetworkOptions {
  /** Allows ping sockets to every group: net.ipv4.ping_group_range. */
  ping?: boolean
  mtu?: number
}

type RunOptions = Parameters<typeof run>[2]

/** A program that runs beside the test. */
export class Peer {
  stdout = ''
  stderr = ''
  /** Resolves when the program has ended, with its exit code or signal. */
  readonly ended: Promise<Ended>
  #over = false
  #waiting: (() => void)[] = []

  constructor(readonly child: ChildProcess) {
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
      this.#wake()
    })
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
      this.#wake()
    })
    child.stdin!.on('error', () => undefined) // the program ended before it read everything
    this.ended = once(child, 'close').then(([code, signal]) => {
      this.#over = true
      this.#wake()
      return { code, signal, stdout: this.stdout, stderr: this.stderr }
    })
    this.ended.catch(() => {
      this.#over = true // if the program does not exist, line() and stop() throw
      this.#wake()
    })
  }

  #wake(): void {
    for (const resume of this.#waiting.splice(0)) resume()
  }

  /** Waits for a line of its stdout or stderr that matches, and resolves with the match. */
  async line(pattern: RegExp, timeout = 10000): Promise<RegExpExecArray> {
    const late = Date.now() + timeout
    for (;;) {
      for (const text of [this.stdout, this.stderr]) {
        const match = text
          .split('\n')
          .slice(0, -1)
          .map(each => pattern.exec(each))
          .find(each => each !== null)
        if (match !== undefined) return match
      }
      const left = late - Date.now()
      if (this.#over || left <= 0) {
        const why = this.#over ? 'it ended' : `${timeout} ms`
        throw new Error(
          `${this.child.spawnargs.join(' ')}: no ${pattern} (${why})\n${this.stdout}${this.stderr}`,
        )
      }
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, left)
        this.#waiting.push(() => (clearTimeout(timer), resolve()))
      })
    }
  }

  /** Writes text to the stdin of the program. */
  write(text: string): void {
    this.child.stdin!.write(text)
  }

  /** Sends the signal, and SIGKILL after 2 s. Resolves with how the program ended. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.child.kill(signal)
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 2000)
    try {
      return await this.ended
    } finally {
      clearTimeout(timer)
    }
  }
}

/** A network namespace that has only `lo`, which is up. */
export class Namespace {
  readonly #peers: Peer[] = []

  /** `holder` is the process that keeps the namespace alive. */
  constructor(readonly holder: ChildProcess) {}

  /** The path of the namespace, for `new Socket(…, { netns })`. */
  get netns(): string {
    return `/proc/${this.holder.pid}/ns/net`
  }

  /** Runs a program inside the namespace to its end; see `run` in child.ts. */
  run(program: string, args: string[], options: RunOptions = {}): Promise<Ended> {
    return run('nsenter', this.#inside(program, args), options)
  }

  /** Runs shell commands inside the namespace and resolves with their output. Throws if one of them fails. */
  async shell(commands: string): Promise<string> {
    const ended = await this.run('sh', ['-ec', commands])
    if (ended.code !== 0) throw new Error(`${commands}\n${ended.stdout}${ended.stderr}`)
    return ended.stdout
  }

  /** Starts a program inside the namespace. It runs until it ends, or until `stop()` or `close()`. */
  start(program: string, args: string[], env: Record<string, string> = {}): Peer {
    const child = spawn('nsenter', this.#inside(program, args), { env: { ...process.env, ...env } })
    const peer = new Peer(child)
    this.#peers.push(peer)
    return peer
  }

  /** Kills every program started inside, then ends the holder. The kernel frees the namespace with its last socket. */
  async close(): Promise<void> {
    await Promise.all(this.#peers.map(peer => peer.stop('SIGKILL').catch(() => undefined)))
    if (this.holder.exitCode !== null || this.holder.signalCode !== null) return
    const closed = once(this.holder, 'close')
    this.holder.stdin!.end()
    await closed
  }

  // Programs started inside are killed when this process ends.
  #inside(program: string, args: string[]): string[] {
    const target = ['--target', String(this.holder.pid), '--net', '--']
    return [...target, 'setpriv', '--pdeathsig', 'KILL', '--', program, ...args]
  }
}

/** One side of a network: a namespace with one end of the veth pair. */
export class Side extends Namespace {
  /** The interface of this side. `index` is 0 until the network is made. */
  readonly interface: { name: string; index: number; mac: string }
  readonly v4: string
  readonly v6: string
  readonly linkLocal: string

  constructor(holder: ChildProcess, name: string, host: number) {
    super(holder)
    this.interface = { name, index: 0, mac: `02:77:00:00:00:0${host}` }
    this.v4 = `10.77.0.${host}`
    this.v6 = `fd77::${host}`
    this.linkLocal = `fe80::${host}`
  }
}

export interface Network {
  /** The side with `a0`: 10.77.0.1/24, fd77::1/64, fe80::1. */
  a: Side
  /** The side with `b0`: 10.77.0.2/24, fd77::2/64, fe80::2. */
  b: Side
  close(): Promise<void>
}

/** Makes one isolated namespace. */
export async function makeNamespace(): Promise<Namespace> {
  return new Namespace(await hold())
}

/** Makes two isolated namespaces with a veth pair between them. Multicast is routed over the pair. */
export async function makeNetwork(options: NetworkOptions = {}): Promise<Network> {
  const [first, second] = await Promise.all([hold(), hold()])
  const [a, b] = [new Side(first, 'a0', 1), new Side(second, 'b0', 2)]
  const close = async (): Promise<void> => {
    await Promise.all([a.close(), b.close()])
  }
  try {
    await a.shell(`ip link add a0 type veth peer name b0 netns ${b.holder.pid}`)
    await Promise.all([configure(a, options), configure(b, options)])
    return { a, b, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function configure(side: Side, { ping = false, mtu = 1500 }: NetworkOptions): Promise<void> {
  const { name, mac } = side.interface
  const links = await side.shell(`
    ip link set ${name} address ${mac} addrgenmode none mtu ${mtu}
    ip link set ${name} up
    ip addr add ${side.v4}/24 dev ${name}
    ip addr add ${side.v6}/64 dev ${name} nodad
    ip addr add ${side.linkLocal}/64 dev ${name} nodad
    ip route add 224.0.0.0/4 dev ${name}
    ${ping ? 'echo 0 2147483647 > /proc/sys/net/ipv4/ping_group_range' : ''}
    until ip link show ${name} | grep -q 'state UP'; do sleep 0.01; done
    ip -json link show ${name}`)
  side.interface.index = (JSON.parse(links) as [{ ifindex: number }])[0].ifindex
}

/** Starts the process that keeps a namespace alive. */
async function hold(): Promise<ChildProcess> {
  const script = 'ip link set lo up && echo ready && exec cat > /dev/null'
  const child = spawn('unshare', ['--net', 'sh', '-c', script])
  let [stdout, stderr] = ['', '']
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => reject(new Error(`unshare --net: ${stderr}`)))
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      if (stdout.includes('ready\n')) resolve()
    })
  })
  return child
}
