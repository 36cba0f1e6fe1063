// The commonest kind of sample: a server and a client, each on a core, for a measured window.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import path from 'node:path'
import { file, program } from './build.mjs'

const pinned = (core, command, stdio) =>
  spawn('taskset', ['-c', String(core), ...command], { stdio, env: { ...process.env, NODE_OPTIONS: '' } })

export const c = name => [program(name)]
export const node = (...parts) => [process.execPath, file(...parts)]

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
  const timer = setTimeout(() => child.kill('SIGKILL'), 2000)
  await exit
  clearTimeout(timer)
}

/**
 * Runs `server` (a command; the address is added) and `client` (a function of the address and the server's
 * pid that gives a command), which prints what measureWindow prints. Gives rates and CPU of the window.
 */
export async function runPair({ transport, server: [program, script, ...args], client, cores, directory }) {
  const socket = path.join(directory, 'socket')
  rmSync(socket, { force: true })
  const address = transport === 'unix' ? `unix:${socket}` : 'tcp:127.0.0.1:0'
  // The address comes first for the program, or after its script.
  const command = script === undefined ? [program, address] : [program, script, address, ...args]
  const server = pinned(cores.server, command, ['pipe', 'pipe', 'inherit'])
  let peer
  try {
    const ready = (await line(server, 'the server')).replace(/^ready /, '')
    peer = pinned(cores.client, client(ready, server.pid), ['ignore', 'pipe', 'inherit'])
    const used = JSON.parse(await line(peer, 'the client'))
    const { messages, seconds, serverCpu, clientCpu, machineCpu } = used
    return {
      rate: messages / seconds,
      serverCpu: (serverCpu / messages) * 1e6,
      clientCpu: (clientCpu / messages) * 1e6,
      serverLoad: (serverCpu / seconds) * 100,
      foreign: Math.max(0, ((machineCpu - serverCpu - clientCpu) / seconds) * 100),
    }
  } finally {
    if (peer !== undefined) await end(peer)
    await end(server)
  }
}
