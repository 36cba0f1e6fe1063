import type { NamedInstruction } from '../assemble'
import { ancillary, SKF_AD_OFF } from '../opcodes'
import { and, never, not, or, test, type Condition, type Steps, type Test } from './condition'
import { ETHERTYPE, LLC } from './names'

/** What a packet starts with: an Ethernet header; nothing, with its type in the metadata; or an IP header. */
export type LinkType = 'ethernet' | 'cooked' | 'raw'

export type Size = 1 | 2 | 4

/** Where the offset of a load starts. */
export type Base = 'link' | 'type' | 'payload' | 'network' | 'unpadded' | 'label' | 'transport'

/** Lengths up to this one are lengths of 802.3 frames, other numbers in their place are types. */
const MAX_LENGTH = 1500

/** The word of memory with the length of the VLAN tag in the packet: 4, or 0 if the kernel removed the tag. */
const TAG = 0

const ld = (size: Size, k: number, mode: 'abs' | 'ind' = 'abs'): NamedInstruction =>
  size === 4 ? { op: 'ld', mode, k } : { op: size === 2 ? 'ldh' : 'ldb', mode, k }
export const metadata = (index: number): number => (SKF_AD_OFF + 4 * index) >>> 0
const PROTOCOL = metadata(0)
const VLAN_TAG = metadata(11)
const VLAN_PRESENT = metadata(12)
const ETH_P_802_3 = 1
const ETH_P_802_2 = 4

const PPP_MPLS = 0x0281

/** Types of PPP, where they differ from those of Ethernet. */
const ppp: ReadonlyMap<number, number> = new Map([
  [ETHERTYPE.ip, 0x21],
  [ETHERTYPE.ip6, 0x57],
  [ETHERTYPE.decnet, 0x27],
  [ETHERTYPE.atalk, 0x29],
  [0x0600, 0x25],
  [LLC.iso, 0x23],
  [LLC.stp, 0x31],
  [LLC.ipx, 0x2b],
])

/**
 * The headers of a packet, as far as the expression has been read. `vlan`, `mpls` and `pppoes` change them for all that
 * follows in the text, whichever `and`, `or`, `not` or brackets are between: pcap-filter(7) says so.
 */
export class Layers {
  #link: LinkType | 'ppp'
  #header = 0
  #type: number
  #payload: number
  /** The length of the labels of MPLS before the network header. */
  #labels = 0
  /** The length of the LLC header. */
  readonly #llc = 3
  #tags = 0
  /** True if the offset of the payload depends on TAG. */
  #variable = false

  constructor(
    link: LinkType,
    private readonly fromMetadata: boolean,
  ) {
    this.#link = link
    this.#type = 12
    this.#payload = link === 'ethernet' ? 14 : 0
  }

  get link(): LinkType | 'ppp' {
    return this.#link
  }

  /** Instructions for the start of the program. */
  get setup(): Steps {
    if (!this.#variable) return []
    return [
      { op: 'ld', mode: 'imm', k: 0 },
      { op: 'st', k: TAG },
    ]
  }

  /** True if the same load always has the same result. */
  get stable(): boolean {
    return !this.#variable
  }

  /** Loads a field into A. */
  load(base: Base, offset: number, size: Size): Steps {
    if (base === 'type' && this.#link === 'cooked') return [{ op: 'ldh', k: PROTOCOL }]
    const k = (this.#offset(base) + offset) >>> 0
    if (base === 'transport') return [...this.#headerLength(), ld(size, k, 'ind')]
    if (!this.#isVariable(base)) return [ld(size, k)]
    return [{ op: 'ldx', mode: 'mem', k: TAG }, ld(size, k, 'ind')]
  }

  /** Returns true if a program may load from an offset. Negative ones are the kernel's metadata, or nothing. */
  isInside(base: Base, offset: number): boolean {
    const at = (this.#offset(base) + offset) >>> 0
    return at < metadata(0) || ancillary.some((_, i) => metadata(i) === at)
  }

  /** Loads a field whose offset is in A into A. */
  loadAtA(base: Base, offset: number, size: Size): Steps {
    const load = ld(size, (this.#offset(base) + offset) >>> 0, 'ind')
    if (base !== 'transport' && !this.#isVariable(base)) return [{ op: 'tax' }, load]
    if (base !== 'transport')
      return [{ op: 'ldx', mode: 'mem', k: TAG }, { op: 'add', mode: 'x' }, { op: 'tax' }, load]
    // The length of a header after a variable offset is computed in A.
    if (!this.#variable) return [...this.#headerLength(), { op: 'add', mode: 'x' }, { op: 'tax' }, load]
    const spare = 15
    return [
      { op: 'st', k: spare },
      ...this.#headerLength(),
      { op: 'ld', mode: 'mem', k: spare },
      { op: 'add', mode: 'x' },
      { op: 'tax' },
      load,
    ]
  }

  /** Compares a field of the packet. */
  field(
    base: Base,
    offset: number,
    size: Size,
    value: number,
    mask = 0xffffffff,
    op: Test['op'] = 'jeq',
  ): Test {
    const steps = this.load(base, offset, size)
    const masked = test(
      mask >>> 0 === 0xffffffff ? steps : [...steps, { op: 'and', k: mask >>> 0 }],
      op,
      value,
    )
    return mask === 0 ? { ...masked, known: value === 0 } : masked
  }

  /** Compares several bytes of the packet, the last ones first. */
  bytes(base: Base, offset: number, bytes: readonly number[]): Condition {
    const conditions: Condition[] = []
    for (let end = bytes.length; end > 0;) {
      const size: Size = end >= 4 ? 4 : end >= 2 ? 2 : 1
      const value = bytes.slice(end - size, end).reduce((all, each) => all * 256 + each, 0)
      conditions.push(this.field(base, offset + end - size, size, value))
      end -= size
    }
    return and(...conditions)
  }

  /** Compares the type of the payload: an EtherType, or a service access point of 802.2. */
  typeIs(type: number): Condition {
    if (this.#labels > 0) return this.#version(type, true)
    switch (this.#link) {
      case 'raw':
        return this.#version(type, false)
      case 'ppp':
        return this.field('type', 0, 2, ppp.get(type) ?? type)
      default:
        return this.#typeIs(type)
    }
  }

  #typeIs(type: number): Condition {
    const isType = this.field('type', 0, 2, type)
    const cooked = this.#link === 'cooked'
    switch (type) {
      case LLC.iso:
      case LLC.ip:
      case LLC.netbeui:
        return and(this.isLlc, this.field('payload', 0, 2, type << 8 | type)) // prettier-ignore
      case LLC.ipx: {
        const access = this.field('payload', 0, 1, LLC.ipx)
        if (!cooked)
          return or(
            isIpx(this),
            and(this.isLlc, or(this.snap(0, ETHERTYPE.ipx), access, this.field('payload', 0, 2, 0xffff))),
          )
        const raw = this.field('type', 0, 2, ETH_P_802_3)
        return or(isIpx(this), raw, and(this.isLlc, or(access, this.snap(0, ETHERTYPE.ipx))))
      }
      case ETHERTYPE.atalk:
        return or(isType, and(this.isLlc, this.snap(0x080007, type)))
      case ETHERTYPE.aarp:
        return or(isType, and(this.isLlc, this.snap(0, type)))
      default:
        return type > MAX_LENGTH ? isType : and(this.isLlc, this.field('payload', 0, 1, type))
    }
  }

  /** True for frames with an 802.2 header. */
  get isLlc(): Condition {
    if (this.#link === 'cooked') return this.field('type', 0, 2, ETH_P_802_2)
    return not(this.field('type', 0, 2, MAX_LENGTH, undefined, 'jgt'))
  }

  /** True for frames with this header of the Subnetwork Access Protocol. */
  snap(organization: number, type: number): Condition {
    const head = [LLC.snap, LLC.snap, 0x03]
    const tail = [organization >> 16, organization >> 8, organization, type >> 8, type]
    return this.bytes('payload', 0, [...head, ...tail.map(each => each & 0xff)])
  }

  /** Compares the version of IP, where no type says what the payload is. */
  #version(type: number, labels: boolean): Condition {
    const version = type === ETHERTYPE.ip ? 0x40 : type === ETHERTYPE.ip6 ? 0x60 : undefined
    if (version === undefined) return never
    const is = this.field('network', 0, 1, version, 0xf0)
    return labels ? and(this.field('label', 2, 1, 0x01, 0x01), is) : is
  }

  /** Enters a VLAN. */
  vlan(id: number | undefined): Condition {
    const aside = this.fromMetadata && this.#link === 'ethernet' && this.#tags === 0
    const types = [ETHERTYPE.vlan, ETHERTYPE.provider, ETHERTYPE.qinq]
    const own = or(...types.map(type => this.typeIs(type)))
    const idOf = (steps: Steps): Condition => test([...steps, { op: 'and', k: 0xfff }], 'jeq', id)
    const tagged = id === undefined ? own : and(own, idOf(this.load('payload', 0, 2)))
    this.#tags++
    if (!aside) {
      this.#type += 4
      this.#payload += 4
      return tagged
    }
    this.#variable = true
    const present = test([{ op: 'ldb', k: VLAN_PRESENT }], 'jeq', 1)
    const enter: Steps = [
      { op: 'ld', mode: 'imm', k: 4 },
      { op: 'st', k: TAG },
    ]
    const inPacket: Condition = { kind: 'after', steps: enter, condition: own }
    if (id === undefined) return or(present, inPacket)
    const removed = idOf([{ op: 'ldh', k: VLAN_TAG }])
    // The tag before the payload: its offset does not depend on TAG.
    const isThere = idOf([{ op: 'ldh', k: this.#payload }])
    return and(or(present, inPacket), or(and(present, removed), and(not(present), isThere)))
  }

  /** Enters a label of MPLS. */
  mpls(label: number | undefined): Condition {
    const first = this.#labels === 0
    const type = this.#link === 'ppp' ? PPP_MPLS : ETHERTYPE.mpls
    const is = first ? this.typeIs(type) : this.field('label', 2, 1, 0, 0x01)
    const all = label === undefined ? is : and(is, this.field('network', 0, 4, label << 12, 0xfffff000))
    this.#labels += 4
    return all
  }

  /** Enters a session of PPP over Ethernet. */
  pppoes(session: number | undefined): Condition {
    const is = this.typeIs(ETHERTYPE.pppoes)
    const all = session === undefined ? is : and(is, this.field('network', 0, 4, session, 0xffff))
    this.#link = 'ppp'
    this.#header = this.#payload + this.#labels + 6
    this.#type = this.#header
    this.#payload = this.#header + 2
    this.#labels = 0
    return all
  }

  get hasLabels(): boolean {
    return this.#labels > 0
  }

  #offset(base: Base): number {
    switch (base) {
      case 'link':
        return this.#header
      case 'type':
        return this.#type
      case 'payload':
        return this.#payload
      case 'unpadded':
        return this.#payload + (this.#link === 'ethernet' ? this.#llc : 0) + this.#labels
      case 'label':
        return this.#payload + this.#labels - 4
      default:
        return this.#payload + this.#labels
    }
  }

  /** The header of Ethernet itself is always at the start. */
  #isVariable(base: Base): boolean {
    return this.#variable && (base !== 'link' || this.#link === 'ppp')
  }

  /** Loads the length of the IPv4 header into X, and adds a variable offset. */
  #headerLength(): Steps {
    const k = this.#offset('network')
    if (!this.#variable) return [{ op: 'ldxb', k }]
    return [
      { op: 'ldx', mode: 'mem', k: TAG },
      { op: 'ldb', mode: 'ind', k },
      { op: 'and', k: 0xf },
      { op: 'lsh', k: 2 },
      { op: 'add', mode: 'x' },
      { op: 'tax' },
    ]
  }
}

function isIpx(layers: Layers): Condition {
  return layers.field('type', 0, 2, ETHERTYPE.ipx)
}
