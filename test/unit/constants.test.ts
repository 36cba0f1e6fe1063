import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

import * as all from '../../lib/constants'
import * as common from '../../lib/constants/common.gen'
import * as darwinOnly from '../../lib/constants/darwin.gen'
import * as linuxOnly from '../../lib/constants/linux.gen'
import { errnoMessages, errnoNames } from '../../lib/errors/errno.gen'
import { layout } from '../../lib/binding/tables'

const { constants, constantsByPrefix, nameOf } = all
const linuxNames = { ...common, ...linuxOnly }
const darwinNames = { ...common, ...darwinOnly }
const exported = all as unknown as Readonly<Record<string, unknown>>
const here = process.platform as 'linux' | 'darwin'
const other = here === 'linux' ? 'darwin' : 'linux'
const tables = path.resolve(__dirname, '../../native/constants')
const onLinux = here === 'linux' ? test : test.skip

interface Row {
  kind: string
  name: string
  where: string[]
}

function readRows(): Row[] {
  const rows: Row[] = []
  for (const file of readdirSync(tables)) {
    if (!file.endsWith('.tbl') || file === 'layout.tbl' || file === 'errno.tbl') continue
    for (const line of readFileSync(path.join(tables, file), 'utf8').split('\n')) {
      const words = line.trim().split(/\s+/)
      const [kind = '', name = ''] = words
      if (!['M', 'E', 'F'].includes(kind)) continue
      const where = words[kind === 'F' ? 3 : 2] as string
      rows.push({ kind, name, where: where === 'all' ? ['linux', 'darwin'] : where.split(',') })
    }
  }
  return rows
}

const rows = readRows()

function run(script: string, args: readonly string[], env: Record<string, string>) {
  return spawnSync(process.execPath, [path.join(tables, script), ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  })
}

function generate(options: { tables?: string; root?: string; check?: boolean }) {
  return run('generate.mjs', options.check ? ['--check'] : [], {
    ...(options.tables === undefined ? {} : { BSD_SOCKETS_TABLES: options.tables }),
    ...(options.root === undefined ? {} : { BSD_SOCKETS_GENERATE_ROOT: options.root }),
  })
}

function lists(options: { tables: string; folder: string }) {
  return run('lists.mjs', [options.folder], { BSD_SOCKETS_TABLES: options.tables })
}

describe('the generator of constants', () => {
  const temporary = mkdtempSync(path.join(os.tmpdir(), 'bsd-sockets-tables-'))
  const broken = path.join(temporary, 'tables')
  const root = path.join(temporary, 'root')

  beforeEach(() => {
    rmSync(broken, { recursive: true, force: true })
    cpSync(tables, broken, { recursive: true, filter: from => from === tables || from.endsWith('.tbl') })
  })
  afterAll(() => rmSync(temporary, { recursive: true, force: true }))

  const append = (table: string, line: string) => {
    const file = path.join(broken, table)
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, `${text}${line}\n`)
    return `${table}:${text.split('\n').length}`
  }

  test('the generated files are up to date', () => {
    expect(generate({ check: true })).toMatchObject({ status: 0, stdout: '', stderr: '' })
  })

  test('--check names the files that differ and writes none', () => {
    expect(generate({ root, check: true })).toMatchObject({ status: 1 })
    expect(generate({ root })).toMatchObject({ status: 0 })
    expect(generate({ root, check: true })).toMatchObject({ status: 0, stderr: '' })
    append('udp.tbl', 'F UDP_FROM_A_TEST 7 linux')
    const run = generate({ tables: broken, root, check: true })
    expect(run.status).toBe(1)
    expect(run.stderr).toContain('lib/constants/linux.gen.d.ts is out of date')
    expect(run.stderr).not.toContain('lib/constants/common.gen')
    expect(run.stderr).not.toContain('lib/errors/errno.gen.ts')
    expect(readFileSync(path.join(root, 'lib/constants/linux.gen.d.ts'), 'utf8')).not.toContain(
      'UDP_FROM_A_TEST',
    )
  })

  test('the lists for the compiler have each name with its group, its systems and its fallback', () => {
    append('udp.tbl', '@namespace UDP_of_a_test')
    append('udp.tbl', 'F UDP_FROM_A_TEST linux=7,darwin=8 all')
    append('udp.tbl', 'M UDP_OF_LINUX linux')
    append('udp.tbl', 'E UDP_ENUMERATOR linux')
    append('layout.tbl', 'struct of_a_test linux@5.4 field')
    expect(lists({ tables: broken, folder: root })).toMatchObject({ status: 0, stdout: `${root}\n` })
    expect(readFileSync(path.join(root, 'constants.gen.inc'), 'utf8')).toContain(`
BSD_MARK("@UDP_of_a_test")
BSD_MARK(":common")
#if defined(__linux__) && defined(UDP_FROM_A_TEST)
BSD_CONSTANT_SINCE("UDP_FROM_A_TEST", UDP_FROM_A_TEST, 7)
#elif defined(BSD_LINUX_GENERIC_ABI)
BSD_CONSTANT("UDP_FROM_A_TEST", 7)
#elif defined(__APPLE__) && defined(UDP_FROM_A_TEST)
BSD_CONSTANT_SINCE("UDP_FROM_A_TEST", UDP_FROM_A_TEST, 8)
#elif defined(__APPLE__)
BSD_CONSTANT("UDP_FROM_A_TEST", 8)
#else
BSD_CONSTANT("UDP_FROM_A_TEST", kMissing)
#endif
BSD_MARK(":linux")
#if defined(__linux__) && defined(UDP_OF_LINUX)
BSD_CONSTANT("UDP_OF_LINUX", UDP_OF_LINUX)
#else
BSD_CONSTANT("UDP_OF_LINUX", kMissing)
#endif
#if defined(__linux__)
BSD_CONSTANT("UDP_ENUMERATOR", UDP_ENUMERATOR)
#else
BSD_CONSTANT("UDP_ENUMERATOR", kMissing)
#endif
`)
    expect(readFileSync(path.join(root, 'layout.gen.inc'), 'utf8')).toContain(`
#if defined(__linux__) && LINUX_VERSION_CODE >= 0x50400
BSD_CONSTANT("sizeof_of_a_test", sizeof(struct of_a_test))
#endif
`)
  })

  test('an error in a table ends a build of the addon', () => {
    const at = append('udp.tbl', 'X UDP_NEW linux')
    const run = lists({ tables: broken, folder: root })
    expect(run).toMatchObject({ status: 1, stdout: '' })
    expect(run.stderr).toContain(`${at}: unknown kind 'X'`)
  })

  test.each([
    ['udp.tbl', 'M UDP_CORK linux', "'UDP_CORK' is already at udp.tbl:"],
    ['udp.tbl', 'X UDP_NEW linux', "unknown kind 'X'"],
    ['udp.tbl', 'M UDP_NEW freebsd', "unknown system 'freebsd'"],
    ['udp.tbl', 'M UDP_NEW', 'at least 3 columns'],
    ['udp.tbl', 'F UDP_NEW linux all', 'is not a number'],
    ['udp.tbl', 'F UDP_NEW linux=1 all', 'no fallback for darwin'],
    ['udp.tbl', 'F UDP_NEW 0x20000000000001 all', 'beyond 2^53'],
    ['udp.tbl', '@group UDP_', 'unknown directive'],
    ['errno.tbl', 'ENEW seven - text', 'a row is'],
    ['layout.tbl', 'struct sockaddr_in all sin_port', 'already at'],
    ['layout.tbl', 'union u all x', "unknown kind 'union'"],
  ])('the generator refuses an invalid line of %s: %s', (table, line, message) => {
    const at = append(table, line)
    const run = generate({ tables: broken, root })
    expect(run.status).toBe(1)
    expect(run.stderr).toContain(`${at}: `)
    expect(run.stderr).toContain(message)
  })
})

describe('committed files', () => {
  const lib = path.resolve(__dirname, '../../lib')
  // Names in comments are prose; what is left declares or lists them.
  const generated = [lib, tables].flatMap(folder =>
    (readdirSync(folder, { recursive: true }) as string[])
      .filter(file => file.includes('.gen.'))
      .map(file => readFileSync(path.join(folder, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, ''))
      .map(text => new Set(text.match(/\b[A-Za-z]\w+/g))),
  )
  const filesWith = (name: string) => generated.filter(names => names.has(name)).length

  test('the name of a constant is in its table and in one generated file', () => {
    expect(rows.filter(({ name }) => filesWith(name) !== 1).map(({ name }) => name)).toEqual([])
  })

  test('the name of an error is also in the list of texts', () => {
    const names = [...errnoNames.linux.values(), ...errnoNames.darwin.values()]
    expect(names.filter(name => filesWith(name) !== 2)).toEqual([])
  })
})

describe('every row', () => {
  test('each constant of this system is a number, and each of only the other system is undefined', () => {
    const wrong = rows.filter(({ name, where }) => {
      const value = constants[name]
      if (where.includes(here)) return typeof value !== 'number' || !Number.isSafeInteger(value)
      if (where.includes(`${here}?`)) return value !== undefined && !Number.isSafeInteger(value)
      return value !== undefined
    })
    expect(wrong).toEqual([])
    expect(rows.length).toBeGreaterThan(1500)
  })

  test('each constant is an export with the same value', () => {
    for (const { name } of rows) {
      expect(name in exported).toBe(true)
      expect(name in constants).toBe(true)
      expect(exported[name]).toBe(constants[name])
    }
  })

  test('each constant is an export of the modules of its systems, and of no other', () => {
    for (const [module, system] of [
      [linuxNames, 'linux'],
      [darwinNames, 'darwin'],
    ] as const) {
      const wanted = rows.filter(({ where }) => where.includes(system) || where.includes(`${system}?`))
      const errors = errnoNames[system]
      const names = new Set(Object.keys(module))
      expect(wanted.filter(({ name }) => !names.has(name))).toEqual([])
      for (const name of errors.values()) expect(names.has(name)).toBe(true)
    }
    expect('SO_MARK' in darwinNames).toBe(false)
    expect('SO_NOSIGPIPE' in linuxNames).toBe(false)
  })

  test('the object of constants cannot be changed and has no other names', () => {
    expect(Object.isFrozen(constants)).toBe(true)
    expect(constants['toString']).toBeUndefined()
    expect(constants['__proto__']).toBeUndefined()
  })
})

describe('values', () => {
  test('unsigned constants are positive', () => {
    expect(all.INADDR_BROADCAST).toBe(0xffffffff)
    expect(all.INADDR_NONE).toBe(0xffffffff)
    expect(all.VMADDR_CID_ANY).toBe(0xffffffff)
    expect(all.BPF_MEMWORDS).toBe(16)
  })

  onLinux('unsigned numbers stay positive on Linux', () => {
    expect(all.CAN_EFF_FLAG).toBe(0x80000000)
    expect(all.EPOLLET).toBe(0x80000000)
    expect(all.XDP_UMEM_PGOFF_COMPLETION_RING).toBe(0x180000000)
    expect(all.SKF_AD_OFF).toBe(-0x1000)
  })

  onLinux('what the kernel has and the headers of the build may lack', () => {
    expect(all).toMatchObject({
      SO_PASSPIDFD: 76, SO_PEERPIDFD: 77, SCM_PIDFD: 4, SCM_SECURITY: 3, SO_DEVMEM_DONTNEED: 80, SCM_TS_OPT_ID: 81,
      SO_RCVPRIORITY: 82, SO_PASSRIGHTS: 83, SO_INQ: 84, SCM_INQ: 84, TCP_AO_ADD_KEY: 38, TCP_IS_MPTCP: 43,
      TCP_RTO_MAX_MS: 44, TCP_RTO_MIN_US: 45, TCP_DELACK_MAX_US: 46, MPTCP_FULL_INFO: 4, PACKET_VNET_HDR_SZ: 24,
      PACKET_FANOUT_FLAG_IGNORE_OUTGOING: 0x4000, XDP_USE_SG: 16, XDP_MAX_TX_SKB_BUDGET: 9,
      MSG_SOCK_DEVMEM: 0x2000000, SOF_TIMESTAMPING_OPT_ID_TCP: 1 << 16, SOF_TIMESTAMPING_OPT_RX_FILTER: 1 << 17,
      SOF_TIMESTAMPING_TX_COMPLETION: 1 << 18, IP_LOCAL_PORT_RANGE: 51, IP_PROTOCOL: 52,
    }) // prettier-ignore
  })

  onLinux('enumerators, which the preprocessor cannot see', () => {
    expect(all).toMatchObject({
      SOF_TIMESTAMPING_TX_HARDWARE: 1, SOF_TIMESTAMPING_OPT_TX_SWHW: 1 << 14, TPACKET_V3: 2, TCP_ESTABLISHED: 1,
      TCP_LISTEN: 10, SCM_TSTAMP_ACK: 2, RTM_NEWLINK: 16, RTNLGRP_LINK: 1, SK_MEMINFO_DROPS: 8,
    }) // prettier-ignore
  })

  test('constants that Python has too have the same value', () => {
    const script = `
import errno, json, select, socket
print(json.dumps({n: int(getattr(m, n)) for m in (socket, select, errno) for n in dir(m)
  if n[0].isupper() and isinstance(getattr(m, n), int) and not n.startswith('KQ_')}))`
    const run = spawnSync('python3', ['-c', script], { encoding: 'utf8' })
    if (run.error !== undefined || run.status !== 0) {
      console.warn('not compared with Python: python3 does not run here')
      return
    }
    const python = JSON.parse(run.stdout) as Record<string, number>
    // Names that Python has and this package does not.
    const left = new Set<string>([
      // A build against BlueZ or FreeBSD's headers may add names. Linux and macOS have none.
    ])
    const different = Object.entries(python)
      .filter(([name, value]) => !left.has(name) && constants[name] !== value)
      .map(([name, value]) => `${name}: Python ${value}, here ${constants[name]}`)
    expect(Object.keys(python).length).toBeGreaterThan(200)
    expect(different).toEqual([])
  })

  test('error numbers are those of node:os', () => {
    for (const [name, number] of Object.entries(os.constants.errno)) expect(constants[name]).toBe(number)
  })

  test('Bluetooth addresses are text', () => {
    expect(all.BDADDR_ANY).toBe('00:00:00:00:00:00')
    expect(all.BDADDR_LOCAL).toBe('00:00:00:FF:FF:FF')
  })
})

describe('nameOf', () => {
  test.each([
    ['AF_', all.AF_UNSPEC, 'AF_UNSPEC'],
    ['AF_', all.AF_UNIX, 'AF_UNIX'],
    ['AF_', all.AF_INET, 'AF_INET'],
    ['AF_', all.AF_INET6, 'AF_INET6'],
    ['SOCK_', all.SOCK_STREAM, 'SOCK_STREAM'],
    ['SOCK_', all.SOCK_DGRAM, 'SOCK_DGRAM'],
    ['IPPROTO_', 0, 'IPPROTO_IP'],
    ['IPPROTO_', 6, 'IPPROTO_TCP'],
    ['SOL_', all.SOL_SOCKET, 'SOL_SOCKET'],
    ['SO_', all.SO_REUSEADDR, 'SO_REUSEADDR'],
    ['SO_', all.SO_DEBUG, 'SO_DEBUG'],
    ['TCP_', all.TCP_NODELAY, 'TCP_NODELAY'],
    ['IP_', all.IP_TTL, 'IP_TTL'],
    ['IPV6_', all.IPV6_V6ONLY, 'IPV6_V6ONLY'],
    ['MSG_', all.MSG_PEEK, 'MSG_PEEK'],
    ['SCM_', all.SCM_RIGHTS, 'SCM_RIGHTS'],
    ['SHUT_', 2, 'SHUT_RDWR'],
    ['EAI_', all.EAI_NONAME, 'EAI_NONAME'],
    ['ICMP_', 8, 'ICMP_ECHO'],
    ['E', all.EAGAIN, 'EAGAIN'],
    ['VMADDR_', 2, 'VMADDR_CID_HOST'],
    ['SHUT_R', 0, 'SHUT_RD'],
  ])('nameOf: %s %d is %s', (prefix, value, name) => {
    expect(nameOf(prefix, value)).toBe(name)
  })

  onLinux('keeps apart what begins alike', () => {
    expect(nameOf('AF_', 16)).toBe('AF_NETLINK')
    expect(nameOf('SO_EE_ORIGIN_', 2)).toBe('SO_EE_ORIGIN_ICMP')
    expect(nameOf('SO_', 0)).toBe('0')
    expect(nameOf('TCP_STATE', 1)).toBe('TCP_ESTABLISHED')
    expect(nameOf('PACKET_', 1)).toBe('PACKET_ADD_MEMBERSHIP')
    expect(nameOf('PACKET_type', 4)).toBe('PACKET_OUTGOING')
    expect(nameOf('IPTOS_', 0xb8)).toBe('IPTOS_DSCP_EF')
    expect(nameOf('E', 95)).toBe('EOPNOTSUPP')
  })

  test.each([
    ['AF_', 12345],
    ['AF_', -1],
    ['AF_', 1.5],
    ['AF_', NaN],
    ['NOTHING_', 1],
    ['', 987654321],
    ['__proto__', 1],
  ])('nameOf returns an unknown number as text: %s %d', (prefix, value) => {
    expect(nameOf(prefix, value)).toBe(String(value))
  })

  test('nameOf finds the name of every constant with a canonical name', () => {
    for (const prefix of [
      'AF_',
      'SOCK_',
      'SOL_',
      'SO_',
      'IP_',
      'IPV6_',
      'TCP_',
      'MSG_',
      'IPPROTO_',
      'EAI_',
      'E',
    ]) {
      const names = constantsByPrefix(prefix)
      expect(names.size).toBeGreaterThan(4)
      for (const [value, name] of names) {
        expect(constants[name]).toBe(value)
        expect(nameOf(prefix, value)).toBe(name)
      }
    }
  })

  test.each([
    [1, 1],
    [undefined, 1],
    ['AF_', '2'],
    ['AF_', undefined],
    ['AF_', 2n],
  ])('nameOf refuses %p, %p', (prefix, value) => {
    const call = () => nameOf(prefix as string, value as number)
    expect(call).toThrow(TypeError)
    expect(call).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }))
  })
})

describe('constantsByPrefix', () => {
  test('constantsByPrefix returns a new map', () => {
    const names = constantsByPrefix('SHUT_')
    expect([...names]).toEqual([
      [0, 'SHUT_RD'],
      [1, 'SHUT_WR'],
      [2, 'SHUT_RDWR'],
    ])
    names.clear()
    expect(nameOf('SHUT_', 1)).toBe('SHUT_WR')
  })

  test('constantsByPrefix is empty for an unknown prefix and refuses values that are no string', () => {
    expect(constantsByPrefix('NOTHING_').size).toBe(0)
    expect(() => constantsByPrefix(1 as unknown as string)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    )
  })
})

describe('errno', () => {
  test('the error names of both systems are known on each system', () => {
    expect(errnoNames.linux.get(11)).toBe('EAGAIN')
    expect(errnoNames.linux.get(35)).toBe('EDEADLK')
    expect(errnoNames.linux.get(95)).toBe('EOPNOTSUPP')
    expect(errnoNames.linux.get(96)).toBe('EPFNOSUPPORT')
    expect(errnoNames.linux.get(133)).toBe('EHWPOISON')
    expect(errnoNames.linux.size).toBe(131)
    expect(errnoNames.darwin.get(35)).toBe('EAGAIN')
    expect(errnoNames.darwin.get(45)).toBe('ENOTSUP')
    expect(errnoNames.darwin.get(102)).toBe('EOPNOTSUPP')
    expect([...errnoNames.darwin.keys()]).toEqual(Array.from({ length: 107 }, (_, index) => index + 1))
  })

  test('each error number has a text', () => {
    for (const system of ['linux', 'darwin'] as const) {
      expect([...errnoMessages[system].keys()]).toEqual([...errnoNames[system].keys()])
      for (const text of errnoMessages[system].values()) expect(text).not.toBe('')
    }
    expect(errnoMessages.linux.get(111)).toBe('Connection refused')
    expect(errnoMessages.darwin.get(61)).toBe('Connection refused')
  })

  test('the error names of this system agree with its constants', () => {
    for (const [number, name] of errnoNames[here]) expect([undefined, number]).toContain(constants[name])
    for (const name of errnoNames[other].values()) expect(name in constants).toBe(true)
  })
})

describe('layout', () => {
  test('the layout has the structs that every system has', () => {
    expect(layout.sizeof_sockaddr_in).toBe(16)
    expect(layout.sizeof_sockaddr_in6).toBe(28)
    expect(layout.sizeof_sockaddr_storage).toBe(128)
    expect(layout.offsetof_sockaddr_in_sin_port).toBe(2)
    expect(layout.sizeof_sockaddr_in_sin_port).toBe(2)
    expect(layout.sizeof_ip_mreq_source).toBe(12)
    expect(layout.sizeof_linger).toBe(8)
  })

  onLinux('Linux, 64 bits', () => {
    if (layout.sizeof_long !== 8) return
    expect(layout).toMatchObject({
      cmsg_align: 8, sizeof_msghdr: 56, sizeof_mmsghdr: 64, sizeof_cmsghdr: 16, sizeof_sockaddr_un: 110,
      sizeof_sockaddr_ll: 20, sizeof_sockaddr_nl: 12, sizeof_sockaddr_vm: 16, sizeof_sockaddr_xdp: 16,
      sizeof_ucred: 12, sizeof_in_pktinfo: 12, sizeof_in6_pktinfo: 20, sizeof_ip6_mtuinfo: 32,
      sizeof_group_req: 136, offsetof_group_req_gr_group: 8, sizeof_group_source_req: 264,
      offsetof_group_source_req_gsr_source: 136, offsetof_group_filter_gf_slist: 144,
      offsetof_ip_mreq_source_imr_interface: 4, sizeof_sock_filter: 8, sizeof_sock_fprog: 16,
      sizeof_tpacket_req3: 28, sizeof_tpacket3_hdr: 48, sizeof_tpacket2_hdr: 32, sizeof_tpacket_auxdata: 20,
      offsetof_tpacket_block_desc_hdr_bh1_seq_num: 24, offsetof_tcp_info_tcpi_rto: 8,
      offsetof_tcp_info_tcpi_total_retrans: 100, sizeof_tcp_md5sig: 216, offsetof_tcp_md5sig_tcpm_key: 136,
      sizeof_sock_extended_err: 16, sizeof_nlmsghdr: 16, sizeof_nlmsgerr: 20, sizeof_xdp_mmap_offsets: 128,
      sizeof_timeval: 16, sizeof_timespec: 16, sizeof_xdp_umem_reg: 32, sizeof_tcp_repair_window: 20,
    }) // prettier-ignore
  })

  test('the layout lacks the structs of the other system', () => {
    const name = here === 'linux' ? 'sizeof_xucred' : 'sizeof_ucred'
    expect(layout[name]).toBeUndefined()
  })
})
