/*
 * Other code replaces a method of a built-in prototype by one that throws, while records of many sockets are dispatched,
 * sockets are closed and signals fire. Every operation on other sockets still ends, and no data is lost.
 *
 * Left out: Array.prototype.pop, Function.prototype.call and apply, which Node itself calls for each callback.
 */
import { runNode } from '../helpers/child'

const script = (host: string, key: string): string => `
const host = ${host}, key = ${key}
const before = Object.getOwnPropertyDescriptor(host, key)
const { defineProperty } = Object
const uncaught = []
for (const event of ['uncaughtException', 'unhandledRejection'])
  process.on(event, error => { uncaught[uncaught.length] = error.stack })
const results = {}
const names = []
const note = (name, promise, expected) => {
  names.push(name)
  promise.then(value => { results[name] = value === expected ? 'ok' : String(value) }, error => { results[name] = error.stack })
}
const udp = () => new Socket(c.AF_INET, c.SOCK_DGRAM).bind(['127.0.0.1', 0])
async function main() {
  const pairs = Array.from({ length: 7 }, () => Socket.pair())
  const [a, b] = Socket.pair(c.AF_UNIX, c.SOCK_DGRAM)
  const [u, v, sender] = [udp(), udp(), udp()]
  const ends = [u.getsockname(), v.getsockname()]
  const full = Socket.pair()
  let filled = 0
  for (let sent; (sent = full[0].trySend(Buffer.alloc(1 << 16))) !== null;) filled += sent
  const listener = await c.createServer({ host: '127.0.0.1', port: 0 })
  const { port } = listener.getsockname()
  note('recv', pairs[0][1].recv(10).then(String), 'data')
  note('next recv', pairs[0][1].recv(10).then(String), 'again')
  note('recvmsg', a.recvmsg(10).then(message => String(message.data)), 'data')
  note('recvInto', pairs[1][1].recvInto(Buffer.alloc(10)), 4)
  note('large recv', pairs[2][1].recv(100000).then(data => data.length), 20000)
  note('timeout', pairs[3][1].recv(10, { timeout: 15 }).catch(error => error.code), 'ERR_SOCKET_TIMEOUT')
  const abort = new AbortController()
  note('signal', pairs[3][0].recv(10, { signal: abort.signal }).catch(error => error.name), 'AbortError')
  const [x, y] = Socket.pair(c.AF_UNIX, c.SOCK_DGRAM)
  note('closed', x.recv(1).catch(error => error.code), 'ECANCELED')
  note('closed too', x.recv(1).catch(error => error.code), 'ECANCELED')
  note('told of the end', new Promise(resolve => x.channel.onGone(resolve)), undefined)
  const count = (resolve, seen = 0) => () => { if (++seen === 10) resolve(seen) }
  note('onMessage', new Promise(resolve => u.onMessage(count(resolve))), 10)
  note('dgram', new Promise(resolve => v.toDgram().on('message', count(resolve))), 10)
  note('stream', new Promise((resolve, reject) => {
    let text = ''
    pairs[4][1].toDuplex().on('data', data => { if ((text += data) === 'dataagain') resolve(text) }).on('error', reject)
  }), 'dataagain')
  note('recvFds', pairs[6][1].recvFds(10, 1).then(({ fds }) => { fds[0].close(); return fds.length }), 1)
  const lookups = Array.from({ length: 80 }, () => c.getaddrinfo('127.0.0.1', 80))
  note('lookups end', Promise.allSettled(lookups).then(all => all.length), 80)
  note('send', full[0].send(Buffer.from('x')), 1)
  note('sendAll', pairs[5][0].sendAll(Buffer.alloc(2 << 20)), undefined)
  names.push('accept ends') // its address is made meanwhile, so it may reject
  listener.accept().then(client => { client.close(); results['accept ends'] = 'ok' }, () => { results['accept ends'] = 'ok' })
  const read = async (socket, bytes) => {
    while (bytes > 0) {
      try {
        bytes -= (await socket.recv(1 << 20)).length
      } catch {
        await new Promise(resolve => setImmediate(resolve))
      }
    }
  }
  read(pairs[5][1], 2 << 20)
  await new Promise(resolve => setImmediate(resolve))
  const feed = text => {
    for (const i of [0, 1, 4]) pairs[i][0].trySend(Buffer.from(text))
    for (const end of ends) for (let i = 0; i < 5; i++) sender.trySendto(Buffer.from('u'), end)
  }
  feed('data')
  pairs[2][0].trySend(Buffer.alloc(20000))
  b.trySend(Buffer.from('data'))
  pairs[6][0].trySendFds(Buffer.from('fd'), [1])
  const [client, accepted] = [new Socket(c.AF_INET, c.SOCK_STREAM), listener]
  client.connect(['127.0.0.1', port])
  const start = Date.now()
  const evil = { __proto__: null, value() { throw new Error('polluted') }, writable: true, configurable: true, enumerable: false }
  defineProperty(host, key, evil)
  await new Promise(resolve => {
    let turns = 0
    const turn = () => {
      if (++turns === 2) abort.abort()
      if (turns === 3) try { x.close() } catch (error) { uncaught[uncaught.length] = error.stack }
      if (turns < 8 || Date.now() - start < 25) return setImmediate(turn)
      defineProperty(host, key, before)
      resolve()
    }
    setImmediate(turn)
  })
  feed('again')
  read(full[1], filled + 1)
  const late = setTimeout(done, 5000)
  while (names.some(name => !(name in results))) await new Promise(resolve => setImmediate(resolve))
  done()
  function done() {
    const bad = names.filter(name => results[name] !== 'ok').map(name => name + ': ' + (results[name] ?? 'never ended'))
    console.log(JSON.stringify({ bad, uncaught }))
    globalThis.kept = [pairs, a, b, u, v, sender, full, listener, client, accepted, y, late]
    process.exit()
  }
}
main()
`

const iterator = (list: string): string => `Object.getPrototypeOf(${list}[Symbol.iterator]())`

test.each([
  ['Array.prototype', 'Symbol.iterator'],
  [iterator('[]'), "'next'"],
  [iterator('new Map()'), "'next'"],
  [iterator('new Set()'), "'next'"],
  ['Array.prototype', "'push'"],
  ['Array.prototype', "'shift'"],
  ['Array.prototype', "'splice'"],
  ['Array.prototype', "'slice'"],
  ['Array.prototype', "'concat'"],
  ['Array.prototype', "'map'"],
  ['Map.prototype', "'get'"],
  ['Map.prototype', "'set'"],
  ['Map.prototype', "'delete'"],
  ['Map.prototype', "'keys'"],
  ['Set.prototype', "'add'"],
  ['Set.prototype', "'delete'"],
  ['Set.prototype', "'forEach'"],
  ['Set.prototype', 'Symbol.iterator'],
  ['WeakSet.prototype', "'has'"],
  ['Promise.prototype', "'then'"],
  ['Promise.prototype', "'catch'"],
  ['Function.prototype', "'bind'"],
])('%s[%s]', async (host, key) => {
  const ended = await runNode(script(host, key))
  expect(ended.stderr).toBe('')
  expect(JSON.parse(ended.stdout)).toEqual({ bad: [], uncaught: [] })
})
