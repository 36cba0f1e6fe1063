import path from 'node:path'
import { ensureDist, run } from '../helpers/child'
import { missing, testIf } from '../helpers/need'

const seed = process.env['BSD_SOCKETS_SEED'] ?? String(Date.now() & 0xffffff)

interface Accounts {
  terminated: number
  connections: number
  whole: number
  bytes: { sent: number; received: number; lost: number; beyond: number }
  deaths: Record<string, number>
  kinds: Record<string, number>
}

// Ten minutes with thousands: npm run soak, see CONTRIBUTING.md.
testIf(
  missing.linux(),
  `connections and workers that end in every way for five seconds lose no byte (seed ${seed})`,
  async () => {
    ensureDist()
    const script = path.join(__dirname, 'run.js')
    const few = ['--seconds', '5', '--workers', '3', '--connections', '300']
    const ended = await run(process.execPath, ['--expose-gc', script, '--seed', seed, ...few], {
      timeout: 90_000,
    })
    // The output contains the findings and the seed.
    expect(ended).toEqual({
      code: 0,
      signal: null,
      stderr: '',
      stdout: expect.stringMatching(/^ok: .*\n\{.*\}\n$/),
    })
    const { terminated, connections, whole, bytes, deaths, kinds } = JSON.parse(
      ended.stdout.split('\n')[1]!,
    ) as Accounts
    expect(terminated).toBeGreaterThan(0)
    expect(whole).toBeGreaterThan(50)
    expect(bytes.sent + bytes.beyond).toBe(bytes.received + bytes.lost)
    expect(Object.keys(deaths).sort()).toEqual(['abort', 'close', 'closeSending', 'half', 'orderly', 'reset'])
    expect(Object.keys(kinds).sort()).toEqual(['seqpacket', 'tcp', 'unix'])
    expect(connections).toBeGreaterThan(whole)
  },
  100_000,
)
