import { af, as, both, hex, onDarwin, onLinux, thrown, wrong } from './support'
import { linux } from '../../helpers/platforms'

const code = (run: () => unknown): unknown => thrown(run).code

describe('AF_PACKET', () => {
  const family = af(linux, 'AF_PACKET')
  const whole = '1100 0800 02000000 0400 03 06 aabbccddeeff 0000'

  test('a packet address is encoded', () => {
    expect(onLinux.encode({ interface: 'eth0' }, family)).toEqual(
      hex('1100 0000 02000000 0000 00 00 0000000000000000'),
    )
    const rest = { protocol: 0x0800, packetType: 3, hardwareType: 4 }
    for (const hardwareAddress of ['aa:bb:cc:dd:ee:ff', 'AA-BB-CC-DD-EE-FF', hex('aabbccddeeff')]) {
      expect(onLinux.encode({ interface: 2, hardwareAddress, ...rest }, family)).toEqual(hex(whole))
    }
    expect(onLinux.encode({ interface: 0 }, family)[4]).toBe(0)
    expect(onLinux.encode({ interface: null, index: 7 }, family)[4]).toBe(7)
    expect(onLinux.encode({ interface: 1, hardwareAddress: '1:2:3:4:5:6:7:8' }, family)).toEqual(
      hex('1100 0000 01000000 0000 00 08 0102030405060708'),
    )
  })

  test('a packet address is decoded', () => {
    const address = as(onLinux.decode(hex(whole)), 'packet')
    expect(address.family).toBe(17)
    expect(address.toJSON()).toEqual({
      kind: 'packet',
      interface: 'eth0',
      index: 2,
      protocol: 0x0800,
      packetType: 3,
      hardwareType: 4,
      hardwareAddress: 'aa:bb:cc:dd:ee:ff',
    })
    expect(String(address)).toBe('packet:eth0:0x0800/aa:bb:cc:dd:ee:ff')
    expect(onLinux.encode(address.toJSON(), family)).toEqual(address.bytes)
  })

  test('a packet address of an interface that no longer exists has only its index', () => {
    const address = as(onLinux.decode(onLinux.encode({ interface: 99 }, family)), 'packet')
    expect([address.interface, address.index, address.hardwareAddress]).toEqual([null, 99, ''])
    expect(String(address)).toBe('packet:99:0x0000')
    expect(onLinux.encode(address.toJSON(), family)).toEqual(address.bytes)
    expect(as(onLinux.decode(onLinux.encode({ interface: 0 }, family)), 'packet').interface).toBeNull()
  })

  test('a packet address may end at its last hardware byte, and is encoded as the whole struct', () => {
    const short = hex(whole).slice(0, 18)
    const address = as(onLinux.decode(short), 'packet')
    expect(address.hardwareAddress).toBe('aa:bb:cc:dd:ee:ff')
    expect(address.bytes).toEqual(short)
    expect(onLinux.encode(address, family)).toEqual(hex(whole))
  })

  test('a hardware address longer than sll_addr is kept whole', () => {
    const long = hex(`1100 0000 02000000 2000 00 14 ${'ab'.repeat(20)}`)
    const address = as(onLinux.decode(long), 'packet')
    expect(address.hardwareAddress.length).toBe(59)
    expect(onLinux.encode(address, family)).toEqual(long)
  })

  test('a hardware address longer than the bytes is cut to the bytes', () => {
    expect(as(onLinux.decode(hex('1100 0000 02000000 0000 00 ff aabb')), 'packet').hardwareAddress).toBe(
      'aa:bb',
    )
  })

  test('a packet address with invalid fields is refused', () => {
    const encode = (value: unknown) => () => onLinux.encode(wrong(value), family)
    expect(code(encode({ interface: 'nope' }))).toBe('ERR_INVALID_ADDRESS')
    expect(thrown(encode({ interface: 'nope' })).message).toBe(
      'Invalid address \'nope\': no interface is called "nope"',
    )
    for (const name of ['', 'lo\0']) expect(code(encode({ interface: name }))).toBe('ERR_INVALID_ADDRESS')
    for (const index of [-1, 1.5, 2 ** 31])
      expect(code(encode({ interface: index }))).toBe('ERR_OUT_OF_RANGE')
    expect(code(encode({ interface: {} }))).toBe('ERR_INVALID_ARG_TYPE')
    expect(code(encode({ interface: null }))).toBe('ERR_INVALID_ARG_TYPE')
    for (const field of ['protocol', 'hardwareType']) {
      expect(code(encode({ interface: 1, [field]: 65536 }))).toBe('ERR_OUT_OF_RANGE')
      expect(code(encode({ interface: 1, [field]: -1 }))).toBe('ERR_OUT_OF_RANGE')
      expect(code(encode({ interface: 1, [field]: '8' }))).toBe('ERR_INVALID_ARG_TYPE')
    }
    expect(code(encode({ interface: 1, packetType: 256 }))).toBe('ERR_OUT_OF_RANGE')
    for (const hardwareAddress of [new Uint8Array(9), '1:2:3:4:5:6:7:8:9']) {
      expect(thrown(encode({ interface: 1, hardwareAddress }))).toBeInstanceOf(RangeError)
    }
    for (const hardwareAddress of ['aa:', 'aabb', 'aa:bb-cc', 'gg:aa', ' ']) {
      expect(code(encode({ interface: 1, hardwareAddress }))).toBe('ERR_INVALID_ADDRESS')
    }
    expect(code(encode({ interface: 1, hardwareAddress: 5 }))).toBe('ERR_INVALID_ARG_TYPE')
    expect(thrown(encode('eth0')).message).toContain('{ interface, protocol?, hardwareAddress? }')
  })
})

describe('AF_NETLINK', () => {
  const family = af(linux, 'AF_NETLINK')

  test('a netlink address encodes and decodes to the same value', () => {
    const bytes = onLinux.encode({ pid: 0x01020304, groups: 0x80000001 }, family)
    expect(bytes).toEqual(hex('1000 0000 04030201 01000080'))
    const address = as(onLinux.decode(bytes), 'netlink')
    expect(address.toJSON()).toEqual({ kind: 'netlink', pid: 0x01020304, groups: 0x80000001 })
    expect(String(address)).toBe('netlink:16909060:0x80000001')
    expect(onLinux.encode(wrong({ pid: 5 }), family)).toEqual(hex('1000 0000 05000000 00000000'))
    expect(onLinux.encode(wrong({ groups: 5 }), family)).toEqual(hex('1000 0000 00000000 05000000'))
  })

  test('a netlink address with invalid fields is refused', () => {
    for (const value of [-1, 2 ** 32, 0.5]) {
      expect(code(() => onLinux.encode({ pid: value, groups: 0 }, family))).toBe('ERR_OUT_OF_RANGE')
      expect(code(() => onLinux.encode({ pid: 0, groups: value }, family))).toBe('ERR_OUT_OF_RANGE')
    }
    expect(code(() => onLinux.encode(wrong({ pid: '1', groups: 0 }), family))).toBe('ERR_INVALID_ARG_TYPE')
    expect(thrown(() => onLinux.encode(wrong({}), family)).message).toContain('{ pid, groups }')
    expect(onLinux.decode(hex('1000 0000 04030201'))?.kind).toBe('unknown')
  })
})

describe.each(both)('AF_VSOCK on %s', (os, platform, codec) => {
  const family = af(platform, 'AF_VSOCK')

  test('a vsock address encodes and decodes to the same value', () => {
    const bytes = codec.encode({ cid: 0xffffffff, port: 0x01020304 }, family)
    const rest = '0000 04030201 ffffffff'
    expect(bytes).toEqual(hex(os === 'darwin' ? `0c28 ${rest}` : `2800 ${rest} 00000000`))
    const address = as(codec.decode(bytes), 'vsock')
    expect(address.toJSON()).toEqual({ kind: 'vsock', cid: 0xffffffff, port: 0x01020304, flags: 0 })
    expect(String(address)).toBe('vsock:4294967295:16909060')
    expect(codec.encode(address.toJSON(), family)).toEqual(bytes)
  })

  test('a vsock address with invalid fields is refused', () => {
    for (const value of [-1, 2 ** 32]) {
      expect(code(() => codec.encode({ cid: value, port: 0 }, family))).toBe('ERR_OUT_OF_RANGE')
      expect(code(() => codec.encode({ cid: 0, port: value }, family))).toBe('ERR_OUT_OF_RANGE')
    }
    for (const value of [{ port: 1 }, { cid: 1 }, [2, 1], '2:1']) {
      expect(thrown(() => codec.encode(wrong(value), family)).message).toContain('{ cid, port }')
    }
    expect(codec.decode(codec.encode({ cid: 1, port: 2 }, family), 11)?.kind).toBe('unknown')
  })
})

test('the flags of a vsock address exist only on Linux', () => {
  expect(onLinux.encode({ cid: 3, port: 4, flags: 1 }, 40)[12]).toBe(1)
  expect(as(onLinux.decode(onLinux.encode({ cid: 3, port: 4, flags: 1 }, 40)), 'vsock').flags).toBe(1)
  const error = thrown(() => onDarwin.encode({ cid: 3, port: 4, flags: 1 }, 40))
  expect(error.code).toBe('ERR_INVALID_ADDRESS')
  expect(error.message).toContain('macOS has no vsock flags')
})

describe('AF_CAN', () => {
  const family = af(linux, 'AF_CAN')

  test('a raw CAN address encodes and decodes to the same value', () => {
    const bytes = onLinux.encode({ interface: 'eth0' }, family)
    expect(bytes).toEqual(hex(`1d00 0000 02000000 ${'00'.repeat(16)}`))
    const address = as(onLinux.decode(bytes), 'can')
    expect([address.interface, address.index, String(address)]).toEqual(['eth0', 2, 'can:eth0'])
  })

  test('an ISO-TP address encodes and decodes to the same value', () => {
    const bytes = onLinux.encode({ interface: 2, rxId: 0x7e8, txId: 0x80000001 }, family)
    expect(bytes).toEqual(hex(`1d00 0000 02000000 e8070000 01000080 ${'00'.repeat(8)}`))
    const address = as(onLinux.decode(bytes, 16), 'can')
    expect([address.rxId, address.txId]).toEqual([0x7e8, 0x80000001])
    expect([address.name, address.pgn, address.addr]).toEqual([null, null, null])
    expect(address.bytes.length).toBe(16)
  })

  test('a J1939 address encodes an absent field as the value that the kernel takes for none', () => {
    const bytes = onLinux.encode(
      { interface: 2, name: 0x0102030405060708n, pgn: 0x1ffff, addr: 0x20 },
      family,
    )
    expect(bytes).toEqual(hex('1d00 0000 02000000 0807060504030201 ffff0100 20 000000'))
    const address = as(onLinux.decode(bytes), 'can')
    expect([address.name, address.pgn, address.addr]).toEqual([0x0102030405060708n, 0x1ffff, 0x20])
    expect(JSON.parse(JSON.stringify(address))).toMatchObject({
      name: '0x102030405060708',
      pgn: 0x1ffff,
      addr: 0x20,
    })
    expect(onLinux.encode({ interface: 2, addr: 1 }, family)).toEqual(
      hex('1d00 0000 02000000 0000000000000000 00000400 01 000000'),
    )
    expect(onLinux.encode({ interface: 2, name: 9 }, family)).toEqual(
      hex('1d00 0000 02000000 0900000000000000 00000400 ff 000000'),
    )
  })

  test('an ISO-TP address may have only one of txId and rxId', () => {
    expect(onLinux.encode({ interface: 2, txId: 5 }, family).subarray(8, 16)).toEqual(
      hex('00000000 05000000'),
    )
    expect(onLinux.encode({ interface: 2, rxId: 5 }, family).subarray(8, 16)).toEqual(
      hex('05000000 00000000'),
    )
    expect(thrown(() => onLinux.encode({ interface: 2, rxId: 5, pgn: 1 }, family)).code).toBe(
      'ERR_INVALID_ADDRESS',
    )
  })

  test('a short CAN address is padded with zeros when it is encoded again', () => {
    const address = as(onLinux.decode(hex('1d00 0000 02000000')), 'can')
    expect([address.index, address.rxId, address.name]).toEqual([2, null, null])
    expect(address.bytes.length).toBe(8)
    expect(onLinux.encode(address, family)).toEqual(onLinux.encode({ interface: 2 }, family))
  })

  test('a CAN address with invalid fields is refused', () => {
    const encode = (fields: object) => () => onLinux.encode(wrong({ interface: 2, ...fields }), family)
    for (const field of ['rxId', 'txId']) {
      expect(code(encode({ [field]: 2 ** 32 }))).toBe('ERR_OUT_OF_RANGE')
      expect(code(encode({ [field]: '1' }))).toBe('ERR_INVALID_ARG_TYPE')
    }
    for (const name of [-1n, 2n ** 64n, -1, 2 ** 53]) expect(code(encode({ name }))).toBe('ERR_OUT_OF_RANGE')
    expect(code(encode({ name: 'x' }))).toBe('ERR_INVALID_ARG_TYPE')
    expect(code(encode({ pgn: 0x40001 }))).toBe('ERR_OUT_OF_RANGE')
    expect(code(encode({ addr: 256 }))).toBe('ERR_OUT_OF_RANGE')
    expect(code(encode({ rxId: 1, pgn: 1 }))).toBe('ERR_INVALID_ADDRESS')
    expect(thrown(() => onLinux.encode(wrong({}), family)).message).toContain('{ interface, rxId, txId }')
  })
})

describe('AF_XDP', () => {
  const family = af(linux, 'AF_XDP')

  test('an XDP address encodes and decodes to the same value', () => {
    const bytes = onLinux.encode({ interface: 'eth0', queue: 3, flags: 0x0102, sharedFd: 9 }, family)
    expect(bytes).toEqual(hex('2c00 0201 02000000 03000000 09000000'))
    const address = as(onLinux.decode(bytes), 'xdp')
    const expected = { kind: 'xdp', interface: 'eth0', index: 2, queue: 3, flags: 0x0102, sharedFd: 9 }
    expect(address.toJSON()).toEqual(expected)
    expect(String(address)).toBe('xdp:eth0:3')
    expect(onLinux.encode(address.toJSON(), family)).toEqual(bytes)
    expect(onLinux.encode({ interface: 2 }, family)).toEqual(hex('2c00 0000 02000000 00000000 00000000'))
  })

  test('an XDP address with invalid fields is refused', () => {
    for (const field of ['queue', 'flags', 'sharedFd']) {
      expect(code(() => onLinux.encode({ interface: 2, [field]: -1 }, family))).toBe('ERR_OUT_OF_RANGE')
      expect(code(() => onLinux.encode(wrong({ interface: 2, [field]: null }), family))).toBe(
        'ERR_INVALID_ARG_TYPE',
      )
    }
    expect(code(() => onLinux.encode({ interface: 2, flags: 65536 }, family))).toBe('ERR_OUT_OF_RANGE')
    expect(thrown(() => onLinux.encode('eth0', family)).message).toContain('{ interface, queue?')
  })
})

describe('AF_TIPC', () => {
  const family = af(linux, 'AF_TIPC')

  test.each([
    [
      { type: 5, lower: 6, upper: 7, scope: 2 },
      '1e00 01 02 05000000 06000000 07000000',
      { addressType: 1, type: 5, lower: 6, upper: 7, scope: 2 },
      'tipc:5:6-7',
    ],
    [
      { type: 5, instance: 6 },
      '1e00 02 00 05000000 06000000 00000000',
      { addressType: 2, type: 5, instance: 6, domain: 0, scope: 0 },
      'tipc:5:6',
    ],
    [
      { type: 5, instance: 6, domain: 8, scope: -3 },
      '1e00 02 fd 05000000 06000000 08000000',
      { addressType: 2, type: 5, instance: 6, domain: 8, scope: -3 },
      'tipc:5:6',
    ],
    [
      { ref: 0xffffffff, node: 0x1001 },
      '1e00 03 00 ffffffff 01100000 00000000',
      { addressType: 3, ref: 0xffffffff, node: 0x1001, scope: 0 },
      'tipc:@1001:4294967295',
    ],
  ])('a TIPC address encodes and decodes to the same value: %j', (given, bytes, fields, text) => {
    expect(onLinux.encode(given, family)).toEqual(hex(bytes))
    const address = as(onLinux.decode(hex(bytes)), 'tipc')
    expect(address.toJSON()).toEqual({ kind: 'tipc', ...fields })
    expect(String(address)).toBe(text)
    expect(onLinux.encode(wrong(address.toJSON()), family)).toEqual(hex(bytes))
  })

  test('a field that the type of a TIPC address lacks is null', () => {
    const address = as(onLinux.decode(onLinux.encode({ ref: 1, node: 2 }, family)), 'tipc')
    const { type, lower, upper, instance, domain } = address
    expect([type, lower, upper, instance, domain]).toEqual([null, null, null, null, null])
    expect(String(onLinux.decode(hex('1e00 09 00 05000000 06000000 00000000')))).toBe('tipc:?9')
  })

  test('a TIPC address with invalid fields is refused', () => {
    expect(code(() => onLinux.encode({ type: -1, instance: 1 }, family))).toBe('ERR_OUT_OF_RANGE')
    expect(code(() => onLinux.encode({ type: 1, instance: 1, scope: 128 }, family))).toBe('ERR_OUT_OF_RANGE')
    expect(code(() => onLinux.encode(wrong({ ref: '1', node: 1 }), family))).toBe('ERR_INVALID_ARG_TYPE')
    for (const value of [{}, { type: 1 }, { ref: 1 }, 'x']) {
      expect(thrown(() => onLinux.encode(wrong(value), family)).message).toContain('{ ref, node, scope? }')
    }
  })
})

describe('AF_BLUETOOTH', () => {
  const family = af(linux, 'AF_BLUETOOTH')
  const bdaddr = '01:02:03:04:05:AB'

  test.each([
    [
      'l2cap',
      { bdaddr, psm: 0x1003 },
      '1f00 0310 ab0504030201 0000 00 00',
      '/4099',
      { psm: 0x1003, cid: 0, bdaddrType: 0 },
    ],
    [
      'l2cap',
      { bdaddr, psm: 0, cid: 4, bdaddrType: 2 },
      '1f00 0000 ab0504030201 0400 02 00',
      '/0',
      { psm: 0, cid: 4, bdaddrType: 2 },
    ],
    ['rfcomm', { bdaddr, channel: 7 }, '1f00 ab0504030201 07 00', '/7', { channel: 7 }],
    ['sco', { bdaddr }, '1f00 ab0504030201', '', {}],
  ])(
    'a Bluetooth address of %s encodes and decodes to the same value: %j',
    (protocol, given, bytes, text, fields) => {
      expect(onLinux.encode(given, family)).toEqual(hex(bytes))
      const address = as(onLinux.decode(hex(bytes)), 'bluetooth')
      expect(address.toJSON()).toEqual({ kind: 'bluetooth', protocol, bdaddr, ...fields })
      expect(address.device).toBeNull()
      expect(String(address)).toBe(`bluetooth:${bdaddr}${text}`)
      expect(onLinux.encode(wrong(address.toJSON()), family)).toEqual(hex(bytes))
    },
  )

  test('an HCI address encodes and decodes to the same value', () => {
    const bytes = onLinux.encode({ device: 0xffff, channel: 3 }, family)
    expect(bytes).toEqual(hex('1f00 ffff 0300'))
    const address = as(onLinux.decode(bytes), 'bluetooth')
    expect(address.toJSON()).toEqual({ kind: 'bluetooth', protocol: 'hci', device: 0xffff, channel: 3 })
    expect([address.bdaddr, address.psm, address.cid, address.bdaddrType]).toEqual([null, null, null, null])
    expect(String(address)).toBe('bluetooth:hci65535/3')
  })

  test('a Bluetooth address of an unexpected length decodes to unknown', () => {
    for (const length of [2, 7, 9, 12, 16]) {
      const bytes = new Uint8Array(length)
      bytes[0] = 31
      expect(onLinux.decode(bytes)?.kind).toBe('unknown')
    }
  })

  test('a Bluetooth address with invalid fields is refused', () => {
    const encode = (value: unknown) => () => onLinux.encode(wrong(value), family)
    for (const text of ['', '1:2:3:4:5', '1:2:3:4:5:6:7', 'x']) {
      expect(code(encode({ bdaddr: text }))).toBe('ERR_INVALID_ADDRESS')
    }
    expect(code(encode({ bdaddr: 5 }))).toBe('ERR_INVALID_ARG_TYPE')
    expect(code(encode({ bdaddr, psm: 65536 }))).toBe('ERR_OUT_OF_RANGE')
    expect(code(encode({ bdaddr, psm: 1, bdaddrType: 3 }))).toBe('ERR_OUT_OF_RANGE')
    expect(code(encode({ bdaddr, channel: 256 }))).toBe('ERR_OUT_OF_RANGE')
    expect(code(encode({ device: 65536 }))).toBe('ERR_OUT_OF_RANGE')
    expect(thrown(encode(bdaddr)).message).toContain('{ device, channel? }')
    expect(thrown(encode({})).message).toContain('{ device, channel? }')
  })
})

describe('AF_ALG', () => {
  const family = af(linux, 'AF_ALG')

  test('an algorithm address encodes and decodes to the same value', () => {
    const bytes = onLinux.encode({ type: 'hash', name: 'sha256', feature: 1, mask: 0xfffffffe }, family)
    expect(bytes.length).toBe(88)
    const type = `68617368${'00'.repeat(10)}`
    expect(bytes.slice(0, 32)).toEqual(hex(`2600 ${type} 01000000 feffffff 736861323536 0000`))
    const address = as(onLinux.decode(bytes), 'alg')
    expect(address.toJSON()).toEqual({
      kind: 'alg',
      type: 'hash',
      name: 'sha256',
      feature: 1,
      mask: 0xfffffffe,
    })
    expect(String(address)).toBe('alg:hash:sha256')
    expect(onLinux.encode(address.toJSON(), family)).toEqual(bytes)
  })

  test('an algorithm address with invalid fields is refused', () => {
    expect(onLinux.encode({ type: 'x'.repeat(13), name: 'y'.repeat(63) }, family).length).toBe(88)
    expect(code(() => onLinux.encode({ type: 'x'.repeat(14), name: 'y' }, family))).toBe('ERR_OUT_OF_RANGE')
    expect(code(() => onLinux.encode({ type: 'x', name: 'y'.repeat(64) }, family))).toBe('ERR_OUT_OF_RANGE')
    expect(code(() => onLinux.encode({ type: 'x\0', name: 'y' }, family))).toBe('ERR_INVALID_ADDRESS')
    expect(code(() => onLinux.encode({ type: 'x', name: 'y', mask: -1 }, family))).toBe('ERR_OUT_OF_RANGE')
    expect(code(() => onLinux.encode(wrong({ type: 1, name: 'y' }), family))).toBe('ERR_INVALID_ARG_TYPE')
    expect(thrown(() => onLinux.encode(wrong({ type: 'x' }), family)).message).toContain('{ type, name')
  })
})

test('a Bluetooth device without a channel is encoded with HCI_CHANNEL_RAW', () => {
  const family = af(linux, 'AF_BLUETOOTH')
  expect(onLinux.encode({ device: 1 }, family)).toEqual(hex('1f00 0100 0000'))
})
