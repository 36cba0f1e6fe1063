'use strict'

/*
 * Tells interpose.c which calls fail, through a file that both map. Runs in the process whose calls fail.
 */
const { openSync, readSync, writeSync } = require('node:fs')
const { constants } = require('node:os')

/** The layout of struct control and struct rule in interpose.c. */
const HEAD = { realtime: 0, monotonic: 8, calls: 16, rules: 24, epoch: 28, size: 32 }
const RULE = { call: 0, error: 24, skip: 28, every: 32, times: 36, permille: 40, seed: 44, most: 48, takes: 56, calls: 64, injected: 72, size: 80 } // prettier-ignore
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

function encode({
  call,
  error = 0,
  skip = 0,
  every = 1,
  times = 0,
  permille = 0,
  seed = 1,
  most = 0,
  takes = 0,
}) {
  const bytes = Buffer.alloc(RULE.size)
  bytes.write(call, RULE.call)
  bytes.writeInt32LE(typeof error === 'string' ? constants.errno[error] : error, RULE.error)
  bytes.writeInt32LE(skip, RULE.skip)
  bytes.writeInt32LE(every, RULE.every)
  bytes.writeInt32LE(times, RULE.times)
  bytes.writeInt32LE(permille, RULE.permille)
  bytes.writeUInt32LE(seed, RULE.seed)
  bytes.writeBigInt64LE(BigInt(most), RULE.most)
  bytes.writeBigInt64LE(BigInt(takes), RULE.takes)
  return bytes
}

function tell(count) {
  const bytes = Buffer.alloc(8)
  bytes.writeInt32LE(count, 0)
  bytes.writeInt32LE(++epoch, 4)
  write(bytes, HEAD.rules)
}

/**
 * Makes exactly these calls fail from now on. A rule is { call, error }: a name in interpose.c ("alloc" is every
 * allocation) and the name of an errno. `skip` calls pass first. Then each `every`-th call fails, at most `times`
 * times, or `permille` of the calls by chance, from a `seed`. With `most` instead of `error`, the call moves at most
 * so many bytes. With `takes`, the monotonic clock advances so many nanoseconds during the call.
 */
function fail(...list) {
  if (list.length > MOST_RULES) throw new Error('too many rules')
  tell(0)
  rules = list
  list.forEach((rule, i) => write(encode(rule), HEAD.size + i * RULE.size))
  tell(list.length)
}

/** Ends all rules. */
const clear = () => tell(0)

const fieldOf = (call, field) => {
  const found = rules.findIndex(rule => rule.call === call)
  return readNumber(HEAD.size + found * RULE.size + field)
}

/** Returns how often a call was made since its rule was set, and how often it failed. */
const made = call => fieldOf(call, RULE.calls)
const injected = call => fieldOf(call, RULE.injected)

/** Returns the number of all calls that the addon has made. */
const calls = () => readNumber(HEAD.calls)

/** Shifts a clock for the whole process: 'realtime' or 'monotonic', by a number of milliseconds. */
function jump(clock, milliseconds) {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64LE(BigInt(milliseconds) * 1_000_000n)
  write(bytes, HEAD[clock])
}

module.exports = { fail, clear, made, injected, calls, jump }
