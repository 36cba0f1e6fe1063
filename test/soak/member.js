'use strict'

/* The main thread's side of a worker. */
const path = require('node:path')
const { Worker } = require('node:worker_threads')

class Member {
  constructor(number, workerData, ledger, onFailure) {
    this.number = number
    this.ledger = ledger
    this.waiting = new Map()
    this.worker = new Worker(path.join(__dirname, 'worker.js'), { workerData: { ...workerData, number } })
    this.worker.on('error', onFailure).on('message', message => {
      try {
        this.#heard(message)
      } catch (error) {
        onFailure(error)
      }
    })
    this.exited = new Promise(resolve => this.worker.on('exit', resolve))
  }

  #heard({ failure, nameless = 0, reports = [], done }) {
    if (failure !== undefined) throw new Error(failure)
    this.ledger.nameless += nameless
    for (const report of reports) this.ledger.enter(report)
    this.waiting.get(done)?.()
  }

  /** Sends a command. Resolves when the worker has completed it. */
  tell(command) {
    const done = new Promise(resolve => this.waiting.set(command, resolve))
    this.worker.postMessage(command)
    return done
  }

  async terminate() {
    await this.worker.terminate()
    await this.exited
    this.ledger.lost(this.number)
  }

  async end() {
    this.worker.postMessage('end')
    await this.exited
  }
}

/** Starts and ends a worker, because Node opens some descriptors for the first worker and keeps them. */
const firstWorker = () => new Promise(resolve => new Worker('', { eval: true }).on('exit', resolve))

module.exports = { Member, firstWorker }
