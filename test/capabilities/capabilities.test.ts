import {
  AF_INET,
  AF_UNIX,
  capabilities,
  constants,
  privileges,
  SOCK_RAW,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  supports,
  type Capability,
  type Feature,
} from '../../lib'
import { ensureDist, prelude, run, runNodeAsNobody } from '../helpers/child'
import { thrown } from '../helpers/errors'
import { missing, testIf } from '../helpers/need'
import { makeNamespace } from '../helpers/network'

const namespaced = missing.network()
const named = ['gso', 'gro', 'zerocopy', 'abstract', 'seqpacket', 'packet', 'raw', 'ping', 'vsock', 'netns', 'splice', 'mptcp'] as const // prettier-ignore

describe('supports', () => {
  test.each(named)('supports has an answer for %s', feature => {
    expect(typeof supports(feature)).toBe('boolean')
  })

  const sockets: [Feature, number | undefined, number, number][] = [
    ['seqpacket', AF_UNIX, SOCK_SEQPACKET, 0],
    ['packet', constants.AF_PACKET, SOCK_RAW, 0],
    ['xdp', constants.AF_XDP, SOCK_RAW, 0],
    ['vsock', constants.AF_VSOCK, SOCK_STREAM, 0],
    ['mptcp', AF_INET, SOCK_STREAM, constants.IPPROTO_MPTCP ?? -1],
    ['raw', AF_INET, SOCK_RAW, 255],
  ]
  test.each(sockets)(
    'supports(%s) is true if the kernel creates such a socket',
    (feature, family, type, protocol) => {
      expect(supports(feature)).toBe(missing.socket(family ?? -1, type, protocol) === null)
    },
  )

  test('supports rejects an unknown name, and lists the known names', () => {
    for (const bad of [undefined, null, 7, {}, ['gso']]) {
      expect(thrown(() => supports(bad as Feature))).toMatchObject({
        name: 'TypeError',
        code: 'ERR_INVALID_ARG_TYPE',
      })
    }
    for (const bad of ['', 'GSO', 'toString', '__proto__']) {
      const error = thrown(() => supports(bad as Feature))
      expect(error).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
      expect(error.message).toContain('"feature"')
      for (const name of named) expect(error.message).toContain(name)
    }
  })
})

test('a failed probe without free descriptors is not remembered', async () => {
  const script = `
    const { openSync, closeSync } = require('node:fs')
    const { supports, capabilities } = c
    const opened = []
    try { for (;;) opened.push(openSync('/dev/null')) } catch {}
    const { supported, reason, remedy } = capabilities().find(each => each.feature === 'seqpacket')
    console.log(supported, reason, remedy)
    opened.forEach(closeSync)
    console.log(supports('seqpacket'))`
  const shell = `ulimit -n 64; exec "${process.execPath}" -e "$0"`
  const { stdout } = await run('sh', ['-c', shell, prelude + script])
  expect(stdout).toBe('false socket EMFILE: too many open files undefined\ntrue\n')
})

describe('capabilities', () => {
  const all = capabilities()

  test('capabilities() has a frozen entry for each feature, and returns the same object each time', () => {
    expect(Object.isFrozen(all)).toBe(true)
    expect(new Set(all.map(each => each.feature)).size).toBe(all.length)
    expect(all.map(each => each.feature)).toEqual(expect.arrayContaining([...named]))
    for (const each of all) {
      expect(Object.isFrozen(each)).toBe(true)
      expect(each.supported).toBe(supports(each.feature))
      expect(each.supported).toBe(each.reason === undefined)
    }
    expect(capabilities()).toEqual(all)
    expect(capabilities()[0]).toBe(all[0])
  })

  test('every missing capability has a reason and a remedy', () => {
    for (const each of all.filter(one => !one.supported)) {
      expect(each.reason).toMatch(/^\w+ E[A-Z]+: /)
      expect(each.remedy).toMatch(/modprobe|sysctl|CAP_|needs|not on macOS/)
    }
  })
})

const print = `console.log(JSON.stringify([c.capabilities(), c.privileges()]))`
type Answer = [Capability[], Record<string, boolean>]
const find = (list: Capability[], feature: Feature): Capability =>
  list.find(each => each.feature === feature)!

testIf(missing.setpriv(), 'capabilities() names the missing capability to an unprivileged user', async () => {
  const ended = await runNodeAsNobody(print)
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  const [list, rights] = JSON.parse(ended.stdout) as Answer
  for (const feature of ['raw', 'packet'] as const) {
    expect(find(list, feature)).toMatchObject({
      supported: false,
      reason: 'socket EPERM: operation not permitted',
      remedy: `CAP_NET_RAW: sudo, or setcap cap_net_raw+ep on a copy of ${process.execPath}`,
    })
  }
  expect(find(list, 'netns')).toMatchObject({ supported: false, remedy: /^CAP_SYS_ADMIN/ })
  expect(Object.values(rights)).toEqual([false, false, false, false])
})

describe('in a network namespace', () => {
  async function inside(setup: string): Promise<Answer> {
    ensureDist()
    const alone = await makeNamespace()
    try {
      await alone.shell(setup)
      const script = `const c = require('./dist'); ${print}`
      const ended = await alone.run(process.execPath, ['-e', script])
      expect(ended).toMatchObject({ code: 0, stderr: '' })
      const counters = JSON.parse(await alone.shell('ip -json -statistics link')) as {
        stats64: { tx: { packets: number } }
      }[]
      expect(counters.map(each => each.stats64.tx.packets)).toEqual(counters.map(() => 0))
      return JSON.parse(ended.stdout) as Answer
    } finally {
      await alone.close()
    }
  }

  testIf(namespaced, 'capabilities() sends no packet, not even on lo', async () => {
    const [list] = await inside(':')
    expect(find(list, 'ping')).toMatchObject({
      supported: false,
      reason: 'socket EACCES: permission denied',
      remedy: 'sudo sysctl net.ipv4.ping_group_range="0 2147483647"',
    })
  })

  testIf(
    namespaced,
    'the remedy names the setting that disables a feature, and restoring it enables the feature',
    async () => {
      const [list] = await inside(
        `echo 0 2147483647 > /proc/sys/net/ipv4/ping_group_range
       echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6`,
      )
      expect(find(list, 'ping').supported).toBe(true)
      expect(find(list, 'ipv6')).toMatchObject({ supported: false, remedy: /sysctl .*disable_ipv6=0/ })
    },
  )

  testIf(
    namespaced ?? missing.socket(...mptcp()),
    'disabled MPTCP is reported with its sysctl as the remedy',
    async () => {
      const [list] = await inside('echo 0 > /proc/sys/net/mptcp/enabled')
      expect(find(list, 'mptcp')).toMatchObject({
        supported: false,
        remedy: 'sudo sysctl net.mptcp.enabled=1',
      })
    },
  )
})

function mptcp(): [number, number, number] {
  return [AF_INET, SOCK_STREAM, constants.IPPROTO_MPTCP ?? -1]
}

testIf(missing.linux(), 'privileges() agrees with /proc', () => {
  const rights = privileges()
  expect(Object.keys(rights)).toEqual([
    'CAP_NET_BIND_SERVICE',
    'CAP_NET_ADMIN',
    'CAP_NET_RAW',
    'CAP_SYS_ADMIN',
  ])
  expect(Object.isFrozen(rights)).toBe(true)
  if (rights.CAP_NET_RAW) expect(supports('raw')).toBe(true)
})
