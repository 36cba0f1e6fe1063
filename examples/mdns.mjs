// @ts-check
// Names and services of the local network without a server (RFC 6762, 6763): browses, resolves, and answers for a name.
//
//   node examples/mdns.mjs [-i interface] [-w seconds] browse [_http._tcp]
//   node examples/mdns.mjs [-i interface] [-w seconds] resolve name.local
//   node examples/mdns.mjs [-i interface] respond name.local [address]
//
// Exits with 0 if something was found, 1 if not, 2 if it could not start. `respond` runs until Ctrl-C.
import { networkInterfaces } from 'node:os'
import { parseArgs } from 'node:util'
import { AF_INET, AF_INET6, SOCK_DGRAM, Socket, inet_ntop, inet_pton, options } from 'bsd-sockets'

/**
 * @typedef {{ name: string, type: number }} Question
 * @typedef {{ name: string, type: number, data: string, port: number }} Answer `port` is that of a service
 */
const [GROUP, PORT] = ['224.0.0.251', 5353]
const [A, PTR, TXT, AAAA, SRV, ANY] = [1, 12, 16, 28, 33, 255]
const [IN, RESPONSE, CACHE_FLUSH] = [1, 0x8400, 0x8000]

/** @returns {never} */
function fail(/** @type {unknown} */ error) {
  console.error(`mdns: ${error instanceof Error ? error.message : error}`)
  process.exit(2)
}

const uint16 = (/** @type {number[]} */ ...numbers) =>
  Buffer.from(numbers.flatMap(each => [each >> 8, each & 255]))

/** Writes a name as labels. A dot inside of a label is `\.` in text. */
function nameBytes(/** @type {string} */ name) {
  const labels = name.split(/(?<!\\)\./).map(each => Buffer.from(each.replaceAll('\\.', '.')))
  if (labels.some(each => each.length === 0 || each.length > 63)) throw new Error(`invalid name ${name}`)
  return Buffer.concat([...labels.flatMap(each => [Buffer.from([each.length]), each]), Buffer.alloc(1)])
}

/**
 * Reads a name, which can end with a pointer to a name further in front.
 * @returns {[name: string, end: number]}
 */
function readName(/** @type {Buffer} */ bytes, /** @type {number} */ at) {
  const labels = []
  let [start, end] = [at, 0]
  for (let length = bytes.readUInt8(at); length !== 0; length = bytes.readUInt8(at)) {
    if (length < 64) {
      labels.push(bytes.toString('utf8', at + 1, at + 1 + length).replaceAll('.', '\\.'))
      at += 1 + length
      continue
    }
    end ||= at + 2
    at = bytes.readUInt16BE(at) & 0x3fff
    if (at >= start) throw new RangeError('a pointer that leads forward') // could be endless
    start = at
  }
  return [labels.join('.'), end || at + 1]
}

/** Returns the questions and all records of a message. Throws a RangeError if it is malformed. */
function parse(/** @type {Buffer} */ bytes) {
  const count = (/** @type {number} */ at) => bytes.readUInt16BE(at)
  /** @type {Question[]} */
  const questions = []
  /** @type {Answer[]} */
  const answers = []
  let at = 12
  for (let i = 0; i < count(4); i++) {
    const [name, end] = readName(bytes, at)
    questions.push({ name, type: count(end) })
    at = end + 4
  }
  for (let i = 0; i < count(6) + count(8) + count(10); i++) {
    const [name, end] = readName(bytes, at)
    const [type, from] = [count(end), end + 10]
    at = from + count(end + 8)
    answers.push({ name, type, ...dataOf(bytes.subarray(0, at), type, from) })
  }
  return { id: count(0), response: (count(2) & 0x8000) !== 0, questions, answers }
}

/** Returns the data of a record as text, and the port of a service. */
function dataOf(/** @type {Buffer} */ bytes, /** @type {number} */ type, /** @type {number} */ at) {
  if (type === SRV) return { data: readName(bytes, at + 6)[0], port: bytes.readUInt16BE(at + 4) }
  const own = bytes.subarray(at)
  if (type === PTR) return { data: readName(bytes, at)[0], port: 0 }
  if (type === A && own.length === 4) return { data: inet_ntop(AF_INET, own), port: 0 }
  if (type === AAAA && own.length === 16) return { data: inet_ntop(AF_INET6, own), port: 0 }
  const texts = []
  for (let i = 0; type === TXT && i < own.length; i += 1 + own[i])
    texts.push(own.subarray(i + 1, i + 1 + own[i]))
  return { data: texts.join(' '), port: 0 }
}

function query(/** @type {Question[]} */ questions) {
  const each = questions.map(({ name, type }) => [nameBytes(name), uint16(type, IN)])
  return Buffer.concat([uint16(0, 0, questions.length, 0, 0, 0), ...each.flat()])
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        interface: { type: 'string', short: 'i' },
        wait: { type: 'string', short: 'w', default: '2' },
      },
    })
    const [command, name = command === 'browse' ? '_http._tcp' : undefined, address] = positionals
    if (name !== undefined && ['browse', 'resolve', 'respond'].includes(command) && Number(values.wait) > 0)
      return { command, name, address, wait: Number(values.wait) * 1000, device: values.interface }
  } catch {
    // An unknown option: the usage is printed below.
  }
  return fail(
    'usage: mdns.mjs [-i interface] [-w seconds] (browse [type] | resolve name | respond name [address])',
  )
}

const { command, name, address, wait, device } = readArguments()
const [link, addresses] =
  Object.entries(networkInterfaces()).find(([key, list]) =>
    device === undefined ? list?.some(each => each.family === 'IPv4' && !each.internal) : key === device,
  ) ?? fail(`no interface ${device ?? 'with an IPv4 address'}`)

const socket = new Socket(AF_INET, SOCK_DGRAM)
try {
  socket
    .set(options.SO_REUSEADDR, true) // other programs of this host have the port too
    .set(options.IP_MULTICAST_IF, link)
    .set(options.IP_MULTICAST_TTL, 255)
    .receiveMeta({ packetInfo: true })
    .bind(['', PORT])
} catch (error) {
  fail(error)
}
const membership = socket.joinGroup(GROUP, { interface: link })

/** Receives the messages from this link until the signal. */
async function* messages(/** @type {AbortSignal} */ signal) {
  while (!signal.aborted) {
    try {
      const { data, address: from, meta } = await socket.recvmsg(9000, { signal })
      if (meta.interface === membership.interface) yield { ...parse(data), from }
    } catch (error) {
      const malformed = error instanceof RangeError
      if (!malformed && !signal.aborted) throw error
    }
  }
}

const multicast = (/** @type {Buffer} */ message) => socket.sendto(message, [GROUP, PORT])

/**
 * Asks every second, also for the records that answers refer to, until the time is over or an answer is the last one.
 * @returns {Promise<Answer[]>}
 */
async function ask(
  /** @type {Question} */ question,
  /** @type {number} */ time,
  /** @type {(answer: Answer) => boolean} */ isLast,
) {
  const questions = new Map([[`${question.type} ${question.name}`, question]])
  /** @type {Map<string, Answer>} */
  const found = new Map()
  const repeat = () => multicast(query([...questions.values()])).catch(fail)
  await repeat()
  const timer = setInterval(repeat, 1000)
  for await (const { response, answers } of messages(AbortSignal.timeout(time))) {
    if (!response) continue
    const before = questions.size
    for (const each of answers) {
      found.set(`${each.name} ${each.type} ${each.data}`, each)
      const next = each.type === PTR ? [SRV, TXT] : each.type === SRV ? [A, AAAA] : []
      for (const type of next) questions.set(`${type} ${each.data}`, { name: each.data, type })
    }
    if (answers.some(isLast)) break
    if (questions.size > before) await repeat()
  }
  clearInterval(timer)
  return [...found.values()]
}

const same = (/** @type {string} */ one, /** @type {string} */ other) =>
  one.toLowerCase() === other.toLowerCase()

async function browse() {
  const service = `${name}.local`
  const answers = await ask({ name: service, type: PTR }, wait, () => false)
  const find = (/** @type {string} */ owner, /** @type {number[]} */ ...types) =>
    answers.filter(each => types.includes(each.type) && same(each.name, owner))
  const instances = find(service, PTR).map(each => each.data)
  for (const instance of instances) {
    for (const { data: host, port } of find(instance, SRV)) {
      const at = find(host, A, AAAA)
        .map(each => each.data)
        .sort()
      console.log(
        `${instance}  ${host}:${port}  [${at.join(', ')}]  ${find(instance, TXT)[0]?.data ?? ''}`.trimEnd(),
      )
    }
  }
  return instances.length > 0
}

async function resolve() {
  const isAddress = (/** @type {Answer} */ { name: owner, type }) =>
    same(owner, name) && (type === A || type === AAAA)
  const found = (await ask({ name, type: A }, wait, isAddress)).filter(isAddress)
  for (const { data } of found) console.log(`${name}  ${data}`)
  return found.length > 0
}

/** Answers for the name until Ctrl-C, if no other host of the link does. */
async function respond() {
  const isOwner = (/** @type {Answer} */ answer) => same(answer.name, name)
  const owner = (await ask({ name, type: ANY }, 750, isOwner)).find(isOwner)
  if (owner !== undefined) throw new Error(`${name} belongs to ${owner.data}`)
  const own =
    address ?? addresses?.find(each => each.family === 'IPv4')?.address ?? fail('an address is needed')
  const record = (/** @type {number} */ type, /** @type {number} */ ttl) =>
    Buffer.concat([nameBytes(name), uint16(A, type, 0, ttl, 4), inet_pton(AF_INET, own)])
  const answer = (/** @type {number} */ ttl) =>
    multicast(Buffer.concat([uint16(0, RESPONSE, 0, 1, 0, 0), record(IN | CACHE_FLUSH, ttl)]))

  const end = new AbortController()
  for (const each of ['SIGINT', 'SIGTERM']) process.once(each, () => end.abort())
  await answer(120)
  console.log(`${name} is ${own} on ${link}`)
  for await (const { id, response, questions, from } of messages(end.signal)) {
    const asked = questions.find(each => same(each.name, name) && (each.type === A || each.type === ANY))
    if (response || asked === undefined) continue
    if (from?.port === PORT) {
      await answer(120)
      continue
    }
    // A simple resolver, such as dig: it asks from its own port and expects the answer there, with its question.
    const parts = [uint16(id, RESPONSE, 1, 1, 0, 0), query([asked]).subarray(12), record(IN, 10)]
    await socket.sendto(Buffer.concat(parts), from)
  }
  await answer(0) // the others forget the name
  return true
}

try {
  const run = command === 'browse' ? browse : command === 'resolve' ? resolve : respond
  process.exitCode = (await run()) ? 0 : 1
} catch (error) {
  fail(error)
}
socket.close()
