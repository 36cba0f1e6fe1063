'use strict'

/*
 * Tells interpose.c what shall fail, through the file that both have open. In the process that is to suffer.
 */
const { openSync, readSync, writeSync } = require('node:fs')
const { constants } = require('node:os')

/** The twin of struct control and struct rule. */
const HEAD = { realtime: 0, monotonic: 8, calls: 16, rules: 24, epoch: 28, size: 32 }
const RULE = { call: 0, error: 24, skip: 28, every: 32, times: 36, permille: 40, seed: 44, most: 48, calls: 56, injected: 64, size: 72 } // prettier-ignore
const MOST_RULES = 32

const file = openSync(process.env.FAULTS_CONTROL, 'r+')
let rules = []
let epoch = 0

function write(bytes, position) {
  writeSync(file, bytes, 0, bytes.length, position)
}

function readNumber(position) {
  const bytes = Buffer.alloc(8)
  readSync(file, bytes, 0, 8, position)
  return Number(bytes.readBigUInt64LE())
}

function encode({ call, error = 0, skip = 0, every = 1, times = 0, permille = 0, seed = 1, most = 0 }) {
  const bytes = Buffer.alloc(RULE.size)
  bytes.write(call, RULE.call)
  bytes.writeInt32LE(typeof error === 'string' ? constants.errno[error] : error, RULE.error)
  bytes.writeInt32LE(skip, RULE.skip)
  bytes.writeInt32LE(every, RULE.every)
  bytes.writeInt32LE(times, RULE.times)
  bytes.writeInt32LE(permille, RULE.permille)
  bytes.writeUInt32LE(seed, RULE.seed)
  bytes.writeBigInt64LE(BigInt(most), RULE.most)
  return bytes
}

function tell(count) {
  const bytes = Buffer.alloc(8)
  bytes.writeInt32LE(count, 0)
  bytes.writeInt32LE(++epoch, 4)
  write(bytes, HEAD.rules)
}

/**
 * From now on these calls fail, and none but these. A rule is { call, error } with a name of interpose.c ("alloc" is
 * all memory) and an errno's name; `skip` calls pass first, then each `every`-th fails, `times` times at most; or
 * `permille` of them by chance, from a `seed`. `most` instead of `error`: the call moves so many bytes at most.
 */
function fail(...list) {
  if (list.length > MOST_RULES) throw new Error('too many rules')
  tell(0)
  rules = list
  list.forEach((rule, i) => write(encode(rule), HEAD.size + i * RULE.size))
  tell(list.length)
}

/** Nothing fails any more. */
const clear = () => tell(0)

const fieldOf = (call, field) => {
  const found = rules.findIndex(rule => rule.call === call)
  return readNumber(HEAD.size + found * RULE.size + field)
}

/** How often a call has been made since its rule stands, and how often it was made to fail. */
const made = call => fieldOf(call, RULE.calls)
const injected = call => fieldOf(call, RULE.injected)

/** All calls that the addon has made. */
const calls = () => readNumber(HEAD.calls)

/** Sets a clock wrong, for the whole process: 'realtime' or 'monotonic', by so many milliseconds. */
function jump(clock, milliseconds) {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64LE(BigInt(milliseconds) * 1_000_000n)
  write(bytes, HEAD[clock])
}

module.exports = { fail, clear, made, injected, calls, jump }
