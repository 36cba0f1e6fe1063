import type { Expression, Qualifiers } from './ast'
import { relation, type Loads } from './arithmetic'
import { and, not, or, test, type Condition } from './condition'
import { syntaxError, type Place } from './error'
import { ipv4, ipv6, mac, shorten } from './addresses'
import { type Layers, metadata } from './layers'
import {
  ETHERTYPE,
  ipProtocols,
  isoProtocols,
  linkNames,
  linkProtocols,
  llcFormats,
  protocols,
  withPorts,
} from './names'
import type { Token } from './tokens'

const PACKET_OUTGOING = 4

/** The offset of the source and of the destination. */
type Ends = readonly [source: number, destination: number]

/** Generates the conditions of an expression. It is read once, in the order of the text. */
export class Generator implements Loads {
  constructor(
    private readonly text: string,
    readonly layers: Layers,
    private readonly services: ReadonlyMap<string, number>,
  ) {}

  fail(place: Place, problem: string): never {
    throw syntaxError(this.text, place, problem)
  }

  condition(expression: Expression): Condition {
    switch (expression.kind) {
      case 'chain': {
        const first = this.condition(expression.first)
        const rest = expression.rest.map(({ op, condition }) => ({
          op,
          condition: this.condition(condition),
        }))
        return { kind: 'chain', first, rest }
      }
      case 'not':
        return not(this.condition(expression.of))
      case 'relation':
        return relation(this, expression.op, expression.left, expression.right)
      case 'identifier':
        return this.#identifier(expression)
      case 'protocol':
        return this.isProtocol(expression.token)
      case 'cast':
        return this.#cast(expression)
      default:
        return this.#special(expression.token, expression.argument)
    }
  }

  isProtocol(token: Token): Condition {
    if (linkNames.has(token.is)) this.fail(token, `"${token.is}" alone is no condition`)
    const { in: where, numbers } = protocols.get(token.is)!
    return or(...numbers.map(number => this.#protocol(where, number, token)))
  }

  isNoFragment(): Condition {
    return not(this.layers.field('network', 6, 2, 0x1fff, undefined, 'jset'))
  }

  /** Compares the type of the payload. */
  #type(type: number, token: Token): Condition {
    if (this.layers.hasLabels && type !== ETHERTYPE.ip && type !== ETHERTYPE.ip6)
      this.fail(token, 'MPLS has no protocols but IPv4 and IPv6')
    return this.layers.typeIs(type)
  }

  #protocol(where: string, number: number, token: Token): Condition {
    const { layers } = this
    switch (where) {
      case 'link':
        return this.#type(number, token)
      case 'ip4':
        return and(layers.typeIs(ETHERTYPE.ip), layers.field('network', 9, 1, number))
      case 'ip6': {
        const next = layers.field('network', 6, 1, number)
        const fragment = and(layers.field('network', 6, 1, 44), layers.field('network', 40, 1, number))
        return and(layers.typeIs(ETHERTYPE.ip6), or(next, fragment))
      }
      case 'ip':
        return or(this.#protocol('ip4', number, token), this.#protocol('ip6', number, token))
      case 'iso':
        return and(this.#type(0xfe, token), layers.field('unpadded', 0, 1, number))
      default:
        return and(this.#protocol('iso', 0x83, token), layers.field('unpadded', 4, 1, number))
    }
  }

  #identifier({ token, mask, qualifiers }: Expression & { kind: 'identifier' }): Condition {
    switch (qualifiers.type) {
      case 'port':
      case 'portrange':
        return this.#port(token, mask, qualifiers)
      case 'proto':
        return this.#proto(token, mask, qualifiers)
      default:
        return this.#host(token, mask, qualifiers)
    }
  }

  #host(token: Token, mask: Token | undefined, qualifiers: Qualifiers): Condition {
    const { protocol, type, direction } = qualifiers
    if (token.kind === 'name')
      this.fail(token, 'names of hosts and networks are not resolved: use an address')
    if (mask !== undefined && type !== 'net') this.fail(mask, 'only a network has a mask: use "net"')
    if (token.kind === 'mac') {
      if (protocol !== 'link' || type === 'net') this.fail(token, 'an Ethernet address needs "ether host"')
      if (this.layers.link !== 'ethernet')
        this.fail(token, 'packets of this link type have no Ethernet addresses')
      return this.#ends(direction, [6, 0], at => this.layers.bytes('link', at, mac(token.text)))
    }
    if (protocol === 'link') this.fail(token, 'not an Ethernet address')
    return token.kind === 'ipv6' ? this.#host6(token, mask, qualifiers) : this.#host4(token, mask, qualifiers)
  }

  #host4(token: Token, mask: Token | undefined, { protocol, direction, type }: Qualifiers): Condition {
    const wrong = (problem: string, place = token): never => this.fail(place, problem)
    const { address, bits } =
      token.kind === 'number' ? shorten(token.value, type === 'net') : ipv4(token, mask, wrong)
    const among: readonly [name: string, type: number, ends: Ends][] = [
      ['ip', ETHERTYPE.ip, [12, 16]],
      ['arp', ETHERTYPE.arp, [14, 24]],
      ['rarp', ETHERTYPE.rarp, [14, 24]],
    ]
    const all = this.layers.hasLabels ? among.slice(0, 1) : among
    const chosen = protocol === undefined ? all : among.filter(([name]) => name === protocol)
    if (chosen.length === 0) wrong(`"${protocol}" has no IPv4 addresses`)
    const conditions = chosen.map(([, type, ends]) =>
      this.#ends(direction, ends, at =>
        and(this.#type(type, token), this.layers.field('network', at, 4, address, bits)),
      ),
    )
    // tcpdump tests RARP last, and the others before it.
    return or(...conditions)
  }

  #host6(token: Token, mask: Token | undefined, { protocol, direction }: Qualifiers): Condition {
    if (protocol !== undefined && protocol !== 'ip6') this.fail(token, `"${protocol}" has no IPv6 addresses`)
    const words = ipv6(token, mask, (problem, place = token) => this.fail(place, problem))
    return this.#ends(direction, [8, 24], at =>
      and(
        this.layers.typeIs(ETHERTYPE.ip6),
        ...words.map(({ word, bits }, i) => this.layers.field('network', at + 4 * i, 4, word, bits)),
      ),
    )
  }

  /** Tests the source, the destination, or both. */
  #ends(
    direction: Qualifiers['direction'],
    [source, destination]: Ends,
    at: (end: number) => Condition,
  ): Condition {
    switch (direction) {
      case 'src':
        return at(source)
      case 'dst':
        return at(destination)
      case 'both':
        return and(at(source), at(destination))
      default:
        return or(at(source), at(destination))
    }
  }

  #port(token: Token, mask: Token | undefined, { protocol, direction, type }: Qualifiers): Condition {
    const numbers = protocol === undefined ? [6, 17, 132] : [withPorts.get(protocol)]
    if (numbers[0] === undefined) this.fail(token, `"${protocol}" has no ports: use "tcp", "udp" or "sctp"`)
    if (mask !== undefined || (token.kind !== 'number' && token.kind !== 'name'))
      this.fail(token, 'not a port')
    const [low, high] = type === 'port' ? this.#single(token) : this.#range(token)
    const { layers } = this
    const within = (base: 'transport' | 'network', offset: number): Condition => {
      if (type === 'port') return layers.field(base, offset, 2, low)
      const atLeast = layers.field(base, offset, 2, low, undefined, 'jge')
      return and(atLeast, not(layers.field(base, offset, 2, high, undefined, 'jgt')))
    }
    const over4 = (number: number): Condition =>
      and(
        layers.field('network', 9, 1, number),
        this.isNoFragment(),
        this.#ends(direction, [0, 2], at => within('transport', at)),
      )
    const over6 = (number: number): Condition =>
      and(
        layers.field('network', 6, 1, number),
        this.#ends(direction, [40, 42], at => within('network', at)),
      )
    const ordered = numbers.length === 1 ? numbers : [132, 6, 17]
    return or(
      and(layers.typeIs(ETHERTYPE.ip6), or(...ordered.map(each => over6(each!)))),
      and(layers.typeIs(ETHERTYPE.ip), or(...ordered.map(each => over4(each!)))),
    )
  }

  #single(token: Token): [number, number] {
    const port = token.kind === 'number' ? token.value : this.#service(token, token.is)
    if (port > 0xffff) this.fail(token, 'a port is at most 65535')
    return [port, port]
  }

  #range(token: Token): [low: number, high: number] {
    if (token.kind === 'number') return this.#single(token)
    const [, first = '', last = ''] = /^(.+?)-(.+)$/.exec(token.is) ?? []
    if (first === '') this.fail(token, 'not a range of ports such as 6000-6008')
    const ports = [first, last].map(each =>
      /^[0-9]+$/.test(each) ? Number(each) : this.#service(token, each),
    )
    if (ports.some(port => port > 0xffff)) this.fail(token, 'a port is at most 65535')
    return [Math.min(...ports), Math.max(...ports)]
  }

  #service(token: Token, name: string): number {
    return (
      this.services.get(name) ??
      this.fail(token, `unknown port ${JSON.stringify(name)}: use its number, or the option "services"`)
    )
  }

  #proto(token: Token, mask: Token | undefined, { protocol }: Qualifiers): Condition {
    const known = {
      link: ['link', linkProtocols],
      ip: ['ip4', ipProtocols],
      ip6: ['ip6', ipProtocols],
      iso: ['iso', isoProtocols],
      isis: ['isis', isoProtocols],
    } as const
    const found =
      protocol === undefined ? (['ip', ipProtocols] as const) : known[protocol as keyof typeof known]
    if (found === undefined) this.fail(token, `"${protocol}" has no protocols`)
    if (mask !== undefined || (token.kind !== 'number' && token.kind !== 'name'))
      this.fail(token, 'not a protocol')
    const [where, names] = found
    const number = token.kind === 'number' ? token.value : names.get(token.is)
    if (number === undefined) this.fail(token, `unknown protocol ${JSON.stringify(token.is)}`)
    return this.#protocol(where, number, token)
  }

  #cast({ token, protocol }: Expression & { kind: 'cast' }): Condition {
    const { layers } = this
    const name = protocol === undefined || linkNames.has(protocol.is) ? 'link' : protocol.is
    switch (`${name} ${token.is}`) {
      case 'link broadcast':
      case 'link multicast':
        if (layers.link !== 'ethernet')
          this.fail(token, 'packets of this link type have no Ethernet addresses')
        if (token.is === 'multicast') return layers.field('link', 0, 1, 1, undefined, 'jset')
        return layers.bytes('link', 0, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
      case 'ip broadcast': {
        // Without an interface its netmask is unknown, as with tcpdump: the broadcast addresses of every network remain.
        const is = (address: number): Condition => layers.field('network', 16, 4, address)
        return and(layers.typeIs(ETHERTYPE.ip), or(is(0), is(0xffffffff)))
      }
      case 'ip multicast':
        return and(layers.typeIs(ETHERTYPE.ip), layers.field('network', 16, 1, 224, undefined, 'jge'))
      case 'ip6 multicast':
        return and(layers.typeIs(ETHERTYPE.ip6), layers.field('network', 24, 1, 255))
      default:
        return this.fail(protocol!, `"${name}" has no ${token.is}`)
    }
  }

  #special(token: Token, argument: Token | undefined): Condition {
    const { layers } = this
    const length = [{ op: 'ld', mode: 'len' }] as const
    const atMost = (max: number): number | undefined => {
      if (argument !== undefined && argument.value > max) this.fail(argument, `must be at most ${max}`)
      return argument?.value
    }
    const needs = (...links: string[]): void => {
      if (!links.includes(layers.link)) this.fail(token, `"${token.is}" is not supported for this link type`)
    }
    switch (token.is) {
      case 'less':
        return not(test(length, 'jgt', argument!.value))
      case 'greater':
        return test(length, 'jge', argument!.value)
      case 'inbound':
      case 'outbound': {
        const outgoing = test([{ op: 'ldh', k: metadata(1) }], 'jeq', PACKET_OUTGOING)
        return token.is === 'outbound' ? outgoing : not(outgoing)
      }
      case 'ifindex':
        return test([{ op: 'ld', k: metadata(2) }], 'jeq', argument!.value)
      case 'vlan':
        needs('ethernet')
        if (layers.hasLabels) this.fail(token, 'MPLS contains no VLAN')
        return layers.vlan(atMost(0xfff))
      case 'mpls':
        if (!layers.hasLabels) needs('ethernet', 'ppp')
        return layers.mpls(atMost(0xfffff))
      case 'pppoed':
        return this.#type(ETHERTYPE.pppoed, token)
      case 'pppoes':
        this.#type(ETHERTYPE.pppoes, token)
        return layers.pppoes(atMost(0xffff))
      default:
        needs('ethernet')
        return this.#llc(argument)
    }
  }

  #llc(format: Token | undefined): Condition {
    const { layers } = this
    const is = and(layers.isLlc, not(layers.field('payload', 0, 2, 0xffff)))
    if (format === undefined) return is
    const bits = llcFormats.get(format.is.toLowerCase())
    if (bits === undefined) this.fail(format, `unknown type of LLC frames ${JSON.stringify(format.is)}`)
    const { value, mask } = bits
    if (value === 0) return and(is, not(layers.field('payload', 2, 1, mask, undefined, 'jset')))
    return and(is, layers.field('payload', 2, 1, value, mask))
  }
}
