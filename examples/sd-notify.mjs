// @ts-check
// systemd-notify(1) in a page: reports the state of a service to the service manager. sd_notify(3)
//
//   node examples/sd-notify.mjs [--ready] [--stopping] [--status text] [--pid number] [NAME=value…]
//
// The address of the manager's socket is in $NOTIFY_SOCKET: a path, or @name for an abstract name. Exits with 0 if the
// message was sent, 1 if the send failed, 3 if $NOTIFY_SOCKET is not set. --pid reports for another process (MAINPID=)
// with the number of that process in the credentials, which needs CAP_SYS_ADMIN. Linux.
import { parseArgs } from 'node:util'
import { AF_UNIX, SOCK_DGRAM, Socket, control } from 'bsd-sockets'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ready: { type: 'boolean' },
    stopping: { type: 'boolean' },
    status: { type: 'string' },
    pid: { type: 'string' },
  },
})
const pid = values.pid === undefined ? process.pid : Number(values.pid)
const state = [
  ...(values.ready ? ['READY=1'] : []),
  ...(values.stopping ? ['STOPPING=1'] : []),
  ...(values.status === undefined ? [] : [`STATUS=${values.status}`]),
  ...(values.pid === undefined ? [] : [`MAINPID=${pid}`]),
  ...positionals,
]
if (state.length === 0 || state.some(line => !/^[A-Z_]+=[^\n]*$/.test(line)) || !(pid > 0)) {
  console.error('usage: sd-notify.mjs [--ready] [--stopping] [--status text] [--pid number] [NAME=value…]')
  process.exit(2)
}

const name = process.env.NOTIFY_SOCKET
if (name === undefined || !/^[/@]./.test(name)) {
  console.error('sd-notify: no NOTIFY_SOCKET: not started by a service manager')
  process.exit(3)
}

const socket = new Socket(AF_UNIX, SOCK_DGRAM)
try {
  await socket.sendmsg(
    {
      data: Buffer.from(state.join('\n')),
      address: name.replace(/^@/, '\0'),
      // Without them the kernel adds the credentials of this process, if the manager has set SO_PASSCRED.
      control: [control.credentials({ pid, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 })],
    },
    { timeout: 2000 },
  )
} catch (error) {
  console.error(`sd-notify: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
} finally {
  socket.close()
}
