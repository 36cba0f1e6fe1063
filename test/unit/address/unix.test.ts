import { inspect } from 'node:util'
import { as, both, hex, onDarwin, onLinux, thrown, wrong } from './support'

const family = 1

describe.each(both)('AF_UNIX paths on %s', (os, _platform, codec) => {
  const room = os === 'darwin' ? 104 : 108
  const head = (length: number): Buffer => Buffer.from(os === 'darwin' ? [length, 1] : [1, 0])

  test.each([
    ['string', '/run/é.sock'],
    ['bytes', Buffer.from('/run/é.sock')],
    ['{ path } string', { path: '/run/é.sock' }],
    ['{ path } bytes', { path: new Uint8Array(Buffer.from('/run/é.sock')) }],
  ])('a path given as %s is encoded with a NUL at its end', (_, address) => {
    const path = Buffer.from('/run/é.sock\0')
    expect(Buffer.from(codec.encode(address, family))).toEqual(Buffer.concat([head(2 + path.length), path]))
  })

  test('a path is decoded with and without the NUL', () => {
    for (const end of ['', '\0', '\0\0\0', '\0junk']) {
      const bytes = Buffer.concat([head(0), Buffer.from(`/run/x.sock${end}`)])
      const address = as(codec.decode(bytes), 'unix')
      expect(address.family).toBe(1)
      expect(address.path).toBe('/run/x.sock')
      expect(address.pathBytes).toEqual(Buffer.from('/run/x.sock'))
      expect(String(address)).toBe('/run/x.sock')
      expect(address.toJSON()).toEqual({ kind: 'unix', path: '/run/x.sock' })
      expect(inspect(address)).toBe("Address<unix> { path: '/run/x.sock' }")
      expect(address.bytes).toEqual(new Uint8Array(bytes))
      expect(address.equals(codec.decode(codec.encode('/run/x.sock', family)))).toBe(true)
      expect(address.equals(codec.decode(codec.encode('/run/x.soc', family)))).toBe(false)
    }
  })

  test('a path that is not UTF-8 keeps its bytes', () => {
    const path = Buffer.from([0x2f, 0xff, 0xc3, 0x28])
    const address = as(codec.decode(codec.encode(path, family)), 'unix')
    expect(address.path).toBe('/\ufffd\ufffd(')
    expect(address.pathBytes).toEqual(path)
    expect(codec.encode(address, family)).toEqual(codec.encode(path, family))
    expect(codec.encode(address.pathBytes, family)).toEqual(address.bytes)
  })

  test('a path that fills sun_path except for the NUL is accepted, and a longer one is refused', () => {
    const longest = '/'.padEnd(room - 1, 'x')
    const bytes = codec.encode(longest, family)
    expect(bytes.length).toBe(2 + room)
    expect(bytes.at(-1)).toBe(0)
    expect(as(codec.decode(bytes), 'unix').path).toBe(longest)
    for (const path of [`${longest}x`, Buffer.from(`${longest}x`), `${longest.slice(1)}é`]) {
      const error = thrown(() => codec.encode(path, family))
      expect(error).toBeInstanceOf(RangeError)
      expect(error.code).toBe('ERR_OUT_OF_RANGE')
      expect(error.message).toContain(`at most ${room - 1} bytes`)
    }
  })

  test.each(['nul\0tail', 'end\0', Buffer.from('nul\0tail')])(
    'a path that contains a NUL is refused: %j',
    path => {
      const error = thrown(() => codec.encode(path, family))
      expect(error).toBeInstanceOf(TypeError)
      expect(error.code).toBe('ERR_INVALID_ADDRESS')
      expect(error.message).toContain('NUL')
    },
  )

  test('a path with an unpaired surrogate is refused', () => {
    expect(thrown(() => codec.encode('/x\ud800', family)).code).toBe('ERR_INVALID_ADDRESS')
    expect(as(codec.decode(codec.encode('/😀', family)), 'unix').path).toBe('/😀')
  })

  test.each([[1, 2], 5, null, undefined, {}, { port: 80 }, new DataView(new ArrayBuffer(4))])(
    'a value of another shape is refused: %#',
    value => {
      const error = thrown(() => codec.encode(wrong(value), family))
      expect(error.code).toBe('ERR_INVALID_ARG_TYPE')
      expect(error.message).toContain('a path as string or Uint8Array, { path }')
    },
  )

  test.each([5, null, ['x'], {}])('a path of a wrong type is refused: %p', path => {
    const error = thrown(() => codec.encode(wrong({ path }), family))
    expect(error.code).toBe('ERR_INVALID_ARG_TYPE')
    expect(error.message).toContain('"path"')
  })

  test('an address of only a family decodes to unnamed', () => {
    const address = as(codec.decode(head(2)), 'unnamed')
    expect(address.path).toBe('')
    expect(String(address)).toBe('(unnamed)')
    expect(address.toJSON()).toEqual({ kind: 'unnamed', path: '' })
    expect(address.bytes.length).toBe(2)
    expect(codec.encode(address, family)).toEqual(address.bytes)
  })

  test('no bytes decode to null', () => {
    expect(codec.decode(new Uint8Array(128), 0)).toBeNull()
    expect(codec.decode(new Uint8Array(0))).toBeNull()
  })

  test("a later change of the caller's buffer does not change the encoded bytes", () => {
    const path = Buffer.from('/run/x')
    const bytes = codec.encode(path, family)
    path.fill(0)
    expect(as(codec.decode(bytes), 'unix').path).toBe('/run/x')
  })
})

describe('abstract names of Linux', () => {
  test('an abstract name is encoded with its exact length', () => {
    expect(onLinux.encode('\0q', family)).toEqual(hex('0100 00 71'))
    expect(onLinux.encode('\0q\0', family)).toEqual(hex('0100 00 71 00'))
    expect(onLinux.encode(Buffer.from([0, 0xff]), family)).toEqual(hex('0100 00 ff'))
    expect(onLinux.encode({ path: '\0' }, family)).toEqual(hex('0100 00'))
  })

  test('an empty path is encoded as a family only, so that the kernel chooses the name', () => {
    expect(onLinux.encode('', family)).toEqual(hex('0100'))
    expect(onLinux.encode({ path: new Uint8Array(0) }, family)).toEqual(hex('0100'))
  })

  test('an abstract name is decoded', () => {
    const address = as(onLinux.decode(hex('0100 00 61 00 62')), 'abstract')
    expect(address.name).toEqual(Buffer.from('a\0b'))
    expect(address.path).toBe('\0a\0b')
    expect(address.pathBytes).toEqual(Buffer.from('\0a\0b'))
    expect(String(address)).toBe('@a\\x00b')
    expect(address.toJSON()).toEqual({ kind: 'abstract', path: '\0a\0b' })
    expect(onLinux.encode(address.path, family)).toEqual(address.bytes)
    expect(as(onLinux.decode(hex('0100 00')), 'abstract').name.length).toBe(0)
  })

  test('an abstract name ends at the end of the address, not at a NUL', () => {
    const q = onLinux.decode(onLinux.encode('\0q', family))!
    const padded = onLinux.decode(onLinux.encode('\0q\0', family))!
    expect(q.equals(padded)).toBe(false)
    expect(q.equals(onLinux.decode(onLinux.encode('\0q', family)))).toBe(true)
    expect(q.equals(onLinux.decode(onLinux.encode('q', family)))).toBe(false)
  })

  test('an abstract name of 107 bytes is accepted, and a longer one is refused', () => {
    expect(onLinux.encode(`\0${'x'.repeat(107)}`, family).length).toBe(110)
    const error = thrown(() => onLinux.encode(`\0${'x'.repeat(108)}`, family))
    expect(error.code).toBe('ERR_OUT_OF_RANGE')
    expect(error.message).toContain('at most 108 bytes with the NUL in front')
  })

  test('@name is a path, not an abstract name', () => {
    expect(as(onLinux.decode(onLinux.encode('@name', family)), 'unix').path).toBe('@name')
  })

  test('a path that fills sun_path is reported with one more byte, and encoded in the form that the kernel accepts', () => {
    const path = Buffer.alloc(108, 'x')
    const reported = Buffer.concat([Buffer.from([1, 0]), path, Buffer.from([0])])
    const address = as(onLinux.decode(reported), 'unix')
    expect(address.pathBytes).toEqual(path)
    expect(address.bytes.length).toBe(111)
    expect(Buffer.from(onLinux.encode(address, family))).toEqual(reported.subarray(0, 110))
  })
})

describe('paths on macOS', () => {
  test.each(['\0name', '\0', Buffer.from('\0name')])('an abstract name is refused on macOS: %j', path => {
    const error = thrown(() => onDarwin.encode(path, family))
    expect(error.code).toBe('ERR_INVALID_ADDRESS')
    expect(error.message).toContain('macOS has no abstract namespace')
  })

  test('an empty path is refused on macOS', () => {
    const error = thrown(() => onDarwin.encode('', family))
    expect(error.code).toBe('ERR_INVALID_ADDRESS')
    expect(error.message).toContain('macOS')
  })

  test('zeros of any length decode to unnamed on macOS', () => {
    for (const length of [2, 3, 16, 106]) {
      const bytes = new Uint8Array(length)
      bytes.set([length, 1])
      const address = as(onDarwin.decode(bytes), 'unnamed')
      expect(address.bytes).toEqual(bytes)
      expect(address.equals(onDarwin.decode(hex('0201')))).toBe(true)
    }
  })
})
