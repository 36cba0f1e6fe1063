import { bpf, constants, openPacket, type CompileOptions, type Frame, type PacketSocket } from '../../lib'
import { missing, testIf } from '../helpers/need'
import { makeNetwork, type Network } from '../helpers/network'

/*
 * Compiled filters on both ends of a veth pair. The frames of the tests have an EtherType that no other program uses.
 */
const none = missing.network() ?? missing.root()
const c = constants as Readonly<Record<string, number>>
const TYPE = '88b5' // for local experiments

describe('the kernel runs a compiled filter', () => {
  let network: Network
  const opened: PacketSocket[] = []
  beforeAll(async () => {
    if (none === null) network = await makeNetwork()
  })
  afterEach(() => {
    for (const each of opened.splice(0)) each.close()
  })
  afterAll(() => network?.close())

  const open = (side: 'a' | 'b', expression: string, options: CompileOptions, more = {}): PacketSocket => {
    const { netns, interface: device } = network[side]
    const filter = bpf.compile(expression, options)
    const socket = openPacket({ interface: device.name, netns, protocol: c['ETH_P_ALL'], filter, ...more })
    opened.push(socket)
    return socket
  }
  const frameOf = (data: string, tag = ''): Buffer => {
    const [from, to] = [network.a, network.b].map(side => side.interface.mac.replaceAll(':', ''))
    return Buffer.concat([Buffer.from(`${to}${from}${tag}${TYPE}`, 'hex'), Buffer.from(data.padEnd(60))])
  }

  /** Receives frames until the one that contains `last`, and returns the names of all. */
  async function namesUntil(last: string, socket: PacketSocket): Promise<string[]> {
    const names: string[] = []
    const nameOf = ({ data }: Frame): string => /(\w+) *$/.exec(data.toString('latin1'))![1]!
    for await (const frame of socket.frames({ timeout: 5000 })) {
      names.push(nameOf(frame))
      if (names.at(-1) === last) break
    }
    return names
  }

  testIf(
    none,
    'with metadata, vlan accepts received frames, from which the kernel has removed the tag',
    async () => {
      const receiver = open(
        'b',
        `vlan 5 and ether proto 0x${TYPE}`,
        { metadata: true },
        { ignoreOutgoing: true },
      )
      const plain = open('b', 'vlan 6', {})
      const sender = open('a', 'ip and not ip', {})
      for (const [name, tag] of [
        ['untagged', ''],
        ['other', '81000006'],
        ['five', '81002005'],
        ['inner', '8100000681000005'],
        ['last', '81000005'],
      ] as const)
        sender.trySend(frameOf(name, tag))
      expect(await namesUntil('last', receiver)).toEqual(['five', 'last'])
      expect(plain.tryReceive()).toBeNull() // this filter expects the tag in the frame
    },
  )

  testIf(none, 'inbound and outbound tell sent frames from received ones', async () => {
    const [sent, received] = [open('a', `outbound and ether proto 0x${TYPE}`, {}), open('b', `inbound and ether proto 0x${TYPE}`, {})] // prettier-ignore
    const sender = open('b', 'ip and not ip', {})
    open('a', 'ip and not ip', {}).trySend(frameOf('one'))
    sender.trySend(frameOf('two'))
    open('a', 'ip and not ip', {}).trySend(frameOf('three'))
    expect(await namesUntil('three', sent)).toEqual(['one', 'three'])
    expect(await namesUntil('three', received)).toEqual(['one', 'three'])
  })

  testIf(none, 'a cooked socket takes a filter for cooked packets', async () => {
    const receiver = open(
      'b',
      `inbound and ether proto 0x${TYPE} or arp`,
      { link: 'cooked' },
      { cooked: true },
    )
    const other = open('b', 'ip[0] & 0xf0 = 0x40', { link: 'cooked' }, { cooked: true })
    open('a', 'ip and not ip', {}).trySend(frameOf('cooked'))
    expect(await namesUntil('cooked', receiver)).toEqual(['cooked'])
    expect(other.tryReceive()).toBeNull()
  })
})
