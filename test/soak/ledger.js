'use strict'

/*
 * The ledger of the main thread compares the reports of both ends of every connection. If the other end was in a
 * terminated worker, there is only one report. That end has already compared the received data with the expected
 * data.
 */
const assert = require('node:assert')

class Ledger {
  constructor() {
    this.open = new Map() // reports whose other end has not reported yet
    this.gone = new Set() // workers that were terminated
    this.nameless = 0
    this.counts = { connections: 0, whole: 0, cut: 0, alone: 0, lostHandshakes: 0 }
    // For pairs: sent = received + lost, except for file data that the thread pool sent while the socket was closed.
    this.bytes = { sent: 0, received: 0, lost: 0, beyond: 0 }
    this.alone = { sent: 0, received: 0 }
    this.descriptors = { sent: 0, received: 0 }
    this.deaths = {}
    this.kinds = {}
  }

  enter(report) {
    const other = this.open.get(report.id)
    if (other !== undefined) {
      this.open.delete(report.id)
      this.#pair(report, other)
    } else if (this.gone.has(report.peer)) this.#alone(report)
    else this.open.set(report.id, report)
  }

  /** Called when a worker was terminated: its ends will not report. */
  lost(worker) {
    this.gone.add(worker)
    for (const [id, report] of this.open) {
      if (report.peer !== worker) continue
      this.open.delete(id)
      this.#alone(report)
    }
  }

  #pair(a, b) {
    const what = `connection ${a.id} (${a.kind}, ${a.death})`
    assert.notStrictEqual(a.side, b.side, what)
    if (a.planned) assert.ok(a.whole && b.whole, `${what} should have come to a good end`)
    this.#way(what, a, b)
    this.#way(what, b, a)
    this.counts[a.planned ? 'whole' : 'cut']++
    this.#count(this.bytes, a, b)
  }

  #way(what, from, to) {
    const received = `${what}: ${to.received} bytes received of ${from.sent}`
    if (from.planned) assert.strictEqual(to.received, from.sent, received)
    else assert.ok(to.received <= from.most, received)
    if (to.received === from.sent && from.sent > 0) assert.strictEqual(to.receivedHash, from.sentHash, what)
    assert.ok(to.descriptors.received <= from.descriptors.sent, `${what}: descriptors`)
    this.bytes.beyond += Math.max(0, to.received - from.sent)
    this.bytes.lost += Math.max(0, from.sent - to.received)
  }

  #alone(report) {
    this.counts.alone++
    this.#count(this.alone, report)
  }

  #count(bytes, ...reports) {
    const [{ death, kind }] = reports
    this.counts.connections++
    this.deaths[death] = (this.deaths[death] ?? 0) + 1
    this.kinds[kind] = (this.kinds[kind] ?? 0) + 1
    for (const { sent, received, descriptors } of reports) {
      bytes.sent += sent
      bytes.received += received
      this.descriptors.sent += descriptors.sent
      this.descriptors.received += descriptors.received
    }
  }

  /** Checks that all ends have reported, except those that a terminated worker accepted before it sent its number. */
  close() {
    for (const report of this.open.values()) {
      const what = `connection ${report.id} (${report.kind}, ${report.death}): one end only, of worker ${report.worker}`
      assert.ok(report.peer === null && this.gone.size > 0, what)
      this.counts.lostHandshakes++
    }
    if (this.nameless > 0)
      assert.ok(this.gone.size > 0, `${this.nameless} connections without a first message`)
    const { counts, nameless, bytes, alone, descriptors, deaths, kinds } = this
    return { ...counts, nameless, bytes, ofThoseAlone: alone, descriptors, deaths, kinds }
  }
}

module.exports = { Ledger }
