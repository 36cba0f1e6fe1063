// Runs a client and usually a server, each on one core, and measures windows of their work. Between two windows both stand still.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'

const ADDRESSES = { tcp: 'tcp:127.0.0.1:0', udp: 'udp:127.0.0.1:0' }

function pinned(core, argv) {
  const env = { ...process.env, NODE_OPTIONS: '' }
  // A server that is stopped would not notice the end of the runner.
  const kept = ['--pdeathsig', 'KILL', 'taskset', '-c', String(core), ...argv]
  return spawn('setpriv', kept, { stdio: ['pipe', 'pipe', 'inherit'], env })
}

/** Returns a function that reads the next line of what a program writes. */
function linesOf(child, what) {
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return async () => {
    let timer
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${what} did not answer in time`)), 20_000)
    })
    try {
      const { done, value } = await Promise.race([lines.next(), late])
      if (done) throw new Error(`${what} ended without an answer`)
      return value
    } finally {
      clearTimeout(timer)
    }
  }
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.stdin.end()
  child.kill('SIGTERM')
  child.kill('SIGCONT')
  const timer = setTimeout(() => child.kill('SIGKILL'), 2000)
  await exit
  clearTimeout(timer)
}

/** Creates a network namespace, runs a line of shell in it, and runs the client there. */
const isolated = setup => ['unshare', '--net', 'sh', '-c', `${setup} && exec "$0" "$@"`]
const joined = pid => ['nsenter', `--net=/proc/${pid}/ns/net`]

/** Computes rates and CPU of the window from the client's output. Unknown fields are passed on unchanged. */
export function sampleOf({ messages = 1, seconds, serverCpu = 0, clientCpu = 0, machineCpu, ...more }) {
  const foreign = ((machineCpu - serverCpu - clientCpu) / seconds) * 100
  return {
    rate: messages / seconds,
    serverCpu: (serverCpu / messages) * 1e6,
    clientCpu: (clientCpu / messages) * 1e6,
    serverLoad: (serverCpu / seconds) * 100,
    clientLoad: (clientCpu / seconds) * 100,
    foreign: Math.max(0, foreign),
    ...more,
  }
}

/**
 * Starts `server` and `client`, which are commands of commands.mjs. The server gets the address of `transport`. The
 * client gets the address that the server announced (or `address`, without a server) and the server's pid. `socket` is
 * a path for servers over AF_UNIX. Returns `measure(seconds)`, which resolves with a sample, and `end()`.
 */
export async function startPair({ transport, address, network, server, client, cores, socket }) {
  const space = network === undefined ? [] : isolated(network)
  const where = ADDRESSES[transport] ?? `${transport}:${socket}`
  const children = []
  const start = (core, argv) => {
    const child = pinned(core, argv)
    children.push(child)
    return child
  }
  const finish = async () => {
    for (const child of children.reverse()) await end(child)
    for (const each of [socket, `${socket}.c`]) rmSync(each, { force: true })
  }
  try {
    let [ready, served, prefix] = [address ?? '-', null, space]
    if (server !== undefined) {
      served = start(cores.server, [...space, ...server.argv, where, ...server.args])
      ready = (await linesOf(served, 'the server')()).replace(/^ready /, '')
      if (network !== undefined) prefix = joined(served.pid)
    }
    const argv = [...prefix, ...client.argv, ready, String(served?.pid ?? 0), ...client.args]
    const child = start(cores.client, argv)
    const answer = linesOf(child, 'the client')
    const measure = async seconds => {
      served?.kill('SIGCONT')
      child.stdin.write(`${seconds}\n`)
      const measured = JSON.parse(await answer())
      served?.kill('SIGSTOP')
      return measured.missing === undefined ? sampleOf(measured) : measured
    }
    return { measure, end: finish }
  } catch (error) {
    await finish()
    throw error
  }
}
