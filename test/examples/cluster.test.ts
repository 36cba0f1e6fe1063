import { spawn } from 'node:child_process'
import path from 'node:path'
import { createConnection, SHUT_WR, type Socket } from '../../lib'
import { ensureBuilt } from '../helpers/built'
import { Peer } from '../helpers/network'
import { receive, withPath } from '../helpers/pairs'

const example = (name: string, ...args: string[]): Peer =>
  new Peer(spawn(process.execPath, [path.join(__dirname, '../../examples', name), ...args]))

/** Connects, checks the echo and closes. Returns the worker that greeted. */
async function visit(to: { host: string; port: number } | { path: string }): Promise<string> {
  const client: Socket = await createConnection(to)
  const greeting = /^worker (\d+)\n$/.exec(String(await client.recv(100)))
  await client.sendAll(Buffer.from('echo'))
  client.shutdown(SHUT_WR)
  expect(String(await receive(client, 100))).toBe('echo')
  client.close()
  return greeting![1]!
}

beforeAll(ensureBuilt)

test.each([
  ['cluster-reuseport.mjs', 2],
  ['cluster-fd.mjs', 1],
])('%s: two workers serve one port, and end when told to', async (name, atLeast) => {
  const cluster = example(name, '0', '2')
  const [, port] = await cluster.line(/^2 workers on 127\.0\.0\.1:(\d+)$/)
  const to = { host: '127.0.0.1', port: Number(port) }
  const idle = await createConnection(to)
  expect(String(await idle.recv(100))).toMatch(/^worker \d+\n$/)
  const greeted = await Promise.all(Array.from({ length: 60 }, () => visit(to)))
  const workers = new Set(greeted)
  expect(workers.size).toBeGreaterThanOrEqual(atLeast)
  expect(workers.size).toBeLessThanOrEqual(2)
  cluster.child.kill('SIGINT')
  expect(await cluster.ended).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(await idle.recv(1)).toHaveLength(0) // the worker closed the connection in order, without a reset
  idle.close()
})

test('cluster-fd.mjs listens on a stale path', () =>
  withPath(async file => {
    for (let round = 0; round < 2; round++) {
      const cluster = example('cluster-fd.mjs', file, '2')
      await cluster.line(/^2 workers on /)
      await Promise.all(Array.from({ length: 10 }, () => visit({ path: file })))
      cluster.child.kill('SIGINT')
      expect(await cluster.ended).toMatchObject({ code: 0, stderr: '' })
    }
  }))
