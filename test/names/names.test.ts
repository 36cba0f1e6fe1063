import { hostname, networkInterfaces } from 'node:os'
import * as bsd from '../../lib'
import * as blocking from '../../lib/sync'
import { ensureDist, run, runPython } from '../helpers/child'
import { failure, thrown } from '../helpers/errors'
import { pythonResolving, resolving } from '../helpers/hosts'
import { missing, testIf } from '../helpers/need'

const none = missing.resolver()
const text = (list: bsd.AddressInfo[]): unknown[] =>
  list.map(e => [e.family, e.type, e.protocol, e.canonname, e.address.toJSON()])

/** Prints the result of getaddrinfo in Python as JSON, with each address as [host, port]. */
const pythonAddresses = `
def show(answers):
    print(json.dumps([[int(f), int(t), p, c, a[0], a[1]] for f, t, p, c, a in answers]))
`
const ourAddresses = `const show = list => list.map(e => [e.family, e.type, e.protocol, e.canonname, e.address.address, e.address.port])\n`

describe('getaddrinfo', () => {
  test('getaddrinfo of a numeric address needs no name server, and both flavours give the same result', async () => {
    const hints = { type: bsd.SOCK_STREAM }
    const answer = await bsd.getaddrinfo('127.0.0.1', 80, hints)
    expect(text(answer)).toEqual([
      [bsd.AF_INET, bsd.SOCK_STREAM, bsd.IPPROTO_TCP, '', { kind: 'inet', address: '127.0.0.1', port: 80 }],
    ])
    expect(text(blocking.getaddrinfo('127.0.0.1', 80, hints))).toEqual(text(answer))
    expect(blocking.getaddrinfo('::1', 443, hints)[0]!.address).toMatchObject({ kind: 'inet6', port: 443 })
  })

  test('sockets accept the results of getaddrinfo', async () => {
    const [passive] = await bsd.getaddrinfo('127.0.0.1', 0, {
      family: bsd.AF_INET,
      type: bsd.SOCK_STREAM,
      flags: bsd.AI_PASSIVE | bsd.AI_NUMERICHOST,
    })
    const listener = new bsd.Socket(passive!.family, passive!.type, passive!.protocol)
    listener.bind(passive!.address).listen()
    const { port } = listener.getsockname() as { port: number }
    const [active] = await bsd.getaddrinfo('127.0.0.1', port, { type: bsd.SOCK_STREAM })
    const socket = new bsd.Socket(active!.family, active!.type, active!.protocol)
    await socket.connect(active!.address)
    expect(socket.remoteAddress!.equals(listener.localAddress)).toBe(true)
    socket.close()
    listener.close()
  })

  test('getaddrinfo without a host gives the loopback addresses, or the wildcard addresses with AI_PASSIVE', async () => {
    const loopback = await bsd.getaddrinfo(null, 80, { type: bsd.SOCK_STREAM })
    expect(loopback.map(e => (e.address as { address: string }).address).sort()).toEqual(['127.0.0.1', '::1'])
    const wildcard = await bsd.getaddrinfo(null, 80, { type: bsd.SOCK_STREAM, flags: bsd.AI_PASSIVE })
    expect(wildcard.map(e => (e.address as { address: string }).address).sort()).toEqual(['0.0.0.0', '::'])
  })

  test('getaddrinfo keeps a zone as scopeId, given by name or by number', async () => {
    const index = bsd.if_nametoindex(bsd.if_indextoname(1))
    for (const zone of [bsd.if_indextoname(1), '1']) {
      const [entry] = await bsd.getaddrinfo(`fe80::1%${zone}`, 1, { type: bsd.SOCK_DGRAM })
      expect(entry!.address.toJSON()).toMatchObject({ address: 'fe80::1', scopeId: index, port: 1 })
    }
  })

  test('with AI_NUMERICHOST a name fails without a lookup, and flags may be given as a number', async () => {
    for (const hints of [{ flags: bsd.AI_NUMERICHOST }, bsd.AI_NUMERICHOST]) {
      expect(await failure(bsd.getaddrinfo('name.example', 80, hints))).toMatchObject({
        name: 'SocketError',
        code: 'EAI_NONAME',
        errno: bsd.constants.EAI_NONAME,
        syscall: 'getaddrinfo',
        message: 'getaddrinfo EAI_NONAME name.example',
      })
    }
    expect(await failure(bsd.getaddrinfo('127.0.0.1', 80, { family: bsd.AF_INET6 }))).toHaveProperty(
      'code',
      expect.stringMatching(/^EAI_(ADDRFAMILY|NONAME)$/),
    )
    expect(await failure(bsd.getaddrinfo(null, null))).toHaveProperty('code', 'EAI_NONAME')
    expect(await failure(bsd.getaddrinfo('127.0.0.1', 80, { flags: 0x4000_0000 }))).toHaveProperty(
      'code',
      'EAI_BADFLAGS',
    )
    expect(await failure(bsd.getaddrinfo('127.0.0.1', 80, { family: 99 }))).toHaveProperty(
      'code',
      'EAI_FAMILY',
    )
    expect(await failure(bsd.getaddrinfo('127.0.0.1', 'no-such-service'))).toMatchObject({
      code: expect.stringMatching(/^EAI_(SERVICE|NONAME)$/) as string,
      message: expect.stringContaining('127.0.0.1:no-such-service') as string,
    })
  })

  test('names with a NUL, names that are too long and ports out of range are refused', async () => {
    for (const call of [
      () => bsd.getaddrinfo('127.0.0.1\0evil', 80),
      () => bsd.getaddrinfo('127.0.0.1', 'http\0s'),
      () => bsd.getaddrinfo('127.0.0.1', 65536),
      () => bsd.getaddrinfo('127.0.0.1', '70000'),
      () => bsd.getaddrinfo('127.0.0.1', ' 65536'),
      () => bsd.getaddrinfo('127.0.0.1', -1),
      () => bsd.getaddrinfo('127.0.0.1', 1.5),
      () => bsd.getaddrinfo(`${'a'.repeat(64)}.example`, 80),
      () => bsd.getaddrinfo('a.'.repeat(600), 80),
      () => bsd.getaddrinfo('xn--\u{dead}', 80),
      () => bsd.gethostbyname('localhost\0.evil'),
      () => bsd.getservbyname('http\0'),
      () => bsd.getprotobyname('tcp\0'),
      () => bsd.getservbyport(65536),
      () => bsd.getprotobynumber(-1),
    ]) {
      expect(await failure(call())).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
    }
    expect(thrown(() => blocking.getaddrinfo('127.0.0.1\0evil', 80)).code).toBe('ERR_OUT_OF_RANGE')
  })

  test('arguments of a wrong type are refused', async () => {
    for (const call of [
      () => bsd.getaddrinfo(7 as never, 80),
      () => bsd.getaddrinfo('127.0.0.1', {} as never),
      () => bsd.getaddrinfo('127.0.0.1', 80, 'tcp' as never),
      () => bsd.getaddrinfo('127.0.0.1', 80, { family: 'inet' as never }),
      () => bsd.getaddrinfo('127.0.0.1', 80, { timeout: '1' as never }),
      () => bsd.gethostbyname(null as never),
      () => bsd.gethostbyaddr(Buffer.alloc(4) as never),
      () => bsd.getfqdn(7 as never),
      () => bsd.getservbyname(80 as never),
      () => bsd.getservbyport('80' as never),
      () => bsd.getnameinfo(null as never),
    ]) {
      expect(await failure(call())).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })
    }
    const signal = AbortSignal.timeout(1000)
    expect(thrown(() => blocking.getaddrinfo('127.0.0.1', 80, { signal } as never)).code).toBe(
      'ERR_INVALID_ARG_TYPE',
    )
  })

  test('getaddrinfo with timeout 0 or with a signal that has fired does not wait', async () => {
    expect(await failure(bsd.getaddrinfo('127.0.0.1', 80, { timeout: 0 }))).toMatchObject({ code: 'EAGAIN' })
    const reason = new Error('mine')
    expect(
      await failure(bsd.getaddrinfo('127.0.0.1', 80, { signal: AbortSignal.abort(reason) })),
    ).toMatchObject({ name: 'AbortError', cause: reason })
    expect(await bsd.getaddrinfo('127.0.0.1', 80, { timeout: 5000 })).not.toHaveLength(0)
  })

  test('a hundred lookups can run at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, port) => bsd.getaddrinfo('127.0.0.1', port, { type: bsd.SOCK_STREAM })),
    )
    expect(answers.map(([entry]) => (entry!.address as { port: number }).port)).toEqual([...answers.keys()])
  })

  testIf(none, 'getaddrinfo gives the same results as Python', async () => {
    const cases = [
      `('localhost', 80, 0, 1)`,
      `('canonical.example', 'echo-test', 0, 0, 0, socket.AI_CANONNAME)`,
      `('alias', 7, socket.AF_INET, 2, 0, socket.AI_CANONNAME)`,
      `('only6.example', None, socket.AF_INET, 1, 0, socket.AI_V4MAPPED | socket.AI_ALL) if 0 else ('only6.example', None, 0, 1)`,
      `('only4.example', 1, socket.AF_INET6, 1, 0, socket.AI_V4MAPPED)`,
    ]
    const ours = [
      `'localhost', 80, { type: 1 }`,
      `'canonical.example', 'echo-test', { flags: b.AI_CANONNAME }`,
      `'alias', 7, { family: b.AF_INET, type: 2, flags: b.AI_CANONNAME }`,
      `'only6.example', null, { type: 1 }`,
      `'only4.example', 1, { family: b.AF_INET6, type: 1, flags: b.AI_V4MAPPED }`,
    ]
    for (const [i, arguments_] of cases.entries()) {
      const theirs = await pythonResolving(`${pythonAddresses}\nshow(socket.getaddrinfo(*(${arguments_})))`)
      expect(await resolving(`${ourAddresses} return show(await b.getaddrinfo(${ours[i]}))`)).toEqual(theirs)
      expect(await resolving(`${ourAddresses} return show(s.getaddrinfo(${ours[i]}))`)).toEqual(theirs)
    }
  })

  testIf(none, 'getaddrinfo fails with the same errors as Python', async () => {
    const codes = await pythonResolving(`
def code(*a):
    try: return socket.getaddrinfo(*a)
    except socket.gaierror as e: return e.errno
print(json.dumps([code('nonexistent.invalid', 80), code('only4.example', 80, socket.AF_INET6),
    code('localhost', 'nothing'), code('only4.example', 1, 0, 0, 255)]))`)
    const ours = await resolving(`return [
      await failure(() => b.getaddrinfo('nonexistent.invalid', 80)),
      await failure(() => s.getaddrinfo('only4.example', 80, { family: b.AF_INET6 })),
      await failure(() => b.getaddrinfo('localhost', 'nothing')),
      await failure(() => b.getaddrinfo('only4.example', 1, { protocol: 255 }))]`)
    expect((ours as { errno: number }[]).map(e => e.errno)).toEqual(codes)
    expect((ours as { code: string }[])[0]!.code).toBe('EAI_NONAME')
  })

  testIf(none, 'names with characters beyond ASCII are encoded by IDNA', async () => {
    const files = { hosts: '127.9.9.9 xn--bcher-kva.example\n' }
    expect(await resolving(`return s.gethostbyname('Bücher.example')`, { files })).toBe('127.9.9.9')
  })
})

describe('getnameinfo', () => {
  test('getnameinfo gives numbers with NI_NUMERICHOST and NI_NUMERICSERV', async () => {
    const flags = bsd.NI_NUMERICHOST | bsd.NI_NUMERICSERV
    expect(await bsd.getnameinfo(['127.0.0.1', 80], flags)).toEqual({ host: '127.0.0.1', service: '80' })
    expect(await bsd.getnameinfo({ address: '::1', port: 65535 }, { flags })).toEqual({
      host: '::1',
      service: '65535',
    })
    const zone = bsd.if_indextoname(1)
    expect(blocking.getnameinfo({ address: 'fe80::1', port: 0, scopeId: 1 }, flags).host).toBe(
      `fe80::1%${zone}`,
    )
    const socket = new bsd.Socket(bsd.AF_INET, bsd.SOCK_DGRAM).bind(['127.0.0.1', 0])
    const own = socket.getsockname() as { port: number }
    expect((await bsd.getnameinfo(socket.getsockname(), flags)).service).toBe(String(own.port))
    socket.close()
  })

  test('getnameinfo refuses a host name and a port out of range', async () => {
    expect(await failure(bsd.getnameinfo(['localhost', 80]))).toMatchObject({ code: 'ERR_INVALID_ADDRESS' })
    expect(await failure(bsd.getnameinfo(['127.0.0.1', 65536]))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
  })

  testIf(none, 'getnameinfo gives the same names as Python', async () => {
    const theirs = await pythonResolving(`
n = socket.getnameinfo
print(json.dumps([n(('127.1.0.1', 4007), 0), n(('127.1.0.1', 4008), socket.NI_DGRAM), n(('127.1.0.3', 4008), 0),
  n(('::4', 1), 0), n(('127.3.3.3', 9), 0)]))`)
    const ours = await resolving(`
      const n = async (...a) => Object.values(await b.getnameinfo(...a))
      return [await n(['127.1.0.1', 4007]), await n(['127.1.0.1', 4008], b.NI_DGRAM), await n(['127.1.0.3', 4008]),
        await n({ address: '::4', port: 1 }), await n(['127.3.3.3', 9])]`)
    expect(ours).toEqual(theirs)
    expect(
      await resolving(`return failure(() => b.getnameinfo(['127.3.3.3', 9], b.NI_NAMEREQD))`),
    ).toMatchObject({
      code: 'EAI_NONAME',
      syscall: 'getnameinfo',
      message: 'getnameinfo EAI_NONAME 127.3.3.3:9',
    })
  })
})

describe('lookups of hosts', () => {
  test('gethostbyname of an address, of <broadcast> and of no name needs no lookup', async () => {
    for (const [name, address] of [
      ['', '0.0.0.0'],
      ['<broadcast>', '255.255.255.255'],
      ['127.0.0.1', '127.0.0.1'],
    ] as const) {
      expect(await bsd.gethostbyname(name)).toBe(address)
      expect(blocking.gethostbyname(name)).toBe(address)
    }
    expect(await failure(bsd.gethostbyaddr(7 as never))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  })

  testIf(none, 'lookups of hosts give the same results as Python', async () => {
    const theirs = await pythonResolving(`
print(json.dumps([socket.gethostbyname('alias'), socket.gethostbyname_ex('alias'), socket.gethostbyaddr('127.1.0.1'),
  socket.gethostbyaddr('::4'), socket.gethostbyaddr('only4.example'), socket.gethostbyaddr('localhost'), socket.getfqdn('alias'), socket.getfqdn('127.1.0.2'), socket.getfqdn('localhost'),
  socket.getfqdn('nonexistent.invalid'), socket.getfqdn('::4')]))`)
    for (const flavour of ['b', 's']) {
      const ours = await resolving(`
        const l = h => [h.name, h.aliases, h.addresses]
        const m = ${flavour}
        return [await m.gethostbyname('alias'), l(await m.gethostbynameEx('alias')), l(await m.gethostbyaddr('127.1.0.1')),
          l(await m.gethostbyaddr('::4')), l(await m.gethostbyaddr('only4.example')), l(await m.gethostbyaddr('localhost')), await m.getfqdn('alias'), await m.getfqdn('127.1.0.2'),
          await m.getfqdn('localhost'), await m.getfqdn('nonexistent.invalid'), await m.getfqdn('::4')]`)
      expect(ours).toEqual(theirs)
    }
  })

  testIf(none, 'errors of host lookups have the codes of h_errno', async () => {
    const ours = (await resolving(`return [
      await failure(() => b.gethostbyname('nonexistent.invalid')),
      await failure(() => s.gethostbynameEx('nonexistent.invalid')),
      await failure(() => b.gethostbyaddr('127.7.7.7'))]`)) as { code: string }[]
    expect(ours.map(e => e.code)).toEqual(['HOST_NOT_FOUND', 'HOST_NOT_FOUND', 'HOST_NOT_FOUND'])
    expect(ours[0]).toEqual({
      name: 'SocketError',
      code: 'HOST_NOT_FOUND',
      errno: 1,
      syscall: 'gethostbyname',
      message: 'gethostbyname HOST_NOT_FOUND nonexistent.invalid',
    })
  })

  testIf(none, 'if the name server cannot be reached, lookups fail with TRY_AGAIN or EAI_AGAIN', async () => {
    const files = { 'nsswitch.conf': 'hosts: dns\n', 'resolv.conf': 'nameserver 10.255.255.53\n' }
    const script = `return [await failure(() => b.gethostbyname('name.invalid')),
      await failure(() => b.getaddrinfo('name.invalid', 80)), await b.getfqdn('name.invalid')]`
    expect(await resolving(script, { files })).toMatchObject([
      { code: 'TRY_AGAIN' },
      { code: 'EAI_AGAIN', message: 'getaddrinfo EAI_AGAIN name.invalid (no name server answered)' },
      'name.invalid',
    ])
  })

  testIf(
    none,
    'if the name server does not answer, a timeout and a signal end the wait, and other lookups go on',
    async () => {
      const files = { 'nsswitch.conf': 'hosts: dns\n' }
      const script = `
      const silent = new b.Socket(b.AF_INET, b.SOCK_DGRAM).bind(['127.0.0.1', 53])
      const controller = new AbortController()
      const order = []
      const lookups = [
        failure(() => b.getaddrinfo('one.invalid', 80, { timeout: 20 })).then(e => (order.push('timeout'), e)),
        failure(() => b.gethostbyname('two.invalid', { signal: controller.signal })).then(e => (order.push('abort'), e)),
        failure(() => b.getaddrinfo('three.invalid', 80, { timeout: 20 })),
      ]
      setTimeout(() => controller.abort(), 60)
      const errors = await Promise.all(lookups)
      const first = await b.getaddrinfo('127.0.0.1', 80) // is queued behind the three lookups
      silent.close()
      return { errors, order, first: first.length > 0 }`
      expect(await resolving(script, { files })).toMatchObject({
        order: ['timeout', 'abort'],
        errors: [
          { name: 'TimeoutError', code: 'ERR_SOCKET_TIMEOUT', syscall: 'getaddrinfo' },
          { name: 'AbortError' },
          { name: 'TimeoutError' },
        ],
        first: true,
      })
    },
  )
})

describe('services and protocols', () => {
  testIf(missing.python(), 'lookups of services and protocols give the same results as Python', async () => {
    const theirs = JSON.parse(
      await runPython(`
import json, socket
ports = [80, 443, 21, 70, 25, 143, 993, 110, 995]
print(json.dumps([[socket.getservbyport(p) for p in ports],
  [socket.getservbyname(socket.getservbyport(p), 'tcp') for p in ports],
  [socket.getprotobyname(p) for p in ['icmp', 'udp', 'tcp']]]))`),
    ) as [string[], number[], number[]]
    const ports = theirs[1]
    expect(await Promise.all(ports.map(port => bsd.getservbyport(port)))).toEqual(theirs[0])
    expect(ports.map(port => blocking.getservbyport(port, 'tcp'))).toEqual(theirs[0])
    expect(await Promise.all(theirs[0].map(name => bsd.getservbyname(name, 'tcp')))).toEqual(ports)
    expect(theirs[0].map(name => blocking.getservbyname(name))).toEqual(ports)
    expect(await Promise.all(['icmp', 'udp', 'tcp'].map(name => bsd.getprotobyname(name)))).toEqual(theirs[2])
    expect(theirs[2].map(number => blocking.getprotobynumber(number))).toEqual(['icmp', 'udp', 'tcp'])
    expect(await bsd.getprotobynumber(6)).toBe('tcp')
  })

  testIf(none, 'services are looked up for a protocol and by an alias', async () => {
    const script = `return [s.getservbyname('echo-test', 'tcp'), await b.getservbyname('echo-test', 'udp'),
      await b.getservbyname('et'), s.getservbyport(4008, 'udp'), await failure(() => b.getservbyport(4008, 'tcp')),
      await failure(() => b.getservbyname('et', 'udp'))]`
    expect(await resolving(script)).toMatchObject([
      4007,
      4008,
      4007,
      'echo-test',
      { code: 'ENOENT', syscall: 'getservbyport', message: 'getservbyport ENOENT 4008/tcp' },
      { code: 'ENOENT', syscall: 'getservbyname', message: 'getservbyname ENOENT et/udp' },
    ])
  })

  test('a lookup of an unknown service or protocol fails with ENOENT', async () => {
    expect(await failure(bsd.getservbyname('no-such-service'))).toMatchObject({ code: 'ENOENT', errno: -2 })
    expect(await failure(bsd.getprotobyname('no-such-protocol'))).toMatchObject({ code: 'ENOENT' })
    expect(thrown(() => blocking.getprotobynumber(254)).code).toBe('ENOENT')
  })
})

describe('this host', () => {
  test('gethostname returns the host name', () => {
    expect(bsd.gethostname()).toBe(hostname())
    expect(blocking.gethostname).toBe(bsd.gethostname)
  })

  testIf(
    missing.root() ?? none,
    'sethostname sets the host name, and its errors explain themselves',
    async () => {
      const script = `const b = require('./dist'); b.sethostname('renamed'); console.log(b.gethostname())
      try { b.sethostname('x'.repeat(65)) } catch (e) { console.log(e.code, e.syscall) }`
      ensureDist()
      const ended = await run('unshare', ['--uts', process.execPath, '-e', script])
      expect(ended).toMatchObject({ code: 0, stdout: 'renamed\nEINVAL sethostname\n' })
      const unprivileged = `const b = require('./dist'); process.setuid(65534)
      try { b.sethostname('renamed') } catch (e) { console.log(e.message) }`
      const refused = await run('unshare', ['--uts', process.execPath, '-e', unprivileged])
      expect(refused.stdout).toBe('sethostname EPERM "renamed" (needs CAP_SYS_ADMIN)\n')
      expect(thrown(() => bsd.sethostname('a\0b')).code).toBe('ERR_OUT_OF_RANGE')
      expect(thrown(() => bsd.sethostname(7 as never)).code).toBe('ERR_INVALID_ARG_TYPE')
    },
  )

  test('getifaddrs returns at least the addresses of node:os', () => {
    const all = bsd.getifaddrs()
    const loopback = all.find(e => e.address?.kind === 'inet' && e.address.address === '127.0.0.1')!
    expect(loopback.flags & bsd.IFF_LOOPBACK).toBe(bsd.IFF_LOOPBACK)
    expect(loopback.netmask).toMatchObject({ kind: 'inet', address: '255.0.0.0' })
    expect(bsd.if_nametoindex(loopback.name)).toBeGreaterThan(0)
    for (const [name, list] of Object.entries(networkInterfaces())) {
      for (const { address, netmask } of list!) {
        const same = all.find(
          e => e.name === name && (e.address as { address?: string } | null)?.address === address,
        )
        expect((same?.netmask as { address?: string }).address).toBe(netmask)
      }
    }
    expect(blocking.getifaddrs().map(e => [e.name, String(e.address)])).toEqual(
      all.map(e => [e.name, String(e.address)]),
    )
  })

  testIf(
    missing.network(),
    'getifaddrs returns the broadcast address or the destination of an interface',
    async () => {
      const script = `const b = require('./dist')
      console.log(JSON.stringify(b.getifaddrs().filter(e => e.address?.kind === 'inet')))`
      ensureDist()
      const setup = `ip tuntap add p0 mode tun; ip addr add 10.7.0.1 peer 10.7.0.2 dev p0
      ip link add d0 type veth; ip addr add 10.8.0.1/24 brd + dev d0`
      const ended = await run('unshare', [
        '-n',
        'sh',
        '-ec',
        `${setup}; exec ${process.execPath} -e '${script.replaceAll("'", '"')}'`,
      ])
      expect(ended).toMatchObject({ code: 0, stderr: '' })
      const found = JSON.parse(ended.stdout) as { name: string }[]
      expect(found.find(e => e.name === 'p0')).toMatchObject({
        address: { address: '10.7.0.1' },
        destination: { address: '10.7.0.2' },
        broadcast: null,
      })
      expect(found.find(e => e.name === 'd0')).toMatchObject({
        netmask: { address: '255.255.255.0' },
        broadcast: { address: '10.8.0.255' },
        destination: null,
      })
    },
  )
})
