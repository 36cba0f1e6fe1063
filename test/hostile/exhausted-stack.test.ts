/*
 * A caller that has used up the stack: any call inside of the package may throw. The call may fail, but no other socket
 * may notice. Each script makes the same call again and again while it leaves a deep recursion, so that the stack ends
 * at another place in each call.
 */
import { runNode } from '../helpers/child'

const sweep = `
  process.on('unhandledRejection', () => {}) // the caller's own catch() may be what throws
  const ignore = () => {}
  // Frames of 64 words, and a start that moves by two words: the stack ends at every place.
  const filler = Array(60)
  function sweep(call) {
    for (let words = 0; words < 64; words += 2) {
      let left = PAIRS
      function dive() {
        try {
          dive(...filler)
        } catch {}
        if (left-- <= 0) return
        try {
          call(left)?.then(ignore, ignore)
        } catch {}
      }
      dive(...Array(words))
    }
  }
  const PAIRS = 100
  const pairs = Array.from({ length: PAIRS }, () => Socket.pair())
  const closeAll = () => pairs.flat().forEach(socket => socket.close())
`
const waits = 'for (const [a] of pairs) a.recv(1).catch(ignore)'
const calls: [name: string, before: string, call: string][] = [
  ['a receive', '', 'at => pairs[at][0].recv(10)'],
  ['a receive with a timeout', '', 'at => pairs[at][0].recv(10, { timeout: 50 })'],
  ['a send of descriptors', '', 'at => pairs[at][0].sendFds(Buffer.alloc(1), [pairs[at][1]])'],
  ['unref', waits, 'at => void pairs[at][0].unref()'],
  ['ref', `${waits}; for (const [a] of pairs) a.unref()`, 'at => void pairs[at][0].ref()'],
  ['close', waits, 'at => void pairs[at][0].close()'],
]

// The timer does not keep the process alive, but the waiting receive does.
test.each(calls)(
  '%s: the process lives while another socket waits, and ends afterwards',
  async (_name, before, call) => {
    const script = `${sweep}
      ${before}
      sweep(${call})
      closeAll()
      const [a, b] = Socket.pair()
      setTimeout(() => a.trySend(Buffer.from('x')), 100).unref()
      b.recv(1).then(data => {
        console.log(String(data))
        a.close()
        b.close()
      })`
    expect(await runNode(script)).toMatchObject({ code: 0, signal: null, stdout: 'x\n' })
  },
)
