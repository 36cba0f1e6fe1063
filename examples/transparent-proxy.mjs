// @ts-check
// A transparent TCP proxy: accepts connections that the firewall redirected, and connects each to the address that its
// client asked for. Needs rules of nftables in this network namespace, see docs/proxies.md.
//
//   node examples/transparent-proxy.mjs [port] [--tproxy]     default: port 3128, rules with `redirect`
import { AF_INET, createServer, options, relay, serve, SOCK_STREAM, Socket } from 'bsd-sockets'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { tproxy: { type: 'boolean', default: false } },
})
const port = Number(positionals[0] ?? 3128)

/** The mark of the proxy's own connections. The rules exempt it, or the proxy would connect to itself. */
const MARK = 1

// With `tproxy` the kernel hands over packets for addresses of other hosts, which needs IP_TRANSPARENT before bind.
const listener = values.tproxy
  ? new Socket(AF_INET, SOCK_STREAM)
      .set(options.SO_REUSEADDR, true)
      .set(options.IP_TRANSPARENT, true)
      .bind(['0.0.0.0', port])
      .listen()
  : await createServer({ host: '0.0.0.0', port })

const server = serve(
  listener,
  async client => {
    // `tproxy` leaves the destination as it was. `redirect` rewrites it, and conntrack knows the original.
    const target = values.tproxy ? client.getsockname() : client.get(options.SO_ORIGINAL_DST)
    const upstream = new Socket(AF_INET, SOCK_STREAM).set(options.SO_MARK, MARK)
    try {
      await upstream.connect(target, { timeout: 10_000 })
      const { aToB, bToA } = await relay(client, upstream)
      console.log(`${client.remoteAddress} -> ${target}: ${aToB} bytes there, ${bToA} back`)
    } finally {
      upstream.close()
    }
  },
  { onError: error => console.error(String(error)) },
)
console.log(`proxy on ${server.address}`)
process.once('SIGTERM', () => void server.close({ drain: 1000 }))
process.once('SIGINT', () => void server.close())
