import { createConnection, createServer, serve, type ServeOptions, type Server, type Socket } from '../../lib'
import { turn } from '../helpers/pairs'

/* What the tests of serve share. */
export const bytes = (text: string): Buffer => Buffer.from(text)
export const portOf = (server: Server): number => (server.address as { port: number }).port
export const connect = (server: Server): Promise<Socket> =>
  createConnection({ host: '127.0.0.1', port: portOf(server) })

/** A handler that sends everything back until the client's EOF. */
export async function echo(connection: Socket): Promise<void> {
  for (;;) {
    const data = await connection.recv(65536)
    if (data.length === 0) return
    await connection.sendAll(data)
  }
}

export async function serving(
  handler: (connection: Socket, server: Server) => unknown = echo,
  options?: ServeOptions,
): Promise<Server> {
  return serve(await createServer({ host: '127.0.0.1', backlog: 1024 }), handler, options)
}

/** A gate at which handlers wait. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open!: () => void
  const opened = new Promise<void>(resolve => (open = resolve))
  return { opened, open }
}

/** Waits turn by turn until the condition is true. */
export async function until(condition: () => boolean): Promise<void> {
  const late = Date.now() + 10000
  while (!condition()) {
    if (Date.now() > late) throw new Error(`never: ${String(condition)}`)
    await turn()
  }
}
