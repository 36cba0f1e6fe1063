'use strict'

const { USER } = require('./attacks.js')

function detached(size) {
  const buffer = new ArrayBuffer(size)
  const view = new Uint8Array(buffer)
  structuredClone(buffer, { transfer: [buffer] })
  return view
}

function shrunk(size, to) {
  const buffer = new ArrayBuffer(size, { maxByteLength: size * 2 })
  const view = new Uint8Array(buffer)
  buffer.resize(to)
  return view
}

const throwing = new Proxy(
  {},
  {
    get() {
      throw new TypeError(USER)
    },
  },
)
const numbers = [0, 1, 2, 3, 4, 5, 8, 16, 64, 100, 255, 4096, 65535, 65536, -1, -2, -65536, 0.5, -0, NaN, Infinity,
  -Infinity, 2 ** 31, 2 ** 31 - 1, -(2 ** 31), 2 ** 32, 2 ** 32 - 1, 2 ** 53, -(2 ** 53), 2 ** 53 - 1, 1e300] // prettier-ignore
/**
 * Returns functions that create ordinary and odd arguments of every kind.
 *
 * @param draw `{ random, below, pick }`
 * @param sockets returns the sockets that may be arguments
 */
function makersOf({ random, below, pick }, sockets) {
  return [
    () => pick(numbers),
    () => pick(numbers),
    () => below(70000),
    () => undefined,
    () => null,
    () => random() < 0.5,
    () =>
      pick(['', 'x', 'localhost', '127.0.0.1', '::1', '\0name', 'a\0b', 'lo', 'é'.repeat(80), '<broadcast>']),
    () => Buffer.alloc(below(200), below(256)),
    () => new Uint8Array(below(64)),
    () => new DataView(new ArrayBuffer(below(64))),
    () => new Float64Array(below(8)),
    () => new Int32Array(below(4)),
    () => new Uint8Array(new SharedArrayBuffer(below(64))),
    () => detached(1 + below(64)),
    () => shrunk(66, below(66)),
    () => new ArrayBuffer(8),
    () => [],
    () => [pick(['127.0.0.1', '::1', '', 'x', 5]), pick(numbers)],
    () => [Buffer.alloc(below(20)), pick([Buffer.alloc(3), 7, null, detached(4)])],
    () => ({
      address: pick(['127.0.0.1', '::1', undefined, 9]),
      port: pick(numbers),
      scopeId: pick([undefined, 1, NaN]),
    }),
    () => ({ path: pick(['sock', '\0abs', Buffer.from('x'), 7]) }),
    () => ({
      family: pick([0, 1, 2, 10, 17, -1, 99, 'x']),
      data: pick([Buffer.alloc(below(130)), detached(8), 7]),
    }),
    () => ({ interface: pick(['lo', 1, 'none', NaN]), protocol: pick(numbers) }),
    () => ({ pid: pick(numbers), groups: pick(numbers) }),
    () => ({ flags: pick([0, 1, 2, 0x40, NaN, 'x']), timeout: pick([0, 0.5, 1, NaN, -1, '5', Infinity]) }),
    () => ({ timeout: 1, signal: pick([AbortSignal.abort(), new AbortController().signal, {}, 7]) }),
    () => ({ offset: pick(numbers), length: pick(numbers), timeout: 0 }),
    () => 10n,
    () => Symbol('s'),
    () => () => 1,
    () => throwing,
    () => Object.create(null),
    () => new Date(),
    () => pick(sockets()),
    () => ({ fd: pick([-1, 1e9, NaN, 'x']) }),
  ]
}

module.exports = { makersOf }
