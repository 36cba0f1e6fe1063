// Takes a sample: runs a client and usually a server, each on one core, for a measured window.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import path from 'node:path'

const ADDRESSES = { tcp: 'tcp:127.0.0.1:0', udp: 'udp:127.0.0.1:0' }

function pinned(core, argv, stdin) {
  const env = { ...process.env, NODE_OPTIONS: '' }
  return spawn('taskset', ['-c', String(core), ...argv], { stdio: [stdin, 'pipe', 'inherit'], env })
}

async function line(child, what) {
  let text = ''
  const read = async () => {
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      text += chunk
      if (text.includes('\n')) return text.slice(0, text.indexOf('\n'))
    }
    throw new Error(`${what} ended without an answer`)
  }
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not answer in time`)), 60_000)
  })
  try {
    return await Promise.race([read(), late])
  } finally {
    clearTimeout(timer)
  }
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.stdin?.end()
  child.kill('SIGTERM')
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
 * Runs `server` and `client`, which are commands of commands.mjs. The server gets the address of `transport`. The
 * client gets the address that the server announced (or `address`, without a server), WARMUP, SECONDS and the server's
 * pid.
 */
export async function runPair({
  transport,
  address,
  network,
  server,
  client,
  warmup,
  seconds,
  cores,
  directory,
}) {
  const socket = path.join(directory, 'socket')
  for (const each of [socket, `${socket}.c`]) rmSync(each, { force: true })
  const space = network === undefined ? [] : isolated(network)
  const where = ADDRESSES[transport] ?? `${transport}:${socket}`
  const children = []
  const start = (core, argv, stdin) => {
    const child = pinned(core, argv, stdin)
    children.push(child)
    return child
  }
  try {
    let [ready, pid, prefix] = [address ?? '-', 0, space]
    if (server !== undefined) {
      const child = start(cores.server, [...space, ...server.argv, where, ...server.args], 'pipe')
      ready = (await line(child, 'the server')).replace(/^ready /, '')
      pid = child.pid
      if (network !== undefined) prefix = joined(pid)
    }
    const window = [ready, warmup, seconds, pid].map(String)
    const argv = [...prefix, ...client.argv, ...window, ...client.args]
    const answer = JSON.parse(await line(start(cores.client, argv, 'ignore'), 'the client'))
    return answer.missing === undefined ? sampleOf(answer) : answer
  } finally {
    for (const child of children.reverse()) await end(child)
  }
}
