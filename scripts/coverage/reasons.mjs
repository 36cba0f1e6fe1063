// The reasons why no test reaches a line or branch. A row names a file (or the beginning of its path) and a part of the
// source line, so that it still matches when lines move. The first row that matches counts. Gaps without a matching row
// come first in coverage/gaps.txt.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { root } from '../tools.mjs'

const reasons = {
  'other systems: macOS, or a C library or headers without the feature': [
    ['lib/darwin.ts', ''],
    ['lib/binding/system.ts', ''],
    [
      'lib/',
      /process\.platform|\bos ===|\blinux \?|systemName|unsupported\(|family === undefined \|\| struct === null/,
    ],
    ['lib/', /constants(?:\.\w+|\[.+?\]) \?\? |layout\[.+?\] \?\? |IOV_MAX|'AF_VSOCK'\] ===/],
    [
      'lib/',
      /(?:UDP_SEGMENT|SO_ZEROCOPY|option\.option) === undefined|AF_(?:PACKET|NETLINK) \?\? -1|exists \|\| on/,
    ],
    ['lib/socket/receive-meta.ts', 'return steps'],
    ['lib/options/codecs/', /at === undefined|lacks|rowsOf|version === undefined/],
    ['lib/names/local.ts', /mask|whole/],
    ['lib/socket/base.ts', /familyBytes|data: new Uint8Array\(0\)|integer\[0\]! & 0xff/],
    ['lib/address/unix.ts', 'length < start'],
    ['lib/operations/zerocopy-memory.ts', /ordinary\(|ArrayBuffer\(size\)|try \{/],
    ['native/call.cc', /napi_create_double|INT32_MAX|kElement\[0\]/],
  ],
  'big-endian machines': [['lib/', /littleEndian|BE\(/]],
  'other runtimes, and binaries that are missing or have another version: check:pack and check:prebuilt test them':
    [
      ['lib/binding/load.ts', ''],
      ['lib/binding/binding.ts', ''],
    ],
  'other kernels and hosts: older, without a module, or with fewer privileges for this user': [
    ['lib/capabilities', ''],
    ['lib/capabilities/doctor.ts', ''],
    ['lib/capabilities/privileges.ts', ''],
    ['lib/operations/segments.ts', /SEGMENTS\[|this\.#step\(\)|EIO/],
    ['lib/errors/index.ts', ''],
    ['lib/socket/namespace.ts', 'errno === undefined'],
  ],
  'out of memory: test/faults fails one allocation at a time, but not inside a lookup, a ring or Node itself':
    [
      [
        'native/',
        /nothrow|ENOMEM|nullptr\) return false|MAP_FAILED|\bheld\b|munmap|failed_ = true|not enough memory/,
      ],
      ['native/', /napi_open_handle_scope|napi_is_array|napi_is_exception_pending|uv_event_loop|kHead;/],
      ['native/zerocopy_memory.cc', 'return nullptr'],
      ['lib/operations/zerocopy-memory.ts', 'ENOMEM'],
      ['lib/message/fd.ts', ''],
      ['lib/reactor/reactor.ts', /dropAccepted|operation === null|continue/],
    ],
  'the branch that g++ generates for a delete of a pointer that is never null': [['native/', /\bdelete\b/]],
  'calls that cannot fail here: the kernel, libuv or Node would have to refuse an object that it has just created':
    [
      [
        'native/',
        /failed != 0|return failed;|(?:ioctl|fcntl|getsockopt|gethostname|epoll_wait|sigtimedwait)\(.* < 0/,
      ],
      [
        'native/',
        /count < 0|ready < 0|domain < 0|status == EAI_SYSTEM|kSeeErrno|status == 0|room == 0|list != nullptr/,
      ],
      [
        'native/',
        /epoll_wait|errno == EINPROGRESS|accepted >= 0|result >= 0|ERANGE|size <= kMostRoom|[*]alias|[*]address !=/,
      ],
      ['native/sys/linux/names.cc', /default:|sizeof\(sockaddr\)|switch/],
      [
        'lib/',
        /(?:sent|moved|failed|ready|result|taken|started|length) < 0|result <= 0|errno \?\? 0|\.errno\b|const \{ errno \}|return errno/,
      ],
      [
        'lib/operations/',
        /return systemError|this\.#receive\.failure|closeFd|throw systemError|result === 0\)|result !== ENOBUFS/,
      ],
      ['lib/reactor/blocking.ts', ''],
      ['lib/socket/streams/', /closeFd|throw error|failed as Error|ENOTCONN/],
      ['lib/net/unix-path.ts', /throw error|EADDRINUSE/],
      ['lib/net/relay.ts', ''],
      ['lib/names/lookup.ts', 'code === undefined'],
      ['lib/net/connect.ts', 'no address'],
      ['lib/net/create-server.ts', /return false|unlinkSync/],
      ['lib/names/compose.ts', 'return asked'],
      ['lib/operations/zerocopy-memory.ts', 'cannot be transferred'],
      [
        'lib/socket/receive-meta.ts',
        /const \{ code \}|EOPNOTSUPP|throw error|left|undo|foreign|instanceof SocketError/,
      ],
      ['lib/reactor/reactor.ts', 'operation.abandon'],
      ['lib/net/serve.ts', /code|#report|isClosed|instanceof Error/],
      ['lib/reactor/zerocopy-sender.ts', /native\.cut|refused|fallbacks|copied = true/],
      ['lib/operations/zerocopy.ts', /refused|native\.send/],
    ],
  'races that no test can time, such as the end of a thread, a process or a slot': [
    [
      'native/',
      /closing|slot == nullptr\) return;|WakeIsC|ECANCELED|uv_is_closing|WakeIsOpen|slot\.shares > 1|slot->writing/,
    ],
    ['native/events.cc', ''],
    ['native/sys/linux/ring.cc', /Ready\(\)|length > 0/],
    ['lib/net/unix-path.ts', ''],
    ['lib/net/happy-eyeballs.ts', ''],
    ['lib/net/connect.ts', /loser|attempts\.length/],
    [
      'lib/operations/',
      /YIELD|this\.leave|'now'|this\.now|bufferGone|#file !== null|#file === null|leftover|#release|return null/,
    ],
    ['lib/reactor/finalizer.ts', ''],
    ['lib/reactor/reactor.ts', /channel\.fd|refed/],
    ['lib/socket/iteration.ts', ''],
    ['lib/packet/iterator.ts', ''],
    ['lib/net/serve.ts', ''],
    ['lib/socket/splice.ts', ''],
    ['lib/socket/streams/', /#reading|data === null/],
    ['lib/reactor/zerocopy-sender.ts', ''],
    ['lib/socket/multicast.ts', 'closed'],
    ['lib/socket/index.ts', 'error.errno'],
  ],
  'second checks: the caller has already checked the value': [
    [
      'native/',
      /a\.ok\(\)|length < 1|length < count|used_ > kIndexMask|kMostBytes|length <= 0|count_ < kMost|name\.size > 0/,
    ],
    ['native/', /from \? &in_offset|loose != nullptr/],
  ],
  'methods that a type or a base class requires but no caller uses, such as encode of a read-only option': [
    ['lib/options/codecs/', 'encode: () => new Uint8Array(0)'],
    ['lib/reactor/reactor.ts', /resolve:|reject:|spin\(/],
    ['lib/operations/', /return '\w+'|ignoresDry|#queue/],
    ['lib/reactor/operation.ts', 'not submitted'],
  ],
  'defaults for the type checker: the value is always present': [
    [
      'lib/',
      / \?\? (?:''|0n?|\[\]|NaN|'sco'|AF_INET|'.*?'|\{ length)|(?:rest|op|value|text|code|first) = ''/,
    ],
    ['lib/', /= 0,$|protocol = 0|number === undefined \? 0|length > ADDRESS_SIZE|length > POOL|\?\. ?kind/],
  ],
  'arguments or combinations that no test passes': [
    ['lib/socket/receive-meta.ts', ''],
    ['lib/packet/', ''],
    [
      'lib/',
      /throw invalidType|checkInteger|checkSize|undefined \?|Number\.isInteger|MSG_PEEK|zone =|fd >= 0|Buffer\.alloc\(0\)/,
    ],
    [
      'lib/',
      /given\.kind|attemptNow|highWaterMark|length > 0|length < this|control|plan|instanceof|Array\.isArray|ZeroCopyEnd/,
    ],
    ['lib/', /l === this\.family|scopeId|width === 1|addresses? = addressOf|#onProgress/],
  ],
}

/** Returns the gaps by reason as text, and the number of gaps without a reason. */
export function explain(gaps) {
  const sections = new Map([['without a reason', []], ...Object.keys(reasons).map(reason => [reason, []])])
  for (const { file, line, kind } of merged(gaps)) {
    const source = readFileSync(path.join(root, file), 'utf8').split('\n')[line - 1].trim()
    const reason = Object.keys(reasons).find(each => reasons[each].some(row => matches(row, file, source)))
    sections.get(reason ?? 'without a reason').push(`${file}:${line} (${kind}) ${source}`)
  }
  const text = [...sections].filter(([, rows]) => rows.length > 0)
  return {
    text: text.map(([reason, rows]) => `# ${reason}: ${rows.length}\n${rows.join('\n')}\n`).join('\n'),
    unexplained: sections.get('without a reason').length,
  }
}

/** Returns one gap for each line: a line that was not reached is not listed again for its branches. */
function merged(gaps) {
  const places = new Map()
  for (const gap of gaps) {
    const place = `${gap.file}:${gap.line}`
    if (!places.has(place)) places.set(place, gap)
  }
  return places.values()
}

function matches([where, part], file, source) {
  return file.startsWith(where) && (part instanceof RegExp ? part.test(source) : source.includes(part))
}
