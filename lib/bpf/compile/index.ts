import { checkBoolean, checkInteger, invalidType, outOfRange } from '../../errors/argument'
import { ownFields } from '../../runtime/fields'
import { checkOptions } from '../../validators'
import { assemble } from '../assemble'
import { MAXINSNS } from '../opcodes'
import type { Program } from '../program'
import { emit } from './emit'
import { syntaxError } from './error'
import { Generator } from './generate'
import { Layers, type LinkType } from './layers'
import { parseExpression } from './parser'

export type { FilterSyntaxError } from './error'

/** The options of `bpf.compile`. */
export interface CompileOptions {
  /**
   * What packets start with. `'ethernet'`: an Ethernet header. `'cooked'`: their network header, with the type in the
   * metadata, as on a packet socket with `cooked: true`. `'raw'`: an IP header, without a type. Default `'ethernet'`.
   */
  link?: LinkType | undefined
  /** The number of bytes of an accepted packet. Default 262144, as with tcpdump. */
  snaplen?: number | undefined
  /**
   * If true, `vlan` also accepts a tag that the kernel has removed from the frame, as with tcpdump on an interface of
   * Linux: the filter of a packet socket sees no other. Default false: the tag is in the frame.
   */
  metadata?: boolean | undefined
  /** The numbers of ports by name. No other names of ports are known. */
  services?: Readonly<Record<string, number>> | undefined
}

const FIELDS = ['link', 'snaplen', 'metadata', 'services'] satisfies (keyof CompileOptions)[]
const links: readonly string[] = ['ethernet', 'cooked', 'raw'] satisfies LinkType[]

/** Compiles an expression of tcpdump, such as `tcp and dst port 80`, to a program. */
export function compile(expression: string, options: CompileOptions = {}): Program {
  if (typeof expression !== 'string') throw invalidType('expression', 'string', expression)
  const { link, snaplen, metadata, services } = checkCompile(options)
  const parsed = parseExpression(expression)
  const layers = new Layers(link, metadata)
  const condition = parsed && new Generator(expression, layers, services).condition(parsed)
  const instructions = emit(condition, layers.setup, snaplen, layers.stable)
  const { length } = instructions
  if (length > MAXINSNS)
    throw syntaxError(
      expression,
      { text: expression, at: 0 },
      `the program has ${length} instructions; a kernel accepts ${MAXINSNS}`,
    )
  return assemble(instructions)
}

function checkCompile(options: CompileOptions) {
  const given = checkOptions('options', options, FIELDS)
  const { link = 'ethernet', snaplen = 262144, metadata = false, services = {} } = given
  if (typeof link !== 'string') throw invalidType('options.link', 'string', link)
  if (!links.includes(link)) throw outOfRange('options.link', `one of ${links.join(', ')}`, link)
  return {
    link,
    snaplen: checkInteger('options.snaplen', snaplen, 1, 0xffffffff),
    metadata: checkBoolean('options.metadata', metadata),
    services: readServices(services),
  }
}

function readServices(services: unknown): Map<string, number> {
  if (typeof services !== 'object' || services === null)
    throw invalidType('options.services', 'object', services)
  const entries = Object.entries(ownFields(services))
  return new Map(
    entries.map(([name, port]) => [name, checkInteger(`options.services.${name}`, port, 0, 0xffff)]),
  )
}
