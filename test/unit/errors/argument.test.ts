import {
  checkInteger,
  describeType,
  describeValue,
  invalidAddress,
  invalidType,
  outOfRange,
} from '../../../lib/errors/argument'

const hostile = new Proxy(
  {},
  {
    get() {
      throw new Error('get')
    },
    has() {
      throw new Error('has')
    },
    ownKeys() {
      throw new Error('ownKeys')
    },
    getPrototypeOf() {
      throw new Error('getPrototypeOf')
    },
  },
)
const revoked = Proxy.revocable({}, {})
revoked.revoke()
class Thing {}
const named = (name: unknown): unknown => Object.defineProperty(() => 1, 'name', { value: name })

test("the error for a wrong type has the text of Node's own", () => {
  const error = invalidType('port', 'number', '80')
  expect(error).toBeInstanceOf(TypeError)
  expect(error.code).toBe('ERR_INVALID_ARG_TYPE')
  expect(error.name).toBe('TypeError')
  expect(error.message).toBe('The "port" argument must be of type number. Received type string (\'80\')')
})

test.each([
  ['number', 'must be of type number.'],
  ['string or number', 'must be of type string or number.'],
  ['Socket', 'must be an instance of Socket.'],
  ['of type string or an instance of Uint8Array', 'must be of type string or an instance of Uint8Array.'],
  ['{ address?, port }', 'must be { address?, port }.'],
])('the error names the expected type %j', (expected, text) => {
  expect(invalidType('x', expected, 1).message).toContain(text)
})

test.each<[unknown, string]>([
  [undefined, 'undefined'],
  [null, 'null'],
  [true, 'type boolean (true)'],
  [1.5, 'type number (1.5)'],
  [-0, 'type number (-0)'],
  [Number.NaN, 'type number (NaN)'],
  [10n, 'type bigint (10n)'],
  [Symbol('s'), 'type symbol (Symbol(s))'],
  ['x', "type string ('x')"],
  ["it's", 'type string ("it\'s")'],
  ['a\nb', 'type string ("a\\nb")'],
  ['x'.repeat(100), `type string ('${'x'.repeat(25)}...')`],
  [{}, 'an instance of Object'],
  [[], 'an instance of Array'],
  [new Thing(), 'an instance of Thing'],
  [Object.create(null), '[Object: null prototype] {}'],
  [{ constructor: undefined }, '[Object]'],
  [{ constructor: { name: Symbol('x') } }, '[Object]'],
  [hostile, 'an object'],
  [revoked.proxy, 'an object'],
  [function f() {}, 'function f'],
  [() => 1, 'function'],
  [named(Symbol('n')), 'function'],
  [
    new Proxy(() => 1, {
      get: () => {
        throw new Error('get')
      },
    }),
    'a function',
  ],
])('the error describes the received value %#', (value, text) => {
  expect(describeType(value)).toBe(text)
})

test("the error for a number out of range has the text of Node's own", () => {
  const error = outOfRange('port', '>= 0 && <= 65535', 70000)
  expect(error).toBeInstanceOf(RangeError)
  expect(error.code).toBe('ERR_OUT_OF_RANGE')
  expect(error.message).toBe(
    'The value of "port" is out of range. It must be >= 0 && <= 65535. Received 70000',
  )
})

test('the error for an invalid address shows the value', () => {
  const error = invalidAddress('a\0b', 'a pathname cannot contain a NUL')
  expect(error).toBeInstanceOf(TypeError)
  expect(error.code).toBe('ERR_INVALID_ADDRESS')
  expect(error.message).toBe('Invalid address "a\\u0000b": a pathname cannot contain a NUL')
})

test.each([
  hostile,
  revoked.proxy,
  Symbol('x'),
  Object.create(null),
  1n,
  undefined,
  null,
  () => 1,
  'x'.repeat(9999),
])('no value makes the message throw: %#', value => {
  for (const error of [
    invalidType('a', 'number', value),
    outOfRange('a', 'b', value),
    invalidAddress(value, 'c'),
  ]) {
    expect(error.message.length).toBeLessThan(300)
  }
  expect(typeof describeValue(value)).toBe('string')
})

test('checkInteger accepts integers in the range and refuses other values', () => {
  expect(checkInteger('n', 0, 0, 9)).toBe(0)
  expect(checkInteger('n', 9, 0, 9)).toBe(9)
  const code = (value: unknown): unknown => {
    try {
      return checkInteger('n', value, 0, 9)
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  for (const value of [-1, 10, 1.5, Number.NaN, Infinity, 2 ** 53])
    expect(code(value)).toBe('ERR_OUT_OF_RANGE')
  for (const value of ['1', 1n, null, undefined, new Number(1), [1]])
    expect(code(value)).toBe('ERR_INVALID_ARG_TYPE')
})
