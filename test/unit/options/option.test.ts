import { constants } from '../../../lib'
import {
  codecs,
  defineOption,
  getOption,
  options,
  query,
  setOption,
  type Codec,
  type OptionCalls,
  type SocketOption,
} from '../../../lib/options'
import { hostContext } from '../../../lib/options/context'

const { SO_ERROR, SO_KEEPALIVE, SO_SNDBUFFORCE } = options
const typeError = expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })

/** Stands in for the kernel: logs each call and answers with the results of the test. */
function fake(...answers: (Buffer | string)[]) {
  const calls: unknown[][] = []
  const io: OptionCalls = {
    context: hostContext,
    get(...args) {
      calls.push(['get', ...args])
      const answer = answers.shift() ?? Buffer.alloc(args[2])
      if (typeof answer === 'string') throw Object.assign(new Error(answer), { code: answer })
      return answer
    },
    set: (...args) => void calls.push(['set', ...args]),
    setProgram: (...args) => void calls.push(['setProgram', ...args]),
  }
  return { io, calls }
}

const plain = { name: 'SO_NEW', level: 1, option: 999, codec: codecs.int, access: 'both' } as const

describe('defineOption', () => {
  test('defineOption returns an option that cannot be changed', () => {
    const option = defineOption(plain)
    expect(option).toEqual(plain)
    expect(Object.isFrozen(option)).toBe(true)
    const { io, calls } = fake(Buffer.from([7, 0, 0, 0]))
    expect(getOption(io, option)).toBe(7)
    setOption(io, option, 9)
    expect(calls).toEqual([
      ['get', 1, 999, 4, undefined],
      ['set', 1, 999, Uint8Array.of(9, 0, 0, 0)],
    ])
  })

  test.each([
    ['description', undefined],
    ['description', 'SO_NEW'],
    ['description.name', { ...plain, name: '' }],
    ['description.name', { ...plain, name: 5 }],
    ['description.level', { ...plain, level: '1' }],
    ['description.option', { ...plain, option: 1.5 }],
    ['description.option', { ...plain, option: null }],
    ['description.codec', { ...plain, codec: undefined }],
    ['description.codec', { ...plain, codec: { size: 4, encode() {} } }],
    ['description.codec', { ...plain, codec: { ...codecs.int, size: -1 } }],
    ['description.access', { ...plain, access: 'read' }],
  ])('defineOption refuses a bad %s', (argument, description) => {
    expect(() => defineOption(description as never)).toThrow(typeError)
    expect(() => defineOption(description as never)).toThrow(`"${argument}"`)
  })

  test('defineOption uses a given codec', () => {
    const celsius: Codec<number> = {
      size: 1,
      encode: (_platform, value) => Uint8Array.of(value + 100),
      decode: (_platform, bytes) => bytes[0]! - 100,
    }
    const option = defineOption({ ...plain, codec: celsius })
    const { io, calls } = fake(Buffer.of(90))
    expect(getOption(io, option)).toBe(-10)
    setOption(io, option, 5)
    expect(calls[1]).toEqual(['set', 1, 999, Uint8Array.of(105)])
  })
})

describe('checks before any system call', () => {
  const nothing = fake()
  afterAll(() => expect(nothing.calls).toEqual([]))

  test('a read-only option cannot be set, and a write-only option cannot be read', () => {
    expect(() => setOption(nothing.io, SO_ERROR as never, 1 as never)).toThrow(typeError)
    expect(() => setOption(nothing.io, SO_ERROR as never, 1 as never)).toThrow('SO_ERROR can only be read')
    expect(() => getOption(nothing.io, SO_SNDBUFFORCE as never)).toThrow('can only be set')
  })

  test.each([undefined, null, 1, 'SO_ERROR', {}, { ...SO_ERROR }])(
    'a value that is no option is refused: %p',
    value => {
      expect(() => getOption(nothing.io, value as never)).toThrow(typeError)
      expect(() => setOption(nothing.io, value as never, 1 as never)).toThrow(typeError)
      expect(() => query(value as never, 1)).toThrow(typeError)
    },
  )

  test('a value of a wrong type is refused by the name of the option', () => {
    expect(() => setOption(nothing.io, SO_KEEPALIVE, 1 as never)).toThrow(typeError)
    expect(() => setOption(nothing.io, SO_KEEPALIVE, 1 as never)).toThrow('"SO_KEEPALIVE"')
    expect(() => setOption(nothing.io, options.SO_LINGER, { on: true } as never)).toThrow(
      '"SO_LINGER.seconds"',
    )
  })

  test('the error for an option that this system lacks names the system', () => {
    const lacking = defineOption({ ...plain, option: undefined })
    const os = process.platform === 'darwin' ? 'macOS' : 'Linux'
    const error = expect.objectContaining({ name: 'SocketError', code: 'ENOPROTOOPT' })
    expect(() => getOption(nothing.io, lacking)).toThrow(error)
    expect(() => setOption(nothing.io, lacking, 1)).toThrow(
      `setsockopt ENOPROTOOPT: SO_NEW does not exist on ${os}`,
    )
    const noStruct = defineOption({ ...plain, codec: codecs.struct('no_such_struct', {}) })
    expect(() => getOption(nothing.io, noStruct)).toThrow(error)
  })
})

describe('system calls of options', () => {
  const linuxOnly = process.platform === 'linux' ? test : test.skip

  linuxOnly('a program goes to setProgram', () => {
    const programs: unknown[][] = []
    const io: OptionCalls = { ...fake().io, setProgram: (...args) => void programs.push(args) }
    setOption(io, options.SO_ATTACH_FILTER, [{ code: 6, jt: 1, jf: 2, k: 3 }])
    expect(programs).toEqual([[1, 26, Uint8Array.of(6, 0, 1, 2, 3, 0, 0, 0)]])
  })

  linuxOnly('an answer that is too long is asked for again', () => {
    const { io, calls } = fake('ERANGE', Buffer.from([1, 0, 0, 0, 2, 0, 0, 0]))
    expect(getOption(io, options.SO_PEERGROUPS)).toEqual([1, 2])
    expect(calls.map(call => call[3])).toEqual([256, 2048])
  })

  linuxOnly('not for ever, and not after another error', () => {
    const endless: OptionCalls = { ...fake().io, get: () => fake('ERANGE').io.get(0, 0, 0) }
    expect(() => getOption(endless, options.SO_PEERGROUPS)).toThrow('ERANGE')
    const { io, calls } = fake('ENODATA')
    expect(() => getOption(io, options.SO_PEERGROUPS)).toThrow('ENODATA')
    expect(calls).toHaveLength(1)
    expect(() => getOption(fake('ERANGE').io, SO_KEEPALIVE)).toThrow('ERANGE')
  })

  linuxOnly('query gives the kernel something to read', () => {
    const { io, calls } = fake(Buffer.from([32, 0, 0, 0]))
    expect(getOption(io, query(options.PACKET_HDRLEN, 1))).toBe(32)
    expect(calls[0]!.slice(3)).toEqual([4, Uint8Array.of(1, 0, 0, 0)])
    expect(() => setOption(io, query(options.IP_TTL, 1) as never, 1 as never)).toThrow('can only be read')
    expect(() => query(options.SO_SNDBUFFORCE as never, 1)).toThrow('can only be set')
  })
})

test('every declared option was made by defineOption and has a name of C', () => {
  const all = Object.entries(options) as unknown as [
    string,
    SocketOption<unknown, never, 'get' | 'set' | 'both'>,
  ][]
  expect(all.length).toBeGreaterThan(340)
  for (const [name, option] of all) {
    expect(name).toMatch(/^[A-Z][A-Z0-9_]+$/)
    expect(option.name).toBe(name)
  }
  expect(options.SO_LINGER.option).toBe(constants['SO_LINGER_SEC'] ?? constants['SO_LINGER'])
})
