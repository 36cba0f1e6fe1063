import { inspect } from 'node:util'
import { af, as, both, hex, onDarwin, onLinux, thrown, wrong } from './support'

describe.each(both)('AF_INET on %s', (os, platform, codec) => {
  const family = af(platform, 'AF_INET')
  const head = os === 'darwin' ? '1002' : '0200'

  test.each([
    ['{ address, port }', { address: '192.168.7.9', port: 8080 }, '1f90 c0a80709'],
    ['[host, port]', ['192.168.7.9', 8080] as const, '1f90 c0a80709'],
    ['port only', { port: 1 }, '0001 00000000'],
    ["''", { address: '', port: 65535 }, 'ffff 00000000'],
    ['undefined host', { address: undefined, port: 0 }, '0000 00000000'],
    ['broadcast', ['<broadcast>', 9] as const, '0009 ffffffff'],
  ])('an IPv4 address is encoded: %s', (_, address, rest) => {
    expect(codec.encode(address, family)).toEqual(hex(`${head} ${rest} 0000000000000000`))
  })

  test('an IPv4 address is decoded', () => {
    const bytes = hex(`${head} 1f90 c0a80709 0000000000000000 ffffffff`)
    const address = as(codec.decode(bytes, 16), 'inet')
    expect(address.family).toBe(family)
    expect(address.address).toBe('192.168.7.9')
    expect(address.port).toBe(8080)
    expect(address.bytes).toEqual(bytes.slice(0, 16))
    expect(String(address)).toBe('192.168.7.9:8080')
    expect(JSON.stringify(address)).toBe('{"kind":"inet","address":"192.168.7.9","port":8080}')
    expect(inspect(address)).toBe("Address<inet> { address: '192.168.7.9', port: 8080 }")
    expect(codec.encode(address.toJSON(), family)).toEqual(address.bytes)
  })

  test('an IPv4 address that is cut short decodes to unknown', () => {
    const address = as(codec.decode(hex(`${head} 1f90 c0a80709 00`)), 'unknown')
    expect(address.family).toBe(family)
    expect(address.data).toEqual(Buffer.from(hex('1f90 c0a80709 00')))
  })

  test.each([-1, 65536, 1.5, Number.NaN, Infinity])('port %p is out of range', port => {
    const error = thrown(() => codec.encode({ port }, family))
    expect(error).toBeInstanceOf(RangeError)
    expect(error.code).toBe('ERR_OUT_OF_RANGE')
    expect(error.message).toContain('"port"')
  })

  test.each(['80', 80n, null, true, {}])('port %p has the wrong type', port => {
    const error = thrown(() => codec.encode(wrong({ address: '1.2.3.4', port }), family))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.code).toBe('ERR_INVALID_ARG_TYPE')
  })

  test('the error for a port in text says that it must be a number', () => {
    expect(thrown(() => codec.encode(wrong(['', '80']), family)).message).toBe(
      'The "port" argument must be of type number. Received type string (\'80\')',
    )
  })

  test.each([null, 1, {}, Buffer.from('1.2.3.4')])('address %p has the wrong type', address => {
    const error = thrown(() => codec.encode(wrong({ address, port: 1 }), family))
    expect(error.code).toBe('ERR_INVALID_ARG_TYPE')
  })

  test.each([
    'localhost',
    'foo.example',
    '127.1',
    '1.2.3',
    '1.2.3.4 ',
    '1.2.3.4\0',
    '01.2.3.4',
    '1.2.3.4%lo',
    '%lo',
  ])('a host name is refused and not resolved: %j', host => {
    const error = thrown(() => codec.encode([host, 80], family))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.code).toBe('ERR_INVALID_ADDRESS')
    expect(error.message).toContain('createConnection')
    expect(error.message).toContain('getaddrinfo')
  })

  test.each(['::1', 'fe80::1%lo', '::ffff:1.2.3.4'])('IPv6 text %j is refused by name', host => {
    const error = thrown(() => codec.encode([host, 80], family))
    expect(error.code).toBe('ERR_INVALID_ADDRESS')
    expect(error.message).toContain('AF_INET6')
  })

  test.each([
    ['a string', '127.0.0.1:80'],
    ['bytes', Buffer.from('x')],
    ['a number', 80],
    ['null', null],
    ['undefined', undefined],
    ['a function', () => 1],
    ['a symbol', Symbol('a')],
    ['an empty object', {}],
    ['no port', { address: '1.2.3.4' }],
    ['a path', { path: '/x' }],
    ['a short list', ['1.2.3.4']],
    ['a long list', ['1.2.3.4', 1, 2]],
    ['a hole', ['1.2.3.4', undefined]],
  ])('a value of another shape is refused: %s', (_, value) => {
    const error = thrown(() => codec.encode(wrong(value), family))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.code).toBe('ERR_INVALID_ARG_TYPE')
    expect(error.message).toContain(
      '{ address?, port }, [host, port], { family, data } or an Address for AF_INET',
    )
  })

  test('{ host, port } of node:net is refused instead of encoded as the wildcard address', () => {
    const error = thrown(() => codec.encode(wrong({ host: '1.2.3.4', port: 80 }), family))
    expect(error.code).toBe('ERR_INVALID_ARG_TYPE')
    expect(error.message).toContain('the field is called "address", not "host"')
  })

  test('equals compares the bytes of the address and the port', () => {
    const a = codec.decode(codec.encode(['1.2.3.4', 5], family))!
    const same = codec.decode(codec.encode({ address: '1.2.3.4', port: 5 }, family))!
    const other = codec.decode(codec.encode(['1.2.3.4', 6], family))!
    expect(a.equals(a)).toBe(true)
    expect(a.equals(same)).toBe(true)
    expect(a.equals(other)).toBe(false)
    for (const value of [null, undefined, '1.2.3.4:5', { ...a.toJSON() }]) expect(a.equals(value)).toBe(false)
  })
})

describe.each(both)('AF_INET6 on %s', (os, platform, codec) => {
  const family = af(platform, 'AF_INET6')
  const head = os === 'darwin' ? '1c1e' : '0a00'
  const one = '00000000000000000000000000000001'
  const local = 'fe800000000000000000000000000001'
  const none = '00000000000000000000000000000000'

  test.each([
    ['text', ['::1', 443] as const, `01bb 00000000 ${one} 00000000`],
    ['wildcard', { port: 443 }, `01bb 00000000 ${none} 00000000`],
    ["''", ['', 443] as const, `01bb 00000000 ${none} 00000000`],
    ['flowinfo', { address: '::1', port: 0, flowinfo: 0xabcde }, `0000 000abcde ${one} 00000000`],
    ['scopeId', { address: 'fe80::1', port: 0, scopeId: 3 }, `0000 00000000 ${local} 03000000`],
    [
      'scopeId at its limit',
      { address: 'fe80::1', port: 0, scopeId: 0xffffffff },
      `0000 00000000 ${local} ffffffff`,
    ],
    ['zone by name', ['fe80::1%eth0', 0] as const, `0000 00000000 ${local} 02000000`],
    ['zone by number', ['fe80::1%77', 0] as const, `0000 00000000 ${local} 4d000000`],
    ['zone 0', ['fe80::1%0', 0] as const, `0000 00000000 ${local} 00000000`],
    [
      'zone and the same scopeId',
      { address: 'fe80::1%eth0', port: 0, scopeId: 2 },
      `0000 00000000 ${local} 02000000`,
    ],
    [
      'zone and no scopeId',
      { address: 'fe80::1%eth0', port: 0, scopeId: 0 },
      `0000 00000000 ${local} 02000000`,
    ],
    ['mapped', ['::ffff:1.2.3.4', 0] as const, '0000 00000000 00000000000000000000ffff01020304 00000000'],
  ])('an IPv6 address is encoded: %s', (_, address, rest) => {
    expect(codec.encode(address, family)).toEqual(hex(`${head} ${rest}`))
  })

  test('an IPv6 address is decoded', () => {
    const bytes = hex(`${head} 0050 060abcde ${local} 02000000`)
    const address = as(codec.decode(bytes), 'inet6')
    expect(address.family).toBe(family)
    expect(address.address).toBe('fe80::1')
    expect(address.port).toBe(80)
    expect(address.flowinfo).toBe(0x060abcde)
    expect(address.scopeId).toBe(2)
    expect(address.toString()).toBe('[fe80::1%eth0]:80')
    expect(address.toJSON()).toEqual({
      kind: 'inet6',
      address: 'fe80::1',
      port: 80,
      flowinfo: 0x060abcde,
      scopeId: 2,
    })
    expect(address.bytes).toEqual(bytes)
  })

  test('a scope without an interface prints as its number, and scope 0 prints as nothing', () => {
    expect(String(codec.decode(codec.encode({ address: 'fe80::1', port: 1, scopeId: 9 }, family)))).toBe(
      '[fe80::1%9]:1',
    )
    expect(String(codec.decode(codec.encode(['2001:db8::1', 1], family)))).toBe('[2001:db8::1]:1')
  })

  test('an IPv4-mapped address prints all its bytes', () => {
    const address = as(codec.decode(codec.encode(['::FFFF:7f00:1', 1], family)), 'inet6')
    expect(address.address).toBe('::ffff:127.0.0.1')
  })

  test('an address whose zone and scopeId differ is refused', () => {
    const error = thrown(() => codec.encode({ address: 'fe80::1%eth0', port: 1, scopeId: 3 }, family))
    expect(error.code).toBe('ERR_INVALID_ADDRESS')
    expect(error.message).toContain('zone is interface 2 and scopeId is 3')
  })

  test.each([
    'fe80::1%',
    'fe80::1%nope',
    'fe80::1%4294967296',
    'fe80::1%-1',
    'fe80::1%1.5',
    'fe80::1%lo\0',
    '::1%%1',
  ])('an unknown zone is refused: %j', host => {
    expect(thrown(() => codec.encode([host, 1], family)).code).toBe('ERR_INVALID_ADDRESS')
  })

  test('IPv4 text is refused for AF_INET6, and the error suggests the mapped form', () => {
    const error = thrown(() => codec.encode(['10.0.0.1', 1], family))
    expect(error.code).toBe('ERR_INVALID_ADDRESS')
    expect(error.message).toContain('IPv4')
    expect(error.message).toContain('::ffff:10.0.0.1')
  })

  test('<broadcast> is refused for AF_INET6', () => {
    const error = thrown(() => codec.encode(['<broadcast>', 1], family))
    expect(error.code).toBe('ERR_INVALID_ADDRESS')
    expect(error.message).toContain('AF_INET')
  })

  test.each(['localhost', '[::1]', '::1 ', '%eth0', 'ip6-localhost'])(
    'a host name is refused and not resolved: %j',
    host => {
      const error = thrown(() => codec.encode([host, 1], family))
      expect(error.code).toBe('ERR_INVALID_ADDRESS')
      expect(error.message).toMatch(/createConnection.*getaddrinfo/)
    },
  )

  test.each([
    ['scopeId', -1],
    ['scopeId', 2 ** 32],
    ['scopeId', 0.5],
    ['flowinfo', -1],
    ['flowinfo', 0x100000],
    ['port', 65536],
  ])('%s %p is out of range', (field, value) => {
    const error = thrown(() => codec.encode({ address: '::1', port: 1, [field]: value }, family))
    expect(error).toBeInstanceOf(RangeError)
    expect(error.code).toBe('ERR_OUT_OF_RANGE')
    expect(error.message).toContain(`"${field}"`)
  })

  test.each([
    ['scopeId', 'eth0'],
    ['scopeId', null],
    ['flowinfo', 1n],
    ['port', '1'],
  ])('%s %p has the wrong type', (field, value) => {
    const error = thrown(() => codec.encode(wrong({ address: '::1', port: 1, [field]: value }), family))
    expect(error.code).toBe('ERR_INVALID_ARG_TYPE')
  })

  test('an IPv6 address that is cut short decodes to unknown', () => {
    expect(as(codec.decode(hex(`${head} 0050 00000000 ${local} 020000`)), 'unknown').family).toBe(family)
  })
})

test('the two platforms number AF_INET6 differently', () => {
  const bytes = onLinux.encode(['::1', 1], 10)
  expect(onDarwin.decode(bytes)?.kind).toBe('unknown')
})
