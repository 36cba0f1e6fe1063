// @ts-check
// Passes sockets on: a listening socket to a child process that inherits it, and to another one over a socketpair; a
// connection to a worker thread. The new owner answers.
//
//   node examples/fd-pass.mjs
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker, isMainThread, workerData } from 'node:worker_threads'
import { Socket, createServer } from 'bsd-sockets'

const self = fileURLToPath(import.meta.url)

/** Sends a name over one connection. */
async function answer(/** @type {Socket} */ connection, /** @type {string} */ who) {
  await connection.sendAll(Buffer.from(`answered by ${who}`))
  connection.close()
}

/** Descriptor 3 of the child is the listening socket, or a socket over which it receives the listening socket. */
async function child(/** @type {string} */ how) {
  let listener = Socket.adopt(3)
  if (how === 'sent') {
    const channel = listener
    const { fds } = await channel.recvFds(1, 1)
    if (fds[0] === undefined) throw new Error('no descriptor was received')
    listener = Socket.adopt(fds[0].release()) // the Socket now owns the descriptor
    channel.close()
  }
  await answer(await listener.accept(), 'a child process')
  listener.close()
}

/** Connects and reads to the end of the stream. */
async function ask(/** @type {import('bsd-sockets').Address} */ address) {
  const socket = new Socket()
  await socket.connect(address)
  let text = ''
  for (let part; (part = await socket.recv(1000)).length > 0;) text += part
  socket.close()
  return text
}

function start(/** @type {string} */ how, /** @type {number} */ fd) {
  const started = spawn(process.execPath, [self, how], { stdio: ['ignore', 'inherit', 'inherit', fd] })
  return once(started, 'close')
}

async function main() {
  const listener = await createServer({ host: '127.0.0.1' })
  const address = listener.getsockname()

  // 1. By inheritance: a descriptor in `stdio` is open in the child, despite close-on-exec.
  let ended = start('inherited', listener.fd)
  console.log(`inherited listener: ${await ask(address)}`)
  await ended

  // 2. Over a socketpair, which also works with a process that is already running. The kernel duplicates the
  // descriptor.
  const [ours, theirs] = Socket.pair()
  ended = start('sent', theirs.fd)
  theirs.close()
  await ours.sendFds(Buffer.of(0), [listener])
  console.log(`sent listener: ${await ask(address)}`)
  await ended
  ours.close()

  // 3. To a worker thread: all threads of a process share the table of descriptors, so the number is enough. A
  // descriptor must have one owner: detach() here, adopt() there.
  const asking = ask(address)
  const connection = await listener.accept()
  const worker = new Worker(self, { workerData: connection.detach() })
  console.log(`connection in a worker: ${await asking}`)
  await once(worker, 'exit')
  listener.close()
}

if (!isMainThread) await answer(Socket.adopt(workerData), 'a worker thread')
else if (process.argv[2] !== undefined) await child(process.argv[2])
else await main()
