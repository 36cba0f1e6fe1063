import path from 'node:path'
import { ensureBuilt } from '../helpers/built'
import { missing, testIf } from '../helpers/need'
import { makeNetwork, type Network, type Side } from '../helpers/network'

const none = missing.network()
const program = path.join(__dirname, '../../examples/multicast-chat.mjs')

describe('examples/multicast-chat.mjs', () => {
  let network: Network
  beforeAll(async () => {
    if (none !== null) return
    ensureBuilt()
    network = await makeNetwork()
  })
  afterAll(() => network?.close())

  const chat = (side: Side, name: string, group: string) =>
    side.start(process.execPath, [
      program,
      ...['--name', name, '--group', group, '--interface', side.interface.name],
    ])

  for (const group of ['239.255.42.42', 'ff12::42']) {
    testIf(none, `two processes chat in ${group}, and exit when their input ends`, async () => {
      const { a, b } = network
      const [ann, ben] = [chat(a, 'ann', group), chat(b, 'ben', group)]
      await Promise.all([ann.line(/^in .* as ann$/), ben.line(/^in .* as ben$/)])
      const [fromA, fromB] = group.includes(':') ? [a.linkLocal, b.linkLocal] : [a.v4, b.v4]
      ann.write('hello, Ben\n')
      await ben.line(new RegExp(`^${fromA}  ann: hello, Ben$`))
      ben.write('hello, Ann\n')
      await ann.line(new RegExp(`^${fromB}  ben: hello, Ann$`))
      for (const peer of [ann, ben]) peer.child.stdin!.end()
      const ends = await Promise.all([ann.ended, ben.ended])
      expect(ends).toMatchObject([
        { code: 0, stderr: '' },
        { code: 0, stderr: '' },
      ])
      expect(ends[0].stdout).not.toContain('hello, Ben') // a process does not print its own messages
    })
  }
})
