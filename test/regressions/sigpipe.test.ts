import { runNode } from '../helpers/child'
import { missing, testIf } from '../helpers/need'

const prelude = `
  const [raw, sync] = [require('./dist/raw'), require('./dist/sync')]
  const file = fs.openSync(process.execPath)
  const heard = () => console.log('heard')
  process.on('SIGPIPE', heard)
  const gone = flavour => { const [a, b] = flavour.pair(); b.close(); return a }
  async function tell(what, call) {
    try { console.log(what, await call()) } catch (error) { console.log(what, error.code) }
  }
  async function main() {
    const a = gone(Socket), b = gone(sync.Socket)
    await tell('sendfile', () => a.sendfile(file))
    await tell('trySendfile', () => a.trySendfile(file))
    await tell('sync', () => b.sendfile(file))
    await tell('raw', () => raw.sendfile(a.fd, file, 0, 4096))
    const [source, writer] = Socket.pair()
    await writer.send(Buffer.from('on its way'))
    await tell('splice', () => source.splice(a))
    await tell('send', () => a.send(Buffer.from('x')))
    for (const each of [a, b, source, writer]) each.close()
  }
`
const told = 'sendfile EPIPE\ntrySendfile EPIPE\nsync EPIPE\nraw -32\nsplice EPIPE\nsend EPIPE\n'

// sendfile(2) and splice(2) raise SIGPIPE. Node restores the default action when its last SIGPIPE listener is removed.
testIf(
  missing.linux(),
  'a send to a closed peer fails with EPIPE without a signal, also after a SIGPIPE listener was removed',
  async () => {
    for (const then of [`process.off('SIGPIPE', heard)`, '']) {
      const ended = await runNode(`${prelude}\n${then}\nmain()`)
      expect(ended).toEqual({ code: 0, signal: null, stdout: told, stderr: '' })
    }
  },
)
