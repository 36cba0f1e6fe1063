// @ts-check
// A D-Bus client in a page: calls a method, or prints signals, like dbus-send and dbus-monitor.
//
//   node examples/dbus.mjs [--system | --address unix:path=…] call destination path interface.method [string…]
//   node examples/dbus.mjs [--system | --address unix:path=…] [-n count] listen [rule]
//
// A message begins with 16 bytes that tell its length (https://dbus.freedesktop.org/doc/dbus-specification.html).
// Exits with 0 after a reply or the signals, 1 after an error, 2 without a bus.
import { inspect, parseArgs } from 'node:util'
import { createConnection } from 'bsd-sockets'

const [METHOD_CALL, METHOD_RETURN, ERROR, SIGNAL] = [1, 2, 3, 4]
const [PATH, INTERFACE, MEMBER, ERROR_NAME] = [1, 2, 3, 4] // the header fields
const [REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE] = [5, 6, 7, 8]
const MAX_MESSAGE = 2 ** 27
const [BUS, BUS_PATH] = ['org.freedesktop.DBus', '/org/freedesktop/DBus']

/**
 * @typedef {{ type: number, fields: Map<any, any>, body: unknown[] }} Message
 * @typedef {[destination: string, path: string, face: string, member: string]} Target
 * @typedef {'Int16' | 'UInt16' | 'Int32' | 'UInt32' | 'BigInt64' | 'BigUInt64' | 'Double'} Kind
 */
/** @type {Record<string, [size: number, kind: Kind]>} */
const numbers = {
  ...{ n: [2, 'Int16'], q: [2, 'UInt16'], i: [4, 'Int32'], u: [4, 'UInt32'], h: [4, 'UInt32'] },
  ...{ x: [8, 'BigInt64'], t: [8, 'BigUInt64'], d: [8, 'Double'] },
}

/** Returns the end of the complete type that begins at a position of the signature. */
function endOfType(/** @type {string} */ signature, /** @type {number} */ at) {
  if (at >= signature.length) throw new Error(`incomplete signature ${signature}`)
  if (signature[at] === 'a') return endOfType(signature, at + 1)
  if (signature[at] !== '(' && signature[at] !== '{') return at + 1
  for (at++; signature[at] !== ')' && signature[at] !== '}';) at = endOfType(signature, at)
  return at + 1
}

/** Reads values, each of which begins at a multiple of its own alignment. */
class Values {
  #bytes
  #little
  #at
  constructor(/** @type {Buffer} */ bytes, /** @type {boolean} */ little, /** @type {number} */ at) {
    this.#bytes = bytes
    this.#little = little
    this.#at = at
  }

  #align(/** @type {number} */ size) {
    this.#at = Math.ceil(this.#at / size) * size
  }

  /** Reads the values of several types. */
  all(/** @type {string} */ signature) {
    const values = []
    for (let from = 0, to; from < signature.length; from = to) {
      to = endOfType(signature, from)
      values.push(this.one(signature.slice(from, to)))
    }
    return values
  }

  /** @returns {any} */
  one(/** @type {string} */ type) {
    const number = numbers[type]
    if (number !== undefined) {
      this.#align(number[0])
      this.#at += number[0]
      const read = /** @type {const} */ (`read${number[1]}${this.#little ? 'LE' : 'BE'}`)
      return this.#bytes[read](this.#at - number[0])
    }
    if (type === 'y') return this.#bytes[this.#at++]
    if (type === 'b') return this.one('u') !== 0
    if (type === 's' || type === 'o') return this.#text(this.one('u'))
    if (type === 'g') return this.#text(this.one('y'))
    if (type === 'v') return this.one(this.one('g'))
    if (type[0] === 'a') return this.#array(type.slice(1))
    this.#align(8) // a struct or an entry of a dictionary
    return this.all(type.slice(1, -1))
  }

  /** A NUL follows each text. */
  #text(/** @type {number} */ length) {
    this.#at += length + 1
    return this.#bytes.toString('utf8', this.#at - length - 1, this.#at - 1)
  }

  #array(/** @type {string} */ type) {
    const length = this.one('u')
    if ('xtd({'.includes(type[0])) this.#align(8) // the length does not include this padding
    const end = this.#at + length
    /** @type {any[]} */
    const values = []
    while (this.#at < end) values.push(this.one(type))
    return type[0] === '{' ? Object.fromEntries(values) : values
  }
}

const padded = (/** @type {Buffer} */ bytes, /** @type {number} */ to) =>
  Buffer.concat([bytes, Buffer.alloc(-bytes.length & (to - 1))])

function uint32(/** @type {number} */ value) {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
const string = (/** @type {string} */ text) =>
  Buffer.concat([uint32(Buffer.byteLength(text)), Buffer.from(text), Buffer.alloc(1)])

/** Builds a method call whose arguments are strings. */
function methodCall(
  /** @type {number} */ serial,
  /** @type {Target} */ [to, path, face, member],
  /** @type {string[]} */ strings,
) {
  const body = strings.reduce((all, each) => Buffer.concat([padded(all, 4), string(each)]), Buffer.alloc(0))
  /** @type {[code: number, type: string, value: string][]} */
  const fields = [[PATH, 'o', path], [INTERFACE, 's', face], [MEMBER, 's', member], [DESTINATION, 's', to]] // prettier-ignore
  const types = 's'.repeat(strings.length)
  const signature = Buffer.from([SIGNATURE, 1, 'g'.charCodeAt(0), 0, types.length, ...Buffer.from(types), 0])
  const array = fields.reduce(
    (all, [code, type, value]) =>
      Buffer.concat([padded(all, 8), Buffer.from([code, 1, type.charCodeAt(0), 0]), string(value)]),
    signature,
  )
  const head = [Buffer.from(['l'.charCodeAt(0), METHOD_CALL, 0, 1]), uint32(body.length), uint32(serial)]
  return Buffer.concat([...head, uint32(array.length), padded(array, 8), body])
}

/** A connection to the bus. */
class Bus {
  #serial = 0
  constructor(/** @type {import('bsd-sockets').Socket} */ socket) {
    this.socket = socket
    this.reader = socket.reader()
  }

  /** Connects to the first address of a list such as `unix:path=/run/user/0/bus,guid=…;unix:abstract=…`. */
  static async connect(/** @type {string} */ address) {
    const [, kind, name] = /^unix:(?:[^;]*,)?(path|abstract)=([^,;]+)/.exec(address) ?? []
    if (name === undefined) throw new Error(`no unix: address in "${address}"`)
    const path = decodeURIComponent(name)
    const bus = new Bus(await createConnection({ path: kind === 'abstract' ? `\0${path}` : path }))
    // After a NUL comes text. The server compares this user id with that of the kernel.
    const user = Buffer.from(String(process.getuid?.())).toString('hex')
    await bus.socket.sendAll(Buffer.from(`\0AUTH EXTERNAL ${user}\r\n`))
    const answer = await bus.reader.line({ timeout: 5000 })
    if (!answer?.startsWith('OK ')) throw new Error(`the bus answers ${answer}`)
    await bus.socket.sendAll(Buffer.from('BEGIN\r\n'))
    await bus.call([BUS, BUS_PATH, BUS, 'Hello'])
    return bus
  }

  /** @returns {Promise<Message>} */
  async receive(/** @type {AbortSignal | undefined} */ signal = undefined) {
    const head = await this.reader.exactly(16, { signal })
    const little = head[0] === 0x6c
    const [length, , fieldsLength] = new Values(head, little, 4).all('uuu')
    if (length + fieldsLength > MAX_MESSAGE) throw new Error(`a message of ${length} bytes`)
    const bodyAt = 16 + Math.ceil(fieldsLength / 8) * 8
    const bytes = Buffer.concat([head, await this.reader.exactly(bodyAt - 16 + length, { signal })])
    const fields = new Map(new Values(bytes, little, 12).one('a(yv)'))
    const signature = fields.get(SIGNATURE) ?? ''
    return { type: head[1], fields, body: new Values(bytes, little, bodyAt).all(signature) }
  }

  /** Calls a method and returns the values of its reply. Drops signals that arrive before the reply. */
  async call(/** @type {Target} */ target, /** @type {string[]} */ ...strings) {
    await this.socket.sendAll(methodCall(++this.#serial, target, strings))
    const signal = AbortSignal.timeout(25000)
    for (;;) {
      const { type, fields, body } = await this.receive(signal)
      if (fields.get(REPLY_SERIAL) !== this.#serial) continue
      if (type === METHOD_RETURN) return body
      if (type === ERROR) throw new Error(`${fields.get(ERROR_NAME)}: ${body[0] ?? ''}`)
    }
  }
}

/** @returns {never} */
function fail(/** @type {unknown} */ error, code = 1) {
  console.error(`dbus: ${error instanceof Error ? error.message : error}`)
  process.exit(code)
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        address: { type: 'string', default: process.env['DBUS_SESSION_BUS_ADDRESS'] ?? '' },
        system: { type: 'boolean', default: false },
        count: { type: 'string', short: 'n', default: 'Infinity' },
      },
    })
    const [command, ...rest] = positionals
    if ((command === 'call' && /.\../.test(rest[2] ?? '')) || (command === 'listen' && rest.length < 2)) {
      const address = values.system ? 'unix:path=/run/dbus/system_bus_socket' : values.address
      return { command, rest, count: Number(values.count), address }
    }
  } catch {
    // An unknown option: the usage is printed below.
  }
  return fail(
    'usage: dbus.mjs [--system | --address a] [-n count] (call destination path interface.method [string…] | listen [rule])',
    2,
  )
}

const everything = { depth: Infinity, maxArrayLength: Infinity, maxStringLength: Infinity }
const { command, rest, count, address } = readArguments()
const bus = await Bus.connect(address).catch(error => fail(error, 2))
try {
  if (command === 'call') {
    const [destination, path, name, ...strings] = rest
    const dot = name.lastIndexOf('.')
    const reply = await bus.call([destination, path, name.slice(0, dot), name.slice(dot + 1)], ...strings)
    for (const value of reply) console.log(inspect(value, everything))
  } else {
    await bus.call([BUS, BUS_PATH, BUS, 'AddMatch'], rest[0] ?? "type='signal'")
    console.log('listening')
    for (let printed = 0; printed < count;) {
      const { type, fields, body } = await bus.receive()
      if (type !== SIGNAL) continue
      const name = `${fields.get(INTERFACE)}.${fields.get(MEMBER)}`
      console.log(`${fields.get(SENDER)} ${fields.get(PATH)} ${name} ${inspect(body, everything)}`)
      printed++
    }
  }
} catch (error) {
  fail(error)
}
bus.socket.close()
