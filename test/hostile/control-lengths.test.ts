import { AF_UNIX, SOCK_DGRAM, Socket } from '../../lib'
import { errnoOf } from '../../lib/errors/errno'
import * as raw from '../../lib/raw'
import { runNode } from '../helpers/child'
import { missing, testIf } from '../helpers/need'

// Each header has cmsg_len, cmsg_level and cmsg_type: 16 bytes on 64-bit Linux.
const HEADER = 16

function headers(lengths: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(HEADER * lengths.length)
  for (const [i, length] of lengths.entries()) bytes.writeBigInt64LE(length, i * HEADER)
  return bytes
}

testIf(
  missing.linux(),
  'a control message whose length leads back to an earlier one does not loop',
  async () => {
    const ended = await runNode(
      `
const raw = require('./dist/raw')
const [a, b] = Socket.pair(c.AF_UNIX, c.SOCK_DGRAM)
const control = Buffer.from('${headers([16n, -16n]).toString('hex')}', 'hex')
console.log(raw.sendmsg(a.fd, [Buffer.from('x')], control, 0))
b.close()
a.close()
`,
      { timeout: 10_000 },
    )
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(Number(ended.stdout)).toBe(errnoOf('EINVAL'))
  },
)

describe.each([
  ['less than a header', [0n]],
  ['more than the buffer', [16n, 17n]],
  ['so large that its rounding overflows', [-1n, 16n]],
  ['before the buffer', [-16n]],
  ['far before the buffer', [-0x100000000n]],
])('a control message whose length is %s', (_, lengths) => {
  testIf(missing.linux(), 'is refused by the kernel', () => {
    const [a, b] = Socket.pair(AF_UNIX, SOCK_DGRAM)
    expect(raw.sendmsg(a.fd, [Buffer.from('x')], headers(lengths), 0)).toBe(errnoOf('EINVAL'))
    a.close()
    b.close()
  })
})
