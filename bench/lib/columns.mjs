// The columns of the tables: formats, and columns that many tables share.
import { fixed, short } from './text.mjs'

const GIB = 2 ** 30

/** Formats for tables that count bytes. */
const gigabytes = value => (value / 1e9).toPrecision(3)
const secondsPerGib = value => ((value * GIB) / 1e6).toFixed(3)

const rate = (title, format) => ({ title, metric: 'rate', format })
const cpu = (title, metric, format) => ({ title, metric, format })

/** Columns of a table that counts messages. `what` names them, `measured` is one side, `ratios` the variants. */
export function perMessage(what, measured, ratios) {
  const other = measured === 'server' ? 'client' : 'server'
  return [
    rate(`${what}/s`, short),
    cpu(`${measured} CPU us`, `${measured}Cpu`, fixed(2)),
    { title: `${measured} %`, metric: `${measured}Load`, format: fixed(0), brief: true },
    { title: `${other} CPU us`, metric: `${other}Cpu`, format: fixed(2), brief: true },
    ...comparisons(measured, ratios),
  ]
}

/** Columns of a table that counts bytes. */
export function perByte(measured, ratios, more = []) {
  return [
    rate('GB/s', gigabytes),
    cpu(`${measured} CPU s/GiB`, `${measured}Cpu`, secondsPerGib),
    ...more,
    ...comparisons(measured, ratios),
  ]
}

function comparisons(measured, [first, ...others]) {
  const [name, to] = first
  return [
    { title: `/ ${name}`, metric: 'rate', to, format: fixed(2), chart: `rate / ${to}` },
    { title: `CPU / ${name}`, metric: `${measured}Cpu`, to, format: fixed(2) },
    ...others.map(([each, other]) => ({
      title: `/ ${each}`,
      metric: 'rate',
      to: other,
      format: fixed(2),
      brief: true,
    })),
  ]
}
