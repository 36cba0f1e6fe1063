// systemd-notify(1) in a page: tells a service manager how a service is doing, sd_notify(3).
//
//   node examples/sd-notify.mjs [--ready] [--stopping] [--status text] [--pid number] [NAME=value…]
//
// The manager leaves the name of its socket in $NOTIFY_SOCKET: a path, or @name for an abstract one. Exits with 0
// when the message was sent, 1 when it was not, 3 when nobody asked for one. --pid speaks for another process
// (MAINPID=), with its number in the credentials, which needs CAP_SYS_ADMIN. Linux.
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
      // Without them the kernel fills in who we are, for a manager that asks (SO_PASSCRED).
      control: [control.credentials({ pid, uid: process.getuid(), gid: process.getgid() })],
    },
    { timeout: 2000 },
  )
} catch (error) {
  console.error(`sd-notify: ${error.message}`)
  process.exitCode = 1
} finally {
  socket.close()
}
