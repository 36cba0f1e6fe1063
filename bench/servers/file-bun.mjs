// file-bun.mjs ADDRESS FILE: uses Bun.serve with Bun.file.
import { announce, parseAddress } from '../lib/ends.mjs'

const [text, name] = process.argv.slice(2)
const { host, port } = parseAddress(text)
const server = Bun.serve({ hostname: host, port, fetch: () => new Response(Bun.file(name)) })
announce(`tcp:${host}:${server.port}`)
