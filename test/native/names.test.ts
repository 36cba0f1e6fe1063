import { constants as system } from 'node:os'
import { if_nameindex } from '../../lib'
import { native } from '../../lib/binding/binding'
import { thrown } from '../helpers/errors'
import { withSlot } from './slot'

const code = (name: string): number => -(system.errno as Record<string, number>)[name]!
const text = (value: string): Uint8Array => Buffer.from(value)

describe('interfaces', () => {
  const [first] = if_nameindex()

  test('names that are too long or empty fail with ENODEV, and buffers that are too small are not exceeded', () => {
    const { name, index } = first!
    expect(native.if_nametoindex(text(name))).toBe(index)
    expect(native.if_nametoindex(text('x'.repeat(16)))).toBe(code('ENODEV'))
    expect(native.if_nametoindex(text(''))).toBe(code('ENODEV'))
    expect(native.if_indextoname(index, new Uint8Array(1))).toBe(1)
    expect(native.if_indextoname(index, new Uint8Array(0))).toBe(0)
    expect(native.if_indextoname(2 ** 30, new Uint8Array(16))).toBe(code('ENXIO'))
    for (const room of [0, 1, 4]) expect(native.if_nameindex(new Uint8Array(room))).toBe(code('ENOBUFS'))
  })

  test('names and addresses are looked up in the network namespace of a socket', () => {
    withSlot(slot => {
      expect(native.interfaceIndex(slot, text(first!.name))).toBe(first!.index)
      for (const name of ['', 'x'.repeat(16), 'a\0b', 'no-interface']) {
        expect(native.interfaceIndex(slot, text(name))).toBe(code('ENODEV'))
      }
      expect(native.interfaceOfAddress(slot, new Uint8Array(3))).toBe(code('EINVAL'))
      expect(native.interfaceOfAddress(slot, Uint8Array.of(255, 1, 2, 3))).toBe(code('ENODEV'))
    })
  })
})

describe('lookups', () => {
  const GETSERVBYNAME = 4

  test('a text longer than 1024 bytes is refused by name, and a reply can be taken once', () => {
    const long = text('x'.repeat(1025))
    expect(thrown(() => native.lookup(GETSERVBYNAME, long, null, 0, 0, 0, 0)).message).toContain('"first"')
    expect(thrown(() => native.lookup(GETSERVBYNAME, null, long, 0, 0, 0, 0)).message).toContain('"second"')
    expect(thrown(() => native.lookup(GETSERVBYNAME, text('x'), 5 as never, 0, 0, 0, 0)).message).toContain(
      '"second"',
    )
    const size = native.lookup(GETSERVBYNAME, text('no-such-service'), null, 0, 0, 0, 0)
    expect(size).toBe(8)
    expect(native.takeReply(new Uint8Array(4))).toBe(4)
    expect(native.takeReply(new Uint8Array(8))).toBe(0)
  })

  test('gethostname writes no more than the buffer holds', () => {
    const whole = new Uint8Array(256)
    const length = native.gethostname(whole)
    expect(length).toBeGreaterThan(0)
    const part = new Uint8Array(1)
    expect([native.gethostname(part), part[0]]).toEqual([1, whole[0]])
    expect(native.gethostname(new Uint8Array(0))).toBe(0)
  })
})
