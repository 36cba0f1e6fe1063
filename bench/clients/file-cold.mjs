// file-cold.mjs ADDRESS WARMUP SECONDS SERVER_PID FILE bsd | pipe: sends one file that is not in the page cache, and
// says how long the event loop was held up at most. The warm-up sends the beginning of it, from the cache.
import { spawnSync } from 'node:child_process'
import { createReadStream, readFileSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import net from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { AF_INET, SOCK_STREAM, Socket } from 'bsd-sockets'
import { parseAddress, report, spend } from '../lib/ends.mjs'

const WARM = 16 << 20
const [text, , , , name, style] = process.argv.slice(2)
const { host, port } = parseAddress(text)

async function bsd() {
  const file = await open(name)
  const socket = new Socket(AF_INET, SOCK_STREAM)
  await socket.connect([host, port])
  return length => socket.sendfile(file, length === undefined ? {} : { length })
}

async function pipe() {
  const socket = net.connect(port, host)
  await new Promise(resolve => socket.once('connect', resolve))
  return async length => {
    const part = length === undefined ? {} : { end: length - 1 }
    await pipeline(createReadStream(name, part), socket, { end: false })
    return length
  }
}

function drop() {
  const { status } = spawnSync('dd', [`if=${name}`, 'iflag=nocache', 'count=0', 'status=none'])
  if (status !== 0) throw new Error('dd cannot drop the page cache of the file')
}

/** How long the loop's thread was ready to run and had no core, in ms so far. */
const waited = () =>
  Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[1]) / 1e6

const send = await (style === 'bsd' ? bsd : pipe)()
await send(WARM)
drop()
await sleep(200)
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
await sleep(50)
delay.reset()
const [first, before] = [spend(), waited()]
await send()
const [last, after] = [spend(), waited()]
delay.disable()
// The monitor's own timer of 1 ms is part of what it shows.
const ms = value => Math.max(0, value / 1e6 - 1)
report(first, last, {
  messages: statSync(name).size,
  delay: ms(delay.max),
  delay99: ms(delay.percentile(99)),
  waited: after - before,
})
