'use strict'

/*
 * Does random operations on sockets of every kind and compares the results with a model. Bytes arrive in order and
 * unaltered, messages arrive whole, and errors occur only if the state allows them. In the end no slot, job,
 * descriptor or memory is leaked. Runs in its own network namespace (see fuzz.test.ts).
 *
 *   node --expose-gc model.js --seed 1 --seconds 60 [--steps 5000] [--attacks nonblock,linger,reuse]
 *
 * The same seed draws the same operations. The kernel decides which of two concurrent operations ends first. A failure
 * prints the seed and the last operations.
 */
const assert = require('node:assert')
const { mkdtempSync, readdirSync, rmSync } = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { parseArgs } = require('node:util')

const { Socket } = require('../../dist/index.js')
const { native } = require('../../dist/binding/binding.js')
const { receiveOn, renew, sendBatch, sendOn, turn } = require('./model/actions.js')
const { attackNames, attacksOf } = require('./model/attacks.js')
const { makeLink } = require('./model/links.js')
const { Random } = require('./model/random.js')
const { scenes } = require('./model/scenes.js')
const { watch } = require('./watch.js')

const { values: given } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() & 0xffffff) },
    seconds: { type: 'string', default: '10' },
    steps: { type: 'string', default: '1000000000' },
    attacks: { type: 'string', default: '' }, // `all`, or names of model/attacks.js
  },
})
const attacksOn = given.attacks === 'all' ? attackNames : given.attacks.split(',').filter(name => name !== '')
const unknown = attacksOn.find(name => !attackNames.includes(name))
if (unknown !== undefined) throw new Error(`unknown attack ${unknown}; known: ${attackNames.join(', ')}`)
const random = new Random(Number(given.seed))
const LINKS = 12
const TASKS = 80
const ATTACKS = 4 // at a time
// Milliseconds: the longest pause of the event loop. With the sanitizers of gcc and clang everything is slower. Both
// limits are below the 4 s that the close of an attacking descriptor takes, so a wait for it is noticed.
const STALL = process.env.BSD_SOCKETS_SANITIZE === undefined ? 1500 : 3500
const NOTES = 200

process.removeAllListeners('warning')
process.on('warning', () => {}) // sockets are garbage-collected on purpose
const directory = mkdtempSync(path.join(os.tmpdir(), 'bsd-sockets-model-'))
process.chdir(directory)

const notes = []
const counts = {
  steps: 0,
  links: 0,
  sends: 0,
  receives: 0,
  scenes: 0,
  attacks: 0,
  closes: 0,
  bytes: 0,
  messages: 0,
}
const note = text => {
  notes.push(`${counts.steps} ${text}`)
  if (notes.length > NOTES) notes.shift()
}

const tasks = new Map()
let failure = null
function start(what, promise) {
  const key = Symbol(what)
  tasks.set(key, what)
  promise.then(
    () => tasks.delete(key),
    error => {
      failure ??= error
      tasks.delete(key)
    },
  )
}

let links = []
let attacks = null
let attacking = 0
function attack(draw) {
  const scene = draw.pick(attacks.scenes)
  note(scene.name)
  counts.attacks++
  attacking++
  start(
    scene.name,
    attacks.play(scene, draw).finally(() => attacking--),
  )
}

function step() {
  const draw = random.fork()
  if (attacksOn.length > 0 && counts.steps % 100 === 0 && attacking < ATTACKS) attack(draw)
  const choice = random.below(100)
  if (links.length === 0 || (choice < 2 && links.length < LINKS)) {
    counts.links++
    start(
      'making a link',
      makeLink(draw).then(link => {
        links.push(link)
        if (attacks.share !== null) start('sharing a link', attacks.share(link))
      }),
    )
    return
  }
  const link = random.pick(links)
  const way = random.pick(link.ways)
  const end = random.pick(link.ends)
  if (choice < 40) {
    counts.sends++
    start(`sending on ${way}`, draw.chance(20) ? sendBatch(way, draw, note) : sendOn(way, draw, note))
  } else if (choice < 88) {
    counts.receives++
    start(`receiving on ${way}`, receiveOn(way, draw, note))
  } else if (choice < 92) {
    renew(link, end, draw, note)
  } else if (choice < 94) {
    note(`${way} shutdown`)
    link.shut(end)
  } else if (choice < 97) {
    counts.scenes++
    const [name, play] = draw.pick(scenes)
    note(name)
    start(name, play(draw))
  } else if (choice < 99 && random.chance(50)) {
    counts.closes++
    note(`${way} close`)
    link.close(end)
  } else {
    gc()
  }
}

/** Shuts down both directions. The data in transit must arrive. */
async function finish(link) {
  await settle([...link.ways].flatMap(way => [() => !way.sending, () => !way.receiving]))
  for (const end of link.ends) link.shut(end)
  for (const way of link.ways) {
    const { kind, to } = way
    const quiet = { fork: () => quiet }
    if (to.closed) continue
    for (let rest = 0; rest < 20000 && !way.over; rest++) {
      let data = null
      try {
        data = to.socket.tryRecv(65536)
      } catch (error) {
        assert.ok(!way.clean || to.peer.closed || !kind.reliable, error)
        break
      }
      if (data === null) {
        if (!way.ended || !kind.stream || rest > 10000) break
        await turn()
      } else if (data.length > 0) way.arrived(data)
      else if (kind.ends) way.end()
    }
    if (way.clean && kind.reliable) assert.strictEqual(way.received, way.sent, `${way}: not all has come`)
  }
  count(link)
  for (const end of link.ends) link.close(end)
}

function count(link) {
  for (const way of link.ways) counts[way.kind.stream ? 'bytes' : 'messages'] += way.received
}

async function settle(conditions, seconds = 20) {
  const deadline = Date.now() + seconds * 1000
  while (!conditions.every(holds => holds())) {
    if (failure !== null) return
    assert.ok(Date.now() < deadline, `still under way: ${[...tasks.values()].join(', ')}`)
    await turn()
  }
}

/** Closes all links. Resources that remain are leaked. */
async function quiet() {
  for (const link of links) {
    const open = link.ends.filter(end => !end.closed)
    // A receive without a timeout waits forever, so either end is closed.
    if (link.ways.some(way => way.receiving || way.sending)) for (const end of open) link.close(end)
  }
  await settle([() => tasks.size === 0])
  if (failure !== null) return
  for (const link of links) await finish(link)
  links = []
  await attacks.drop()
}

async function collected() {
  // The package keeps the last socket with a cancelled wait alive until the next cancelled wait.
  const [a, b] = Socket.pair()
  await b.recv(1, { timeout: 1 }).catch(() => undefined)
  a.close()
  b.close()
  for (let i = 0; i < 40; i++) {
    gc()
    await new Promise(resolve => setTimeout(resolve, 5))
    if (native.stats().slots === attacks.slots && native.stats().jobs === 0) return
  }
}

const descriptors = () => readdirSync('/proc/self/fd').length
function memory() {
  gc()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 1048576
}

function moved(watcher) {
  const longest = watcher.longest()
  assert.ok(longest < STALL, `the event loop stood still for ${longest} ms`)
  return longest
}

async function run() {
  const watcher = await watch(10_000)
  attacks = attacksOf(attacksOn)
  watcher.tell(`attacks ${attacksOn.join() || 'none'}, seed ${given.seed}`)
  const end = Date.now() + Number(given.seconds) * 1000
  let [before, flat] = [0, 0]
  const ROUND = 3000
  while (Date.now() < end && counts.steps < Number(given.steps) && failure === null) {
    for (
      let i = 0;
      i < ROUND && failure === null && Date.now() < end && counts.steps < Number(given.steps);
      i++
    ) {
      counts.steps++
      step()
      links = links.filter(link => !link.closed || (count(link), false))
      if (random.chance(30)) await turn()
      while (tasks.size > TASKS && failure === null) await unblock()
    }
    if (failure !== null) break
    await quiet()
    moved(watcher)
    await collected()
    if (failure !== null) break
    assert.deepStrictEqual(
      { ...native.stats(), fds: 0 },
      { ...native.stats(), slots: attacks.slots, jobs: 0, fds: 0 },
    )
    if (before === 0) {
      before = descriptors()
      flat = memory()
    }
    assert.strictEqual(descriptors(), before, 'descriptors')
  }
  if (failure !== null) throw failure
  await attacks.end()
  const stalledMs = moved(watcher)
  const grown = memory() - flat
  assert.ok(grown < 24, `memory has grown by ${grown.toFixed(1)} MiB`)
  return { ...counts, grownMiB: Number(grown.toFixed(1)), stalledMs }
}

/** Called when too many operations wait: closes a link whose operations have no timeout. */
async function unblock() {
  const busy = links.filter(link => link.ways.some(way => way.receiving || way.sending))
  if (busy.length > 0 && random.chance(5)) {
    const link = random.pick(busy)
    note(`${link.ways[0]} close, to go on`)
    link.close(random.pick(link.ends))
    links = links.filter(each => !each.closed || (count(each), false))
  }
  await turn()
}

run()
  .then(
    result => console.log(JSON.stringify({ seed: Number(given.seed), ...result })),
    error => {
      console.log(notes.join('\n'))
      console.log(error)
      console.log(`seed ${given.seed}, step ${counts.steps}`)
      process.exitCode = 1
    },
  )
  .finally(() => {
    rmSync(directory, { recursive: true, force: true })
    // After a failure, sockets that still wait would keep the process alive.
    if (process.exitCode === 1) process.exit()
  })
