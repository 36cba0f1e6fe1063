'use strict'

/* Measures how the descriptors and the memory of the process grow. */
const { readdirSync, readlinkSync } = require('node:fs')

const descriptors = () => readdirSync('/proc/self/fd').length

/** Counts the open descriptors by kind: 'socket', 'pipe', 'anon_inode', a file. */
function kindsOfDescriptors() {
  const counts = {}
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const kind = readlinkSync(`/proc/self/fd/${fd}`).replace(/:\[\d+\]$/, '')
      counts[kind] = (counts[kind] ?? 0) + 1
    } catch {
      // The descriptor of the folder itself.
    }
  }
  return counts
}

function sample() {
  gc() // so that memory of this thread that is garbage is not counted
  const { rss, heapUsed } = process.memoryUsage()
  return { fds: descriptors(), rss: rss / 1048576, heap: heapUsed / 1048576 }
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[sorted.length >> 1]
}

/** Returns the medians of the second tenth of the time, after the warm-up, and of the last tenth. */
function growth(samples) {
  const tenth = place => samples.slice((samples.length * place) / 10, (samples.length * (place + 1)) / 10)
  const of = name => {
    const [warm, last] = [1, 9].map(place => median(tenth(place).map(each => each[name])))
    return {
      warm: Math.round(warm),
      last: Math.round(last),
      most: Math.round(Math.max(...samples.map(each => each[name]))),
    }
  }
  return { fds: of('fds'), rssMiB: of('rss'), heapMiB: of('heap') }
}

module.exports = { kindsOfDescriptors, growth, sample }
