// A socket changes hands: a listener goes to a child process that inherits it and to another one that gets it
// over a socketpair, a connection goes to a worker thread. Who has it then answers.
//
//   node examples/fd-pass.mjs
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker, isMainThread, workerData } from 'node:worker_threads'
import { Socket, createServer } from 'bsd-sockets'

const self = fileURLToPath(import.meta.url)

/** Says who it is to one connection. */
async function answer(connection, who) {
  await connection.sendAll(Buffer.from(`answered by ${who}`))
  connection.close()
}

/** The child finds a descriptor as its number 3: the listener, or a socket that the listener comes over. */
async function child(how) {
  let listener = Socket.adopt(3)
  if (how === 'sent') {
    const channel = listener
    const { fds } = await channel.recvFds(1, 1)
    listener = Socket.adopt(fds[0].release()) // the number is ours from here on, and then the socket's
    channel.close()
  }
  await answer(await listener.accept(), 'a child process')
  listener.close()
}

/** Connects and reads to the end. */
async function ask(address) {
  const socket = new Socket()
  await socket.connect(address)
  let text = ''
  for (let part; (part = await socket.recv(1000)).length > 0;) text += part
  socket.close()
  return text
}

function start(how, fd) {
  const started = spawn(process.execPath, [self, how], { stdio: ['ignore', 'inherit', 'inherit', fd] })
  return once(started, 'close')
}

async function main() {
  const listener = await createServer({ host: '127.0.0.1' })
  const address = listener.getsockname()

  // 1. By inheritance: what stdio names is open in the child, whatever close-on-exec says.
  let ended = start('inherited', listener.fd)
  console.log(`inherited listener: ${await ask(address)}`)
  await ended

  // 2. Over a socketpair, also to a process that is running already. The kernel duplicates it.
  const [ours, theirs] = Socket.pair()
  ended = start('sent', theirs.fd)
  theirs.close()
  await ours.sendFds(Buffer.of(0), [listener])
  console.log(`sent listener: ${await ask(address)}`)
  await ended
  ours.close()

  // 3. To a worker thread: a process has one table of descriptors, so the number is enough. It has one owner
  // at a time: detach() here, adopt() there.
  const asking = ask(address)
  const connection = await listener.accept()
  const worker = new Worker(self, { workerData: connection.detach() })
  console.log(`connection in a worker: ${await asking}`)
  await once(worker, 'exit')
  listener.close()
}

if (!isMainThread) await answer(Socket.adopt(workerData), 'a worker thread')
else if (process.argv.length > 2) await child(process.argv[2])
else await main()
