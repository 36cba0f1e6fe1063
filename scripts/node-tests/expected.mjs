// The files of Node's own tests that fail over the sockets of this package, by reason. A name covers the file in every
// version of Node; a group with `sometimes` has files that also pass.
const internals =
  'reads or replaces internals: _handle, kStateSymbol, net.Socket.prototype, an internal binding'
const options = 'tests options of net.connect or net.Server that scripts/hooks/streams.cjs does not pass on'
const early =
  'http2 over any Duplex: a session that ends before its stream is connected emits the error of the connection'
// Over a plain Duplex the client splits its first write, so the request misses the write that answers its SETTINGS. A
// net.Socket does not split it: these files fail over --over=accepted.
const destroyed =
  'http2 over any Duplex drops the answer of a stream that is destroyed during a write, which lasts until the next ' +
  'turn of the event loop: dropped-answer.cjs shows it with Node alone'
// Both ends are in one process. The poller of this package reports the server first, so the server reads before the
// client has acknowledged its SETTINGS. With the other order the error of the file comes between two writes.
const during =
  'http2 over any Duplex keeps back the reset of a stream during a write, and here the end of the stream then goes first'
// Over a plain Duplex the net.Socket inside closes before the outer one has passed its data on, so the program ends.
// A paused net.Socket with unread data stays open, and so does the stream of toDuplex().
const kept =
  'http2 over any Duplex: a client never closes a stream whose end and reset arrive in one chunk during its upload: ' +
  'kept-stream.cjs shows it with Node alone'
const connects =
  'counts calls of net.Socket.prototype.connect, which it replaces: the socket of toDuplex() has its own connect()'
const local =
  'expects that the lookup of localhost takes longer than a turn of the event loop; without one, Node fails too'
const unknown = 'fails over a plain Duplex too; not studied further'

const toDuplex = [
  {
    text: internals,
    files: `
      http-client-spurious-aborted http-keep-alive-large-write http-parser-lazy-loaded http-parser-timeout-reset
      http-regr-gh-2928
      http2-buffersize http2-client-destroy http2-client-onconnect-errors http2-create-client-secure-session
      http2-socket-proxy
      net-after-close net-connect-keepalive net-connect-nodelay net-server-keepalive net-server-nodelay
      net-socket-write-after-close
      tls-clientcertengine-unsupported tls-keyengine-unsupported`,
  },
  {
    text: 'expects an instance of net.Socket',
    files: `
      http-set-timeout http-keep-alive-drop-requests https-keep-alive-drop-requests http2-compat-socket
      net-settimeout tls-wrap-timeout`,
  },
  {
    text: options,
    files: `
      http-agent-keepalive http-client-timeout-on-connect http-incoming-message-options
      http-server-options-highwatermark https-agent-create-connection https-localaddress http2-connect-options
      http2-ip-address-host http2-origin net-blocklist net-connect-options-invalid net-connect-options-port
      net-server-pause-on-connect net-socket-connect-invalid-autoselectfamily
      net-socket-connect-invalid-autoselectfamilyattempttimeout tls-connect`,
  },
  { text: 'counts lookups or performance entries of net.connect', files: 'net-dns-lookup net-perf_hooks' },
  {
    text: 'calls connect() of the stream, or of net.Socket, or reads its legacy properties',
    files: `
      net-bytes-stats net-connect-call-socket-connect net-reconnect net-reconnect-error net-socket-connecting`,
  },
  {
    text: 'compares the text or class of an error: "read ECONNRESET" of Error, here "recv ECONNRESET" of SocketError',
    files: 'net-connect-reset-after-destroy net-connect-reset-until-connected net-socket-reset-send',
  },
  {
    text: 'net.Socket has an error of its own, EPIPE, for a write after both sides have ended',
    files: 'net-write-after-end-nt',
  },
  {
    text: 'TLS over any Duplex: Node writes the alert after the stream has ended (ERR_STREAM_WRITE_AFTER_END)',
    files: `
      https-client-get-url https-selfsigned-no-keycertsign-no-crash https-timeout-server-2
      tls-0-dns-altname tls-destroy-stream tls-destroy-stream-12 tls-invoke-queued tls-server-capture-rejection
      tls-timeout-server-2`,
  },
  {
    text: 'TLS over any Duplex: unref() of the TLS socket does not reach the stream, or the server waits for it',
    files: `
      https-agent-unref-socket https-server-close-all https-server-close-idle http2-allow-http1 http2-session-unref
      tls-passphrase`,
  },
  {
    text: 'TLS over any Duplex: the client gets another error, or none, when the handshake fails in the constructor',
    files: `
      tls-cli-max-version-1.2 tls-cli-max-version-1.3 tls-cli-min-version-1.0 tls-cli-min-version-1.1
      tls-cli-min-version-1.2 tls-cli-min-version-1.3 tls-handshake-error tls-invalid-pfx tls-legacy-pfx
      tls-min-max-version tls-set-ciphers`,
  },
  {
    text: early,
    files: `
      http2-client-promisify-connect-error http2-client-request-options-errors http2-client-rststream-before-connect
      http2-client-setLocalWindowSize http2-client-setNextStreamID-errors
      http2-client-stream-destroy-before-connect http2-connect http2-invalidheaderfield
      http2-single-headers http2-single-headers-validation`,
  },
  { text: connects, files: 'http-nodelay' },
  {
    text: destroyed,
    files: `
      http2-compat-errors http2-compat-socket-destroy-delayed http2-destroy-after-write
      http2-propagate-session-destroy-code http2-server-errors`,
  },
  { text: during, sometimes: true, files: 'http2-respond-file-fd-invalid' },
  { text: kept, sometimes: true, files: 'http2-client-upload-reject' },
  { text: local, sometimes: true, files: 'http2-goaway-delayed-request' },
  {
    text: unknown,
    sometimes: true,
    files: `
      http-connect http-pause-no-dump http2-misbehaving-flow-control http2-session-graceful-close
      http2-invalidheaderfields-client http2-session-settings http2-session-stream-state http2-stream-removelisteners-after-close
      http2-unbound-socket-proxy tls-async-cb-after-socket-end tls-inception tls-socket-close tls-writewrap-leak`,
  },
]

const toNetSocket = [
  { text: options, files: 'net-server-pause-on-connect' },
  {
    text: internals,
    files: 'net-connect-keepalive net-connect-nodelay net-server-keepalive net-server-nodelay',
  },
  {
    text: 'the hook connects before net.connect returns, so the socket is never connecting',
    files: `
      net-buffersize net-connect-paused-connection
      net-remote-address net-remote-address-port net-socket-connecting`,
  },
  {
    text: 'counts calls of connect(), lookups or performance entries of net.connect',
    files: 'net-connect-call-socket-connect net-dns-lookup net-perf_hooks',
  },
]

const dgram = [
  {
    text: internals,
    files: `
      dgram-bind-fd-error dgram-close dgram-close-during-bind dgram-implicit-bind-failure dgram-recv-error
      dgram-send-error`,
  },
  {
    text: 'node:cluster does not share these sockets: docs/dgram.md',
    files:
      'dgram-bind-shared-ports dgram-bind-socket-close-before-cluster-reply dgram-exclusive-implicit-bind',
  },
  {
    text: 'send() hands the datagram to the kernel before it returns, so close() drops nothing: docs/dgram.md',
    files: 'dgram-oob-buffer dgram-send-queue-info',
  },
  {
    text: 'compares the text of the error, which here also names the type unix',
    files: 'dgram-createSocket-type',
  },
  {
    text: 'compares how util.inspect() prints an error, with its accessors',
    files: 'dgram-socket-buffer-size',
  },
  {
    text: 'counts calls of dns.lookup for IP addresses, which are not looked up here',
    files: 'dgram-custom-lookup',
  },
  { text: 'calls methods with an underscore that Node deprecates', files: 'dgram-deprecation-error' },
]

/** What the programs of Node alone print: over a Duplex, and over a net.Socket. */
export const programs = {
  'dropped-answer.cjs': ['error', 'response error'],
  'kept-stream.cjs': ['end', 'end close'],
}

/** Returns why a file is expected to fail, as { text, sometimes }. */
export function reasonFor(over, name) {
  const short = name.replace(/^test-/, '').replace(/\.m?js$/, '')
  const groups = { toDuplex, toNetSocket, dgram }[over] ?? []
  return groups.find(({ files }) => files.trim().split(/\s+/).includes(short))
}
