import { readFileSync } from 'node:fs'
import path from 'node:path'
import { capabilities } from '../../lib'
import { asNobody, ensureDist, root, run, type Ended } from '../helpers/child'
import { missing, testIf } from '../helpers/need'

const command = path.join(root, 'bin', 'bsd-sockets.mjs')
const doctor = (...args: string[]): Promise<Ended> => {
  ensureDist()
  return run(process.execPath, [command, ...args])
}

test('doctor prints a table of what works and what is missing', async () => {
  const { code, stdout, stderr } = await doctor('doctor')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const [title] = stdout.split('\n')
  expect(title).toContain(`on ${process.platform}-${process.arch}`)
  expect(title).toContain(process.version)
  for (const each of capabilities()) {
    expect(stdout).toContain(`\n  ${each.feature} `)
    if (each.remedy !== undefined) expect(stdout).toContain(`→ ${each.remedy}`)
  }
  expect(stdout).toMatch(/somaxconn +\d+/)
})

test('doctor --json prints the same as JSON', async () => {
  const { code, stdout, stderr } = await doctor('doctor', '--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const report = JSON.parse(stdout) as Record<string, unknown>
  expect(report).toMatchObject({
    platform: process.platform,
    arch: process.arch,
    node: process.version,
    version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
    libc: expect.any(String) as string,
    kernel: expect.any(String) as string,
    capabilities: capabilities(),
  })
  const limits = report['limits'] as { name: string; value: string }[]
  const known = Object.fromEntries(limits.map(({ name, value }) => [name, value]))
  expect(known['ulimit -n']).toMatch(/^(\d+|unlimited)$/)
  if (process.platform === 'linux') {
    for (const name of [
      'net.core.somaxconn',
      'net.core.rmem_max',
      'net.core.wmem_max',
      'net.core.optmem_max',
      'net.unix.max_dgram_qlen',
      'net.ipv4.ping_group_range',
      'net.ipv4.ip_unprivileged_port_start',
      'ulimit -l',
    ]) {
      expect(known).toHaveProperty([name])
    }
  }
})

test('other arguments print the usage and exit with 2', async () => {
  for (const args of [[], ['patient'], ['doctor', 'doctor'], ['doctor', '--yaml']]) {
    const { code, stdout, stderr } = await doctor(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^usage: bsd-sockets doctor/)
  }
  expect(await doctor('--help')).toMatchObject({ code: 0, stderr: '' })
})

testIf(missing.setpriv(), 'doctor tells an unprivileged user which capabilities are missing', async () => {
  ensureDist()
  const { code, stdout, stderr } = await run('setpriv', [...asNobody(), process.execPath, command, 'doctor'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/\n {2}packet .*\n +socket EPERM: .*\n +→ CAP_NET_RAW: .*setcap cap_net_raw/)
  expect(stdout).toMatch(/CAP_NET_RAW +no/)
})

test('--help and --version work with and without the command', async () => {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string }
  for (const args of [['doctor'], []]) {
    const told = await doctor(...args, '--version')
    expect(told).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' })
    const help = await doctor(...args, '--help')
    expect(help).toMatchObject({ code: 0, stderr: '' })
    expect(help.stdout).toMatch(/^usage: bsd-sockets doctor/)
  }
})
