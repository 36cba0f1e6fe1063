import { missing, testIf } from '../helpers/need'
import { resolving } from '../helpers/hosts'
import { runNode } from '../helpers/child'
import { makeNamespace } from '../helpers/network'
import { ensureDist } from '../helpers/child'

// A name server on loopback that reads queries and never answers.
const silence = `
  const dns = new b.Socket(b.AF_INET, b.SOCK_DGRAM).bind(['127.0.0.1', 53]).unref()`
const silentServer = {
  'nsswitch.conf': 'hosts: files dns\nservices: files\nprotocols: files\n',
  'resolv.conf': 'nameserver 127.0.0.1\noptions timeout:30 attempts:2\n',
}
const none = missing.resolver()

testIf(none, 'a name with one family in /etc/hosts does not wait for a silent name server', async () => {
  // getaddrinfo of AF_INET6 alone would ask the server and wait.
  expect(
    await resolving(
      `${silence}
      const server = await b.createServer({ host: '127.1.0.3' })
      const { port } = server.getsockname()
      const one = await b.createConnection({ host: 'only4.example', port })
      const two = s.createConnection({ host: 'only4.example', port })
      const found = [one.remoteAddress.address, two.remoteAddress.address, dns.tryRecv(512)]
      for (const each of [one, two, server]) each.close()
      return found`,
      { files: silentServer },
    ),
  ).toEqual(['127.1.0.3', '127.1.0.3', null])
})

testIf(none, 'lookups that hang hold up neither files nor lookups that need no server', async () => {
  expect(
    await resolving(
      `${silence}
      const hung = Array.from({ length: 12 }, (_, i) => b.getaddrinfo('hung' + i + '.example', null, { timeout: 60000 }))
      for (const each of hung) each.catch(() => undefined)
      await dns.readable()
      const text = await require('node:fs/promises').readFile('/etc/services', 'utf8')
      const port = await b.getservbyname('echo-test', 'tcp')
      const [first] = await b.getaddrinfo('only4.example')
      console.log(JSON.stringify([text.length > 10, port, first.address.address]))
      process.exit(0)`,
      { files: silentServer },
    ),
  ).toEqual([true, 4007, '127.1.0.3'])
})

testIf(missing.network(), 'a connection of a socket to itself counts as refused', async () => {
  ensureDist()
  const namespace = await makeNamespace()
  try {
    await namespace.shell('echo 40000 40000 > /proc/sys/net/ipv4/ip_local_port_range')
    const script = `
      const b = require('./dist'), s = require('./dist/sync')
      const codes = []
      const raw = new b.Socket(b.AF_INET)
      raw.connect(['127.0.0.1', 40000]).then(() => codes.push(raw.localAddress.equals(raw.remoteAddress)), e => codes.push(e.code))
        .then(() => { raw.set(b.options.SO_LINGER, { on: true, seconds: 0 }); raw.close() })
        .then(() => b.createConnection({ host: '127.0.0.1', port: 40000 }))
        .catch(e => codes.push(e.code, e.port))
        .then(() => s.createConnection({ host: '127.0.0.1', port: 40000 }))
        .catch(e => codes.push(e.code, e.port))
        .then(() => console.log(JSON.stringify(codes)))`
    const ended = await namespace.run(process.execPath, ['-e', script], { timeout: 20000 })
    expect(ended).toMatchObject({ code: 0 })
    expect(JSON.parse(ended.stdout)).toEqual([true, 'ECONNREFUSED', 40000, 'ECONNREFUSED', 40000])
  } finally {
    await namespace.close()
  }
})

testIf(none, 'a lookup that hangs does not keep a process that exits', async () => {
  const ended = await runNode(`
    const b = require('./dist')
    b.getaddrinfo('localhost').then(() => process.exit(7))`)
  expect(ended.code).toBe(7)
})
