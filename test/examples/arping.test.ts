import path from 'node:path'
import { ensureBuilt } from '../helpers/built'
import { missing, testIf } from '../helpers/need'
import { makeNetwork, type Network } from '../helpers/network'

const none = missing.network() ?? missing.program('tcpdump', '--version') ?? missing.program('arping', '-V')
const program = path.join(__dirname, '../../examples/arping.mjs')

/** Removes the times from the output. */
const said = (text: string): string => text.replace(/\d+\.\d{3}ms/g, 'N ms')

describe('examples/arping.mjs', () => {
  let network: Network
  beforeAll(async () => {
    if (none !== null) return
    ensureBuilt()
    network = await makeNetwork()
  })
  afterAll(() => network?.close())

  testIf(none, 'arping.mjs prints and sends the same as arping', async () => {
    const { a, b } = network
    const args = ['-c', '2', '-I', 'a0', b.v4]
    const dump = b.start('tcpdump', ['-i', 'b0', '-nlte', '--immediate-mode', 'arp'])
    await dump.line(/listening on/)
    const sent = async (command: string, given: string[]): Promise<{ text: string; frames: string }> => {
      const before = dump.stdout.length
      const ended = await a.run(command, given)
      expect(ended).toMatchObject({ code: 0, stderr: '' })
      await dump.line(/Reply/)
      return { text: said(ended.stdout), frames: dump.stdout.slice(before) }
    }
    const theirs = await sent('arping', args)
    const ours = await sent(process.execPath, [program, ...args])
    expect(ours.text).toBe(theirs.text)
    expect(ours.text).toContain(`Unicast reply from ${b.v4} [02:77:00:00:00:02]  N ms`)
    expect(ours.frames).toBe(theirs.frames)
    expect(ours.frames.match(/Request/g)).toHaveLength(2)
    await dump.stop()
  })

  testIf(none, 'arping.mjs without an answer says so, and exits with 1', async () => {
    const ended = await network.a.run(process.execPath, [program, '-c', '1', '-I', 'a0', '10.77.0.99'])
    expect(ended).toMatchObject({ code: 1, stderr: '' })
    expect(ended.stdout).toMatch(/Sent 1 probes \(1 broadcast\(s\)\)\nReceived 0 response\(s\)\n$/)
  })

  testIf(none, 'arping.mjs without arguments prints its usage', async () => {
    const ended = await network.a.run(process.execPath, [program])
    expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/^usage/) })
  })
})
