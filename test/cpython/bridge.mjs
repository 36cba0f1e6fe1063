// The Node side of the bridge: makes the socket calls of a Python process with this package.
//
//   node bridge.mjs promises|sync PATH
//
// Python connects to PATH once for each call that it makes at the same time. With promises, one event loop serves all
// these channels. The blocking flavour has a worker for each channel, because a call blocks its thread.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import * as raw from 'bsd-sockets/raw'
import { toPython } from './addresses.mjs'
import { receive, send, tuple } from './codec.mjs'
import { functions, methods } from './operations.mjs'

const [flavour, path] = isMainThread ? process.argv.slice(2) : [workerData]
const blocking = flavour === 'sync'
const sockets = await import(blocking ? 'bsd-sockets/sync' : 'bsd-sockets')
const { Socket } = sockets
const inModule = functions(sockets)

/** Sockets by their descriptor. Promises: the Socket stays. Blocking: each call has a Socket on a duplicate. */
const open = new Map()
const owners = blocking
  ? {
      keep: socket => socket.detach(),
      borrow: fd => Socket.dup(fd),
      giveBack: socket => socket.close(),
      take: fd => Socket.adopt(fd),
    }
  : {
      keep: socket => (open.set(socket.fd, socket), socket.fd),
      borrow: fd => open.get(fd),
      giveBack: () => undefined,
      take: fd => {
        const socket = open.get(fd)
        open.delete(fd)
        return socket
      },
    }

/** Calls that make or end a socket. */
function lifetimes(give) {
  const made = socket => {
    const { family, type, protocol } = socket
    const id = owners.keep(socket)
    return tuple(id, give(id), family, type, protocol)
  }
  return {
    create: (...args) => made(new Socket(...args)),
    pair: (...args) => tuple(...Socket.pair(...args).map(made)),
    adopt: handle => made(Socket.adopt(handle.release())),
    close: id => owners.take(id).close(),
    detach: (id, blocking) => raw.close(owners.take(id).detach({ blocking })),
    made,
  }
}

/** Makes one call. Resolves with the reply and the descriptors that go with it. */
async function perform({ call, socket: id, args, flags, timeout }, signal) {
  const fds = []
  const give = file => ({ fd: fds.push(file) - 1 })
  const life = lifetimes(give)
  if (id === undefined) return { value: await (life[call] ?? inModule[call])(...args), fds }
  const socket = owners.borrow(id)
  try {
    const op = signal === undefined ? { flags, timeout } : { flags, timeout, signal }
    if (call !== 'accept') return { value: await methods(sockets, give)[call](socket, op, ...args), fds }
    const accepted = await socket.accept(op)
    const { remoteAddress } = accepted
    return { value: tuple(life.made(accepted), toPython(remoteAddress)), fds }
  } finally {
    owners.giveBack(socket)
  }
}

async function answer(channel, { message: request, fds: files }, signal) {
  let reply
  try {
    reply = await perform(request, signal)
  } catch (error) {
    const { code, errno, message } = error
    if (code === undefined) console.error(request.call, error)
    reply = { error: { code, errno, message }, fds: [] }
  }
  const { fds, ...message } = reply
  await send(channel, message, fds).catch(() => undefined) // a signal handler of Python ended the call
  for (const file of [...fds, ...files]) if (typeof file === 'object') file.close()
}

/** Serves one channel until Python closes it. With promises that also aborts the call that is in progress. */
async function converse(channel) {
  let next = receive(channel)
  for (let request = await next; request !== null; request = await next) {
    const controller = blocking ? undefined : new AbortController()
    if (!blocking) {
      next = receive(channel)
      next.then(
        following => following ?? controller.abort(),
        () => controller.abort(),
      )
    }
    await answer(channel, request, controller?.signal)
    if (blocking) next = receive(channel)
  }
  channel.close()
}

const idle = []
function makeWorker() {
  const worker = new Worker(new URL(import.meta.url), { workerData: flavour })
  return worker.on('message', () => idle.push(worker))
}

if (isMainThread) {
  const { createServer } = await import('bsd-sockets')
  const server = await createServer({ path })
  console.log('ready')
  for await (const channel of server.connections()) {
    if (blocking) (idle.pop() ?? makeWorker()).postMessage(channel.detach())
    else converse(channel).catch(error => (console.error(error), channel.close()))
  }
} else {
  parentPort.on('message', async fd => {
    await converse(Socket.adopt(fd)).catch(error => console.error(error))
    parentPort.postMessage('idle')
  })
}
