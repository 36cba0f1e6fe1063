'use strict'

/*
 * Calls everything that the package exports with random argument lists, on sockets of every kind, open and closed.
 * Runs in its own network namespace (see fuzz.test.ts), so that random addresses reach no other host. No call may
 * crash, hang or leak, and only documented errors may occur.
 *
 *   node --expose-gc api.js [--lists 1000] [--seed 1] [--seconds 600] [--attacks all]
 *
 * `lists` is the number of argument lists for each function. With `seconds`, it repeats all functions until the time
 * is over.
 *
 * `attacks` are names of api/attacks.js, separated by commas: `views,signals`, `all`, or `none` (the default). A `-`
 * before a name excludes it from all: `--attacks=-views,-signals`.
 */
const { EventEmitter } = require('node:events')
const { mkdtempSync, readdirSync, rmSync } = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { Duplex } = require('node:stream')
const { parseArgs } = require('node:util')

const bsd = require('../../dist/index.js')
const sync = require('../../dist/sync.js')
const raw = require('../../dist/raw.js')
const dgram = require('../../dist/dgram.js')
const { native } = require('../../dist/binding/binding.js')
const { Attacks, USER } = require('./api/attacks.js')
const { makersOf } = require('./api/values.js')
const { watch } = require('./watch.js')

const { values: given } = parseArgs({
  options: {
    lists: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Date.now() & 0xffffff) },
    seconds: { type: 'string' },
    attacks: { type: 'string', default: 'none' },
  },
})
const lists = Number(given.lists)
let seed = Number(given.seed)
const until = given.seconds === undefined ? Infinity : Date.now() + Number(given.seconds) * 1000
const attacksOn = chosen(given.attacks)
process.removeAllListeners('warning')
process.on('warning', () => {})
process.on('unhandledRejection', () => {}) // `settled` checks every promise
const directory = mkdtempSync(path.join(os.tmpdir(), 'bsd-sockets-fuzz-'))
process.chdir(directory) // random AF_UNIX paths are created here

function chosen(text) {
  if (text === 'none') return []
  const words = text === 'all' ? [] : text.split(',')
  const out = words.filter(each => each.startsWith('-')).map(each => each.slice(1))
  const names = words.filter(each => !each.startsWith('-'))
  const unknown = [...out, ...names].find(name => !Attacks.names.includes(name))
  if (unknown !== undefined) throw new Error(`unknown attack ${unknown}; known: ${Attacks.names.join(', ')}`)
  return (names.length > 0 ? names : Attacks.names).filter(name => !out.includes(name))
}

/** mulberry32: the same numbers for the same seed. */
function random() {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}
/** Counts to `n`, and ends early if the time is over. */
function* turns(n = lists) {
  for (let i = 0; i < n && Date.now() < until; i++) yield i
}

const below = n => Math.floor(random() * n)
const pick = list => list[below(list.length)]

const makers = makersOf({ random, below, pick }, () => sockets)
const anything = () => (hostile.length > 0 && below(3) === 0 ? pick(hostile)() : pick(makers)())

/** The current call, for the attacks that run during it. */
const now = { socket: null, again: () => undefined }
const attacks = new Attacks(
  { random, below, pick },
  {
    socket: () => now.socket,
    again: () => now.again(),
    grow() {
      const made = Array.from({ length: 70 }, () => new bsd.Socket(bsd.AF_UNIX, bsd.SOCK_DGRAM))
      for (const socket of made) socket.close()
    },
    anything,
    report: text => check(new Error(text), now.where),
  },
  attacksOn,
)
const hostile = attacks.makers

/** Creates sockets of every kind that this kernel supports, some connected, some closed. */
let sockets = []
function makeSockets(Socket) {
  const made = []
  const attempt = make => {
    try {
      made.push(...[make()].flat())
    } catch (error) {
      check(error, 'making a socket')
    }
  }
  for (const type of [bsd.SOCK_STREAM, bsd.SOCK_DGRAM, bsd.SOCK_SEQPACKET]) {
    attempt(() => Socket.pair(bsd.AF_UNIX, type))
    attempt(() => new Socket(bsd.AF_UNIX, type))
  }
  for (const family of [bsd.AF_INET, bsd.AF_INET6]) {
    for (const type of [bsd.SOCK_STREAM, bsd.SOCK_DGRAM, bsd.SOCK_RAW]) {
      attempt(() => new Socket(family, type, type === bsd.SOCK_RAW ? bsd.IPPROTO_UDP : 0))
    }
  }
  attempt(() => new Socket(bsd.AF_INET, bsd.SOCK_STREAM).bind(['127.0.0.1', 0]).listen())
  attempt(() => new Socket(bsd.AF_NETLINK, bsd.SOCK_RAW, 0))
  attempt(() => new Socket(bsd.AF_PACKET, bsd.SOCK_DGRAM, 0))
  attempt(() => {
    const closed = new Socket(bsd.AF_INET, bsd.SOCK_DGRAM)
    closed.close()
    return closed
  })
  for (const socket of made) socket.timeout = 0 // so that the blocking Socket does not wait
  return made
}

const allowed = new Set([
  'TypeError',
  'RangeError',
  'SocketError',
  'TimeoutError',
  'AbortError',
  'AggregateError',
])
const found = new Map()
function check(error, where) {
  const name = error?.name
  // The sockets of bsd-sockets/dgram throw the errors of node:dgram.
  if (now.where?.startsWith('dgram') && (name === 'SystemError' || error?.code !== undefined)) return
  if (allowed.has(name) && (name !== 'TypeError' || error.code !== undefined || error.message === USER)) {
    return
  }
  const text = `${where}: ${error?.stack ?? String(error)}`
  const key = text.split('\n').slice(0, 3).join('\n')
  if (!found.has(key)) found.set(key, text)
}

process.on('uncaughtException', error => {
  if (error?.message !== USER) check(new Error(`uncaught: ${error?.stack ?? String(error)}`), now.where)
})

let rounds = 0
let calls = 0
let watcher
const pending = new Map()
function settled(value, where) {
  if (value instanceof Promise) {
    const promise = value.then(
      result => release(result),
      error => check(error, where),
    )
    pending.set(promise, where)
    promise.finally(() => pending.delete(promise))
  } else {
    release(value)
  }
}

/** Waits for the pending promises. A promise that does not settle is a fault. */
async function allSettled() {
  let timer
  const late = new Promise(resolve => (timer = setTimeout(resolve, 20_000, 'late')))
  const first = await Promise.race([Promise.all(pending.keys()), late])
  clearTimeout(timer)
  if (first !== 'late') return
  for (const where of new Set(pending.values())) check(new Error('a promise that does not settle'), where)
  pending.clear()
  if (++lates === 3) end() // each wait takes a while, and every function may have one
}
let lates = 0

/** A pair of sockets that no attack touches. It must receive its data, regardless of the attacks on other sockets. */
const canary = {
  sockets: null,
  waiting: null,
  async sings() {
    this.sockets ??= bsd.Socket.pair()
    this.waiting ??= this.sockets[0].recv(8)
    this.sockets[1].trySend(Buffer.from('canary'))
    let timer
    const late = new Promise(resolve => (timer = setTimeout(resolve, 10_000, null)))
    const data = await Promise.race([this.waiting, late])
    clearTimeout(timer)
    if (data === null) check(new Error('a receive of another socket was lost'), now.where)
    this.waiting = null
    if (data === null) this.end()
    else this.waiting = this.sockets[0].recv(8)
  },
  end() {
    this.waiting?.catch(() => undefined)
    for (const socket of this.sockets ?? []) socket.close()
    this.sockets = this.waiting = null
  },
}

/** Copies a list that may be a hostile argument, whose iterator is the attacker's. */
const elements = list => Array.from({ length: list.length }, (_, i) => list[i])

/** Closes everything that a call created: sockets, pairs, accepted connections. */
function release(value) {
  const items = Array.isArray(value) ? elements(value) : [value]
  for (const item of items) {
    const ours = [bsd.Socket, sync.Socket, bsd.PacketSocket].some(each => item instanceof each)
    if (ours && !sockets.includes(item)) item.close()
    const fds = item?.fds ?? item?.meta?.fds
    if (Array.isArray(fds))
      for (const handle of elements(fds)) if (handle instanceof bsd.FdHandle) handle.close()
    if (item instanceof Duplex) item.on('error', () => undefined).destroy()
    if (item instanceof dgram.Socket && !datagrams.includes(item)) closeDatagrams(item)
    if (typeof item?.stop === 'function' && typeof item.pause === 'function') item.stop() // a Reception
  }
}

/** Without a timeout, these calls wait forever, as in C. */
const timeoutOf = { poll: 1, select: 3 }

function call(where, target, fn) {
  const run = () => {
    calls++
    const args = Array.from({ length: below(6) }, anything)
    if (where in timeoutOf) args[timeoutOf[where]] = pick([0, 1, -1, NaN, 'x'])
    const apply = () => Reflect.apply(fn, target, args)
    try {
      settled(attacks.has('prototypes') && below(3) === 0 ? attacks.polluted(args, apply) : apply(), where)
    } catch (error) {
      check(error, where)
    }
  }
  if (now.where !== where) watcher.tell(where)
  Object.assign(now, { where, socket: typeof target?.close === 'function' ? target : null, again: run })
  run()
}

function methodsOf(Socket) {
  const names = new Set()
  for (let p = Socket.prototype; p !== Object.prototype; p = Object.getPrototypeOf(p)) {
    for (const name of Reflect.ownKeys(p)) {
      const { value } = Object.getOwnPropertyDescriptor(p, name)
      if (typeof value === 'function' && name !== 'constructor') names.add(name)
    }
  }
  // Not public: methods that subclasses in this package override.
  return [...names].filter(
    name => typeof name === 'symbol' || !/Operation$|^fromAdoption$|^summary$/.test(name),
  )
}

const rest = () => new Promise(resolve => setImmediate(resolve))

function closeAll() {
  for (const socket of sockets) {
    try {
      socket.close()
    } catch (error) {
      check(error, `close() after ${now.where}`)
    }
  }
}

async function refresh(Socket) {
  closeAll()
  await allSettled()
  await canary.sings()
  sockets = makeSockets(Socket)
}

async function fuzzMethods(Socket, flavour) {
  for (const name of methodsOf(Socket)) {
    await refresh(Socket)
    const where = `${flavour} Socket.prototype.${String(name)}`
    for (const i of turns()) {
      const socket = pick(sockets)
      if (name === 'detach' || name === 'toNetSocket') continue // would leak the descriptor
      call(where, socket, socket[name])
      if (socket.closed === false && socket.timeout !== 0) socket.timeout = 0
      if (i % 500 === 499) await refresh(Socket)
      if (i % 50 === 49) await rest()
    }
  }
  for (const name of ['pair', 'adopt', 'dup']) {
    for (const _ of turns(lists / 10)) {
      if (name === 'adopt') continue // a random number may be a descriptor that Node uses
      call(`${flavour} Socket.${name}`, Socket, Socket[name])
    }
  }
  for (const _ of turns(lists / 10)) call(`new ${flavour} Socket`, null, (...args) => new Socket(...args))
  closeAll()
  sockets = []
}

async function fuzzReaders(Socket, flavour) {
  const streams = () => sockets.filter(socket => socket.type === bsd.SOCK_STREAM)
  await refresh(Socket)
  const names = methodsOf(streams()[0].reader().constructor)
  for (const name of names) {
    await refresh(Socket)
    for (const i of turns()) {
      const socket = pick(streams())
      const reader = socket.reader()
      call(`${flavour} SocketReader.prototype.${String(name)}`, reader, reader[name])
      if (socket.closed === false && socket.timeout !== 0) socket.timeout = 0
      if (i % 50 === 49) await rest()
    }
  }
  closeAll()
  sockets = []
}

/** The sockets of bsd-sockets/dgram that calls are made on. */
let datagrams = []

function closeDatagrams(socket) {
  socket.on('error', () => undefined)
  try {
    socket.close()
  } catch (error) {
    if (error?.code !== 'ERR_SOCKET_DGRAM_NOT_RUNNING') check(error, `close() of a datagram socket`)
  }
}

/** Creates sockets with the interface of node:dgram: new, bound, connected, closed, and made of other sockets. */
function makeDatagrams() {
  datagrams.forEach(closeDatagrams)
  const types = ['udp4', 'udp6', 'unix', 'udp4', 'udp6', 'unix', 'udp4']
  datagrams = types.map(type => dgram.createSocket(type).on('error', () => undefined))
  datagrams[3].bind(0, '127.0.0.1')
  datagrams[4].bind(0, '::1')
  datagrams[5].bind('\0fuzz' + below(1e9))
  datagrams[6].close()
  const [a, b] = bsd.Socket.pair(bsd.AF_UNIX, bsd.SOCK_DGRAM)
  const bound = new bsd.Socket(bsd.AF_INET, bsd.SOCK_DGRAM).bind(['127.0.0.1', 0])
  for (const socket of [a, b, bound]) datagrams.push(socket.toDgram().on('error', () => undefined))
}

async function fuzzDatagrams() {
  const own = ['check', 'end', 'keep', 'open'] // not public
  const names = methodsOf(dgram.Socket).filter(
    name => !(name in EventEmitter.prototype) && !own.includes(name),
  )
  for (const name of names) {
    for (const i of turns()) {
      if (i % 100 === 0) makeDatagrams()
      const socket = pick(datagrams)
      if (typeof socket[name] === 'function')
        call(`dgram Socket.prototype.${String(name)}`, socket, socket[name])
      if (i % 50 === 49) await rest()
    }
  }
  for (const _ of turns()) call('dgram.createSocket', null, dgram.createSocket)
  now.where = 'dgram: the end'
  datagrams.forEach(closeDatagrams)
  datagrams = []
  await allSettled()
  await rest()
}

async function fuzzFunctions() {
  for (const [name, fn] of Object.entries(bsd)) {
    if (typeof fn !== 'function' || /^[A-Z]/.test(name)) continue
    if (name === 'sethostname') continue // without a namespace, it would change the host
    const slow = /^create/.test(name)
    for (const i of turns(slow ? lists / 10 : lists)) {
      call(name, null, fn)
      if (i % 50 === 49) await rest()
    }
  }
  bsd.setDefaultTimeout(null)
  await allSettled()
}

async function fuzzRaw() {
  const open = new Set()
  const nonBlocking = fd => raw.fcntl(fd, bsd.F_SETFL, bsd.O_NONBLOCK)
  const descriptor = () => pick([-1, 1e9, NaN, 'x', undefined, ...open])
  for (const [name, fn] of Object.entries(raw)) {
    for (const _ of turns()) {
      while (open.size < 6) {
        const fds = new Int32Array(2)
        raw.socketpair(bsd.AF_UNIX, pick([bsd.SOCK_STREAM, bsd.SOCK_DGRAM]), 0, fds)
        for (const fd of [...fds, raw.socket(bsd.AF_INET, pick([bsd.SOCK_STREAM, bsd.SOCK_DGRAM]))])
          open.add(fd)
      }
      calls++
      const args = Array.from({ length: below(7) }, anything)
      now.where = `raw.${name}`
      if (name !== 'socket' && name !== 'socketpair') args[0] = descriptor()
      if (name === 'sendfile') args[1] = descriptor()
      if (name === 'splice') args[2] = descriptor()
      if (name === 'fcntl') args[2] = pick([0, 1, NaN, 'x']) // F_DUPFD from a large number is fine, but slow
      try {
        const result = fn(...args)
        if (typeof result !== 'number') check(new Error(`${name} returned ${String(result)}`), `raw.${name}`)
        if (name === 'close' && result === 0) open.delete(args[0])
        if (result >= 0 && ['socket', 'dup', 'accept'].includes(name)) raw.close(result)
        if (name === 'fcntl' && result >= 0 && [bsd.F_DUPFD, bsd.F_DUPFD_CLOEXEC].includes(args[1]))
          raw.close(result)
        if (name === 'socketpair' && result === 0) for (const fd of args[3].slice(0, 2)) raw.close(fd)
        if (name === 'fcntl' || name === 'ioctl') for (const fd of open) nonBlocking(fd)
      } catch (error) {
        check(error, `raw.${name}`)
      }
    }
  }
  for (const fd of open) raw.close(fd)
}

async function everything() {
  rounds++
  await fuzzFunctions()
  await fuzzMethods(bsd.Socket, 'async')
  await fuzzMethods(sync.Socket, 'sync')
  await fuzzReaders(bsd.Socket, 'async')
  await fuzzReaders(sync.Socket, 'sync')
  await fuzzDatagrams()
  await fuzzRaw()
}

async function main() {
  watcher = await watch(60_000)
  const before = readdirSync('/proc/self/fd').length
  const warm = bsd.Socket.pair() // opens the poller before the first count
  const waited = warm[0].recv(1, { timeout: 1 }).catch(() => undefined)
  await waited
  for (const socket of warm) socket.close()
  const base = readdirSync('/proc/self/fd').length
  await canary.sings()
  do await everything()
  while (given.seconds !== undefined && Date.now() < until)
  await allSettled()
  await canary.sings()
  canary.end()
  await rest()
  const { slots } = native.stats()
  if (slots > 0) check(new Error(`${slots} slots are left`), 'the end')
  end(readdirSync('/proc/self/fd').length - base, base - before)
}

/**
 * Prints the findings. After a success the process ends by itself: LeakSanitizer reports the memory of V8 after
 * process.exit(). An exception that is uncaught until then is a finding too.
 */
function end(leaked = NaN, base = NaN) {
  for (const text of found.values()) console.log(text)
  const verdict = { unexpected: found.size, leaked, base }
  console.log(JSON.stringify({ seed: Number(given.seed), rounds, calls, ...verdict }))
  rmSync(directory, { recursive: true, force: true })
  if (found.size > 0 || leaked !== 0) process.exit(1)
  process.on('exit', () => {
    for (const text of found.values()) console.log(text)
    if (found.size > 0) process.exitCode = 1
  })
  const late = () => {
    console.log('the process does not end:', process.getActiveResourcesInfo())
    process.exit(1)
  }
  setTimeout(late, 20_000).unref()
}

main().catch(error => {
  check(new Error(`the fuzzer itself: ${error.stack}`), now.where)
  end()
})
