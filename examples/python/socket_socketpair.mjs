// Parent and child exchange messages over a socketpair. The child is this program, or the named command.
// Usage: node socket_socketpair.mjs [command …]      the child's descriptor is 3
import { spawn } from 'node:child_process'
import { Socket } from 'bsd-sockets'

const [first, ...rest] = process.argv.slice(2)
if (first === '--child') {
  const parent = Socket.adopt(Number(rest[0]))
  console.log(`in child, waiting for message`)
  console.log(`message from parent: ${await parent.recv(1024)}`)
  await parent.sendAll(Buffer.from('pong'))
  parent.close()
} else {
  const command = first ? [first, ...rest] : [process.execPath, process.argv[1], '--child', '3']
  const [ours, theirs] = Socket.pair()
  spawn(command[0], command.slice(1), { stdio: ['ignore', 'inherit', 'inherit', theirs.fd] })
  theirs.close() // the child has inherited it
  await ours.sendAll(Buffer.from('ping'))
  console.log(`response from child: ${await ours.recv(1024)}`)
  ours.close()
}
