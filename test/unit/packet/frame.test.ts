import { AuxdataCodec, restore, vlanOf } from '../../../lib/packet/frame'
import { darwin, linux } from '../../helpers/platforms'

const platform = {
  ...linux,
  constants: { ...linux.constants, TP_STATUS_VLAN_VALID: 0x10, TP_STATUS_VLAN_TPID_VALID: 0x40 },
  layout: {
    ...linux.layout,
    sizeof_tpacket_auxdata: 20,
    ...Object.fromEntries(
      Object.entries({
        tp_status: [0, 4],
        tp_len: [4, 4],
        tp_vlan_tci: [16, 2],
        tp_vlan_tpid: [18, 2],
      }).flatMap(([name, [at, size]]) => [
        [`offsetof_tpacket_auxdata_${name}`, at!],
        [`sizeof_tpacket_auxdata_${name}`, size!],
      ]),
    ),
  },
}
const codec = AuxdataCodec.create(platform)!

function auxdata(status: number, length: number, tci: number, tpid: number): Uint8Array {
  const bytes = new Uint8Array(20)
  new Uint32Array(bytes.buffer).set([status, length])
  new Uint16Array(bytes.buffer).set([tci, tpid], 8)
  return bytes
}

const frame = Buffer.from('ffffffffffff020000000001080045', 'hex')

describe('auxdata', () => {
  test('auxdata has the VLAN tag and its protocol', () => {
    expect(codec.decode(auxdata(0x51, 60, 0x6005, 0x88a8))).toEqual({
      length: 60,
      tag: { tci: 0x6005, tpid: 0x88a8 },
    })
    // Before Linux 3.14 the only protocol was 0x8100.
    expect(codec.decode(auxdata(0x11, 60, 5, 0))!.tag).toEqual({ tci: 5, tpid: 0x8100 })
  })

  test('auxdata has no tag if the status has no flag of one', () => {
    expect(codec.decode(auxdata(0x01, 1514, 5, 0x8100))).toEqual({ length: 1514, tag: null })
  })

  test('auxdata that is too short decodes to null, and macOS has no codec', () => {
    expect(codec.decode(new Uint8Array(19))).toBeNull()
    expect(AuxdataCodec.create(darwin)).toBeNull()
  })
})

describe('a VLAN tag', () => {
  const tag = { tci: 0xe00a, tpid: 0x8100 }

  test('a tag is restored behind the hardware addresses', () => {
    expect(restore(frame, tag, false).toString('hex')).toBe('ffffffffffff0200000000018100e00a080045')
    expect(vlanOf(frame, tag, false)).toEqual({ id: 10, priority: 7, tpid: 0x8100 })
  })

  test('a tag is not restored into a frame without hardware addresses', () => {
    expect(restore(frame, tag, true)).toEqual(frame)
    expect(restore(frame.subarray(0, 11), tag, false)).toEqual(frame.subarray(0, 11))
    expect(vlanOf(frame, tag, true)).toEqual({ id: 10, priority: 7, tpid: 0x8100 })
  })

  test('a tag is found in the bytes of the frame', () => {
    expect(vlanOf(restore(frame, tag, false), null, false)).toEqual({ id: 10, priority: 7, tpid: 0x8100 })
    expect(vlanOf(frame, null, false)).toBeUndefined()
    expect(vlanOf(frame.subarray(0, 13), null, false)).toBeUndefined()
  })

  test('the restored frame is a copy', () => {
    const copy = restore(frame, null, false)
    copy[0] = 0
    expect(frame[0]).toBe(0xff)
  })
})
