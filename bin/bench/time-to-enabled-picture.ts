import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TopLevelSpec } from 'vega-lite' with { 'resolution-mode': 'import' };

const PICTURE = join(__dirname, '../../docs/time-to-enabled.svg');

/** One point of the picture: what a way took at one latency. */
export interface Point {
  readonly way: string;
  /** Milliseconds added to each AWS call. */
  readonly latency: number;
  readonly milliseconds: number;
}

/** Draws the wall times into docs/; both modules are ES modules, which CommonJS has to import so. */
export async function drawTimeToEnabled(points: readonly Point[]): Promise<void> {
  const [{ parse, View }, { compile }] = await Promise.all([import('vega'), import('vega-lite')]);
  const view = new View(parse(compile(pictureOf(points)).spec), { renderer: 'none' });
  writeFileSync(PICTURE, `${await view.toSVG()}\n`);
  view.finalize();
}

/** A white background of its own: what is drawn on it reads on a dark page too. */
function pictureOf(points: readonly Point[]): TopLevelSpec {
  return {
    background: 'white',
    // Without a browser nothing measures text, and what Vega assumes is far too wide: the room for it is set here.
    autosize: { type: 'none' },
    padding: { left: 208, right: 16, top: 8, bottom: 68 },
    width: 380,
    height: { step: 8, for: 'offset' },
    data: { values: [...points] },
    mark: { type: 'point', filled: true, size: 44, opacity: 1 },
    encoding: {
      y: {
        field: 'way',
        type: 'nominal',
        sort: null,
        title: null,
        scale: { paddingInner: 0.3, paddingOuter: 0.15 },
        axis: { labelLimit: 300, labelPadding: 8, ticks: false, domain: false },
      },
      yOffset: { field: 'latency', type: 'ordinal' },
      x: {
        field: 'milliseconds',
        type: 'quantitative',
        title: 'until the device is enabled',
        scale: { type: 'log', domain: [5, 60_000], nice: false },
        axis: {
          values: [10, 100, 1_000, 10_000, 30_000],
          labelExpr: "datum.value < 1000 ? datum.value + ' ms' : datum.value / 1000 + ' s'",
        },
      },
      color: {
        field: 'latency',
        type: 'ordinal',
        title: 'ms added per call',
        scale: { range: ['#54aeff', '#0969da', '#8250df', '#24292f'] },
        legend: { orient: 'bottom', titleOrient: 'left', columnPadding: 4 },
      },
    },
    config: {
      font: 'Helvetica, Arial, sans-serif',
      axis: { labelFontSize: 12, titleFontSize: 12, titleFontWeight: 'normal', gridColor: '#d0d7de' },
      legend: { labelFontSize: 12, titleFontSize: 12, titleFontWeight: 'normal', symbolSize: 60 },
      view: { stroke: null },
    },
  };
}
