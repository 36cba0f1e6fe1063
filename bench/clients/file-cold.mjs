// file-cold.mjs ADDRESS SERVER_PID FILE bsd | pipe | idle: in each window sends one file that is not in the page cache,
// and reports the longest delay of the event loop. The warm-up sends the beginning of the file, from the cache.
// `idle` sends the file from another process and measures an idle loop: the delay that the machine itself adds.
import { fork, spawnSync } from 'node:child_process'
import { createReadStream, readFileSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import net from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { AF_INET, SOCK_STREAM, Socket } from 'bsd-sockets'
import { answer, asked, parseAddress, since, spend } from '../lib/ends.mjs'

const WARM = 16 << 20
const [text, , name, style] = process.argv.slice(2)
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

/** Returns how long the loop's thread was ready to run and had no core, in ms since its start. */
const waited = () =>
  Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[1]) / 1e6

/** Runs `work` and returns the delays of the event loop during that time. */
async function watch(work) {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await sleep(50)
  delay.reset()
  const before = waited()
  const result = await work()
  delay.disable()
  // The monitor's own timer of 1 ms is included in its values.
  const ms = value => Math.max(0, value / 1e6 - 1)
  return { result, delay: ms(delay.max), delay99: ms(delay.percentile(99)), waited: waited() - before }
}

async function sending(connect) {
  const send = await connect()
  await send(WARM)
  for (;;) {
    asked()
    drop()
    await sleep(200)
    const { result, ...loop } = await watch(async () => {
      const first = spend()
      await send()
      return since(first)
    })
    answer({ messages: statSync(name).size, ...result, ...loop })
  }
}

async function beside() {
  for (;;) {
    asked()
    const other = fork(process.argv[1], [...process.argv.slice(2, -1), 'bsd'], {
      stdio: ['pipe', 'pipe', 'inherit', 'ipc'],
    })
    other.stdin.end('1\n')
    const { result, ...loop } = await watch(() => other.stdout.toArray())
    answer({ ...JSON.parse(Buffer.concat(result)), ...loop })
  }
}

await (style === 'idle' ? beside() : sending(style === 'bsd' ? bsd : pipe))
