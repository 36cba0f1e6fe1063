// Draws a table as a chart: a bar for each variant, and a whisker from the least to the most.
import { View, parse } from 'vega'

const OURS = '#b8412c'
const OTHERS = '#8aa0b4'
const WIDTH = 420
const BAR = 20
const DECADES = 20 // from this ratio on the scale is logarithmic, so that short bars stay visible

const band = { scale: 'y', field: 'name', band: 0.5 }
const at = field => ({ scale: 'x', field })

/** Returns SVG text of the values in column `chart` of a result, or `null` if there are no values. */
export async function chartOf({ title, chart, axis, variants }) {
  const values = variants
    .filter(({ cells }) => cells[chart] !== null)
    .map(({ name, cells }) => {
      const { median, min, max } = cells[chart]
      const text = median >= 100 ? median.toFixed(0) : median.toPrecision(3)
      return { name, median, min, max, text, color: name.startsWith('bsd-sockets') ? OURS : OTHERS }
    })
  if (chart < 0 || values.length === 0) return null
  const medians = values.map(({ median }) => median)
  const logarithmic = Math.min(...medians) > 0 && Math.max(...medians) / Math.min(...medians) > DECADES
  const base = logarithmic ? 10 ** Math.floor(Math.log10(Math.min(...values.map(({ min }) => min)))) : 0
  const most = Math.max(...values.map(({ max }) => max))
  const spec = {
    width: WIDTH,
    height: BAR * values.length,
    padding: 8,
    background: 'white',
    title: { text: title, anchor: 'start', frame: 'group', fontSize: 12 },
    data: [{ name: 'values', values }],
    scales: [
      { name: 'y', type: 'band', domain: values.map(({ name }) => name), range: 'height', padding: 0.25 },
      {
        name: 'x',
        type: logarithmic ? 'log' : 'linear',
        domain: [base, most * (logarithmic ? 2 : 1.1)],
        range: 'width',
      },
    ],
    axes: [
      { orient: 'left', scale: 'y', ticks: false, domain: false, labelLimit: 320, labelPadding: 6 },
      {
        orient: 'bottom',
        scale: 'x',
        title: `${axis}${logarithmic ? ', logarithmic' : ''}`,
        tickCount: 6,
        grid: true,
        gridOpacity: 0.4,
      },
    ],
    marks: [
      {
        type: 'rect',
        from: { data: 'values' },
        encode: {
          enter: {
            y: { scale: 'y', field: 'name' },
            height: { scale: 'y', band: 1 },
            x: { scale: 'x', value: base },
            x2: at('median'),
            fill: { field: 'color' },
          },
        },
      },
      {
        type: 'rule',
        from: { data: 'values' },
        encode: { enter: { x: at('min'), x2: at('max'), y: band, stroke: { value: '#222' } } },
      },
      {
        type: 'text',
        from: { data: 'values' },
        encode: {
          enter: {
            x: { ...at('max'), offset: 5 },
            y: band,
            baseline: { value: 'middle' },
            fontSize: { value: 10 },
            text: { field: 'text' },
          },
        },
      },
    ],
  }
  return new View(parse(spec), { renderer: 'none' }).toSVG()
}
