// The packages of check:peers. `driver` is a file of drivers/. `tests` are those of the package's repository, or of its
// npm package if there are any. `expected` has the tests that fail over this package, with the reason.
const mocha = (...args) => ['node_modules/mocha/bin/mocha.js', '--exit', '-R', 'json', ...args]
const ts = { 'ts-node': '10.9.2', typescript: '5.9.3', '@types/node': '20.19.43' }
const namedLookup = 'the namespace has no name server, so the error has another code'

export const suites = [
  {
    name: 'ws',
    hook: 'toDuplex',
    packages: { ws: '8.23.0' },
    tests: {
      tools: { mocha: '11.8.0', bufferutil: '4.1.0', 'utf-8-validate': '6.0.6' },
      paths: ['lib', 'test', 'index.js', 'package.json'],
      args: mocha('--throw-deprecation', 'test/*.test.js'),
      expected: {
        "works around a double 'error' event bug":
          'tls.connect over a stream that exists throws the one error at once',
      },
    },
  },
  {
    name: 'ioredis',
    hook: 'toDuplex',
    packages: { ioredis: '6.0.0' },
    programs: ['redis-server'],
    tests: {
      tools: {
        ...{
          mocha: '11.8.0',
          chai: '4.5.0',
          'chai-as-promised': '7.1.2',
          sinon: '13.0.2',
          uuid: '9.0.1',
          ...ts,
        },
        ...{
          'server-destroy': '1.0.1',
          '@ioredis/commands': '2.0.0',
          'cluster-key-slot': '1.1.1',
          debug: '4.4.3',
        },
        ...{ denque: '2.1.0', 'redis-errors': '1.2.0', 'standard-as-callback': '2.1.0' },
      },
      paths: ['lib', 'test', 'package.json', 'tsconfig.json'],
      server: ['redis-server', '--port', '6379', '--save', '', '--appendonly', 'no'],
      env: { TS_NODE_TRANSPILE_ONLY: 'true', NODE_ENV: 'test' },
      args: mocha('test/helpers/*.ts', 'test/unit/**/*.ts', 'test/functional/**/*.ts'),
      expected: {
        'connection connectTimeout should clear the timeout when connected':
          'replaces net.Socket.prototype.setTimeout',
        'connection connectTimeout should ignore timeout if connect':
          'the replacement of the test before it stays',
      },
      // These fail without the hook too.
      anyway: /print\(\) prints logs|zrank|zrevrank|NOVALUES|without RangeError|uses blockingTimeout option/,
    },
  },
  { name: 'undici', hook: 'toDuplex', packages: { undici: '6.29.1' }, programs: ['nginx', 'openssl'] },
  { name: 'mqtt', hook: 'toDuplex', packages: { mqtt: '5.16.0' }, programs: ['mosquitto', 'openssl'] },
  {
    name: 'hot-shots',
    hook: 'dgram',
    packages: { 'hot-shots': '17.1.1' },
    tests: {
      tools: { mocha: '11.8.0', sinon: '19.0.5', typescript: '5.9.3', '@types/node': '25.9.9' },
      paths: [
        'lib',
        'test',
        'index.js',
        'index.mjs',
        'types.d.ts',
        'types.d.mts',
        'package.json',
        'tsconfig.json',
      ],
      unixDgram: true,
      args: mocha('--timeout', '5000', 'test/*.js'),
      expected: { 'should handle DNS lookup errors with cacheDns enabled': namedLookup },
    },
  },
  {
    name: 'multicast-dns',
    hook: 'dgram',
    packages: { 'multicast-dns': '7.2.5' },
    tests: { tools: { tape: '4.17.0' }, shipped: 'test.js', args: ['test.js'] },
  },
  {
    name: 'coap',
    hook: 'dgram',
    packages: { coap: '1.5.0' },
    tests: {
      tools: {
        ...{
          mocha: '10.8.2',
          chai: '4.5.0',
          sinon: '18.0.1',
          timekeeper: '2.3.1',
          bl: '6.1.6',
          capitalize: '2.0.4',
        },
        ...{ 'coap-packet': '1.1.1', debug: '4.4.3', fastseries: '2.0.0', 'lru-cache': '10.4.3', ...ts },
        'readable-stream': '4.8.0',
      },
      revision: 'v1.5.0',
      paths: ['index.ts', 'lib', 'models', 'test', 'package.json', 'tsconfig.json'],
      env: { TS_NODE_TRANSPILE_ONLY: 'true' },
      args: mocha('-t', '8000', '-r', 'ts-node/register', 'test/*.ts'),
      expected: {
        'should get agent instance through custom': 'reads internals of the socket',
        'server multicast receive':
          'sends in the same turn as bind(), before the server joins the group: docs/dgram.md',
      },
      anyway: /use custom piggyBackTimeout time|should receive a request at a path with some query/,
    },
  },
]
