// @ts-check
// One server on every core: each worker has its own listening socket on the same port (SO_REUSEPORT), and the kernel
// distributes the connections.
//
//   node examples/cluster-reuseport.mjs [port] [workers]     then: nc 127.0.0.1 8080     Ctrl-C ends it
import { availableParallelism } from 'node:os'
import { isMainThread, parentPort, threadId, Worker, workerData } from 'node:worker_threads'
import { createServer, serve } from 'bsd-sockets'

if (isMainThread) {
  const [port = 0, workers = availableParallelism()] = process.argv.slice(2).map(Number)
  // This socket is bound but does not listen. It reserves the port, also if the kernel chose it.
  const { AF_INET, Socket, SOCK_STREAM, SOL_SOCKET, SO_REUSEPORT } = await import('bsd-sockets')
  const keeper = new Socket(AF_INET, SOCK_STREAM)
  keeper.setsockopt(SOL_SOCKET, SO_REUSEPORT, 1)
  keeper.bind(['127.0.0.1', port])
  const shared = keeper.getsockname().port
  const threads = Array.from(
    { length: workers },
    () => new Worker(new URL(import.meta.url), { workerData: shared }),
  )
  await Promise.all(threads.map(thread => new Promise(resolve => thread.once('message', resolve))))
  console.log(`${workers} workers on 127.0.0.1:${shared}`)
  process.once('SIGINT', () => {
    for (const thread of threads) thread.postMessage('stop')
    keeper.close()
  })
} else {
  const listener = await createServer({ host: '127.0.0.1', port: workerData, reusePort: true })
  const server = serve(listener, async (connection, { stopping }) => {
    await connection.sendAll(Buffer.from(`worker ${threadId}\n`))
    for (;;) {
      const data = await connection.recv(65536, { signal: stopping })
      if (data.length === 0) return
      await connection.sendAll(data)
    }
  }, { onError: (/** @type {any} */ error) => error.name === 'AbortError' || console.error(error) }) // prettier-ignore
  parentPort?.postMessage('ready')
  parentPort?.once('message', () => server.close({ drain: 1000 }))
}
