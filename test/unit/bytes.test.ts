import { checksum } from '../../lib'
import { thrown } from '../helpers/errors'

describe('checksum', () => {
  test('the example of RFC 1071, and odd lengths as if a zero followed', () => {
    const bytes = Buffer.from('0001f203f4f5f6f7', 'hex')
    expect(checksum(bytes)).toBe(~0xddf2 & 0xffff)
    expect(checksum(Buffer.from('0001f203f4f5f6', 'hex'))).toBe(
      checksum(Buffer.from('0001f203f4f5f600', 'hex')),
    )
    expect(checksum(Buffer.alloc(0))).toBe(0xffff)
    expect(checksum(Buffer.alloc(70000, 0xff))).toBe(0)
  })

  test('an IPv4 header that carries its own', () => {
    const header = Buffer.from('450000730000400040110000c0a80001c0a800c7', 'hex')
    expect(checksum(header)).toBe(0xb861)
    header.writeUInt16BE(0xb861, 10)
    expect(checksum(header)).toBe(0)
  })

  test('parts count as one, wherever the cuts are', () => {
    const bytes = Buffer.from(Array.from({ length: 23 }, (_, i) => (i * 73 + 11) & 0xff))
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) {
        const parts = [bytes.subarray(first, second), bytes.subarray(second)] as const
        expect(checksum(bytes.subarray(0, first), ...parts)).toBe(checksum(bytes))
      }
    }
  })

  test('any view, seen as its bytes', () => {
    const words = Uint16Array.of(0x1234, 0x5678, 0x9abc)
    const bytes = new Uint8Array(words.buffer)
    expect(checksum(words)).toBe(checksum(bytes))
    expect(checksum(new DataView(words.buffer, 1, 3))).toBe(checksum(bytes.subarray(1, 4)))
  })

  test('anything else is refused', () => {
    expect(thrown(() => checksum('text' as never)).code).toBe('ERR_INVALID_ARG_TYPE')
    expect(thrown(() => checksum(Buffer.alloc(2), [1] as never)).message).toMatch(/"more\[0\]"/)
  })
})
