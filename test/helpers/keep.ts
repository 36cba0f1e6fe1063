interface Closable {
  close(): void
}

/** Returns a function that returns its argument, which is closed after the test. Call it once, at the top of a file. */
export function keeper(): <T extends Closable>(socket: T) => T {
  let open: Closable[] = []
  afterEach(() => {
    for (const socket of open) socket.close()
    open = []
  })
  return socket => {
    open.push(socket)
    return socket
  }
}
