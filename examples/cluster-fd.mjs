// @ts-check
// One listening socket for all cores: the main thread opens it and passes its descriptor number to the workers, which
// all accept from it. A free worker accepts the next connection, so no connection waits for a busy worker.
//
//   node examples/cluster-fd.mjs [port or path] [workers]     then: nc 127.0.0.1 8080     Ctrl-C ends it
import { availableParallelism } from 'node:os'
import { isMainThread, parentPort, threadId, Worker, workerData } from 'node:worker_threads'
import { createServer, serve, Socket } from 'bsd-sockets'

if (isMainThread) {
  const [where = '0', workers = availableParallelism()] = process.argv.slice(2)
  const options = /^\d+$/.test(where)
    ? { host: '127.0.0.1', port: Number(where) }
    : { path: where, unlink: true }
  const listener = await createServer(options)
  const threads = Array.from({ length: Number(workers) }, () => {
    // Each worker gets a duplicate and closes it.
    const fd = listener.dup().detach()
    return new Worker(new URL(import.meta.url), { workerData: fd })
  })
  await Promise.all(threads.map(thread => new Promise(resolve => thread.once('message', resolve))))
  console.log(`${workers} workers on ${listener.getsockname()}`)
  listener.close() // the descriptor of this thread
  process.once('SIGINT', () => {
    for (const thread of threads) thread.postMessage('stop')
  })
} else {
  const server = serve(Socket.adopt(workerData), async (connection, { stopping }) => {
    await connection.sendAll(Buffer.from(`worker ${threadId}\n`))
    for (;;) {
      const data = await connection.recv(65536, { signal: stopping })
      if (data.length === 0) return
      await connection.sendAll(data)
    }
  }, { maxConnections: 100, onError: (/** @type {any} */ error) => error.name === 'AbortError' || console.error(error) }) // prettier-ignore
  parentPort?.postMessage('ready')
  parentPort?.once('message', () => server.close({ drain: 1000 }))
}
