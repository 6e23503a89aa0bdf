/** The drawings of the page, as SVG: no script draws them, so they are there in print and without a network. */
import { BarChart, HeatmapChart, LineChart, SankeyChart, ScatterChart } from 'echarts/charts';
import { GridComponent, VisualMapComponent } from 'echarts/components';
import * as echarts from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { bytes, shortBytes, shortened } from './text.ts';

echarts.use([
  BarChart,
  HeatmapChart,
  LineChart,
  SankeyChart,
  ScatterChart,
  GridComponent,
  VisualMapComponent,
  SVGRenderer,
]);

/** Told apart by people who do not see all colours (Okabe and Ito), and in grey by their lightness. */
const COLOURS = [
  '#0072b2',
  '#e69f00',
  '#009e73',
  '#d55e00',
  '#56b4e9',
  '#cc79a7',
  '#f0e442',
  '#8c6d31',
  '#7a5cc0',
  '#9bbf30',
];
const REST = '#b8b8b8';

const WIDTH = 960;
const FONT = { fontSize: 12, fontFamily: 'sans-serif' };
const AXIS = {
  axisLabel: FONT,
  nameTextStyle: FONT,
  axisLine: { lineStyle: { color: '#888888' } },
  axisTick: { lineStyle: { color: '#888888' } },
  splitLine: { lineStyle: { color: '#88888844' } },
};

/** Draws. The page's style sheet gives the texts their colour; what reacts to a pointer is taken out. */
function draw(
  height: number,
  option: Parameters<ReturnType<typeof echarts.init>['setOption']>[0],
  width = WIDTH,
): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({ animation: false, textStyle: FONT, ...option });
    return chart
      .renderToSVGString()
      .replace(/<style >[\s\S]*?<\/style>/, '')
      .replace(/ (?:class|ecmeta_\w+|pointer-events)="[^"]*"/g, '')
      .replace(/<svg width="(\d+)" height="(\d+)"/, '<svg aria-hidden="true" width="$1" height="$2"');
  } finally {
    chart.dispose();
  }
}

/** The unit that a time of so many ns is read in. */
function unitOf(duration: number): readonly [ns: number, name: string] {
  if (duration < 1e3) return [1, 'nanoseconds'];
  if (duration < 1e6) return [1e3, 'microseconds'];
  return duration < 1e9 ? [1e6, 'milliseconds'] : [1e9, 'seconds'];
}

/** The axis of time, of so many ns. */
function time(duration: number) {
  const [unit, name] = unitOf(duration);
  return {
    type: 'value',
    min: 0,
    max: Math.max(1e-9, duration / unit),
    name,
    nameLocation: 'middle',
    nameGap: 26,
    ...AXIS,
    axisLabel: { ...FONT, showMaxLabel: false, hideOverlap: true },
  } as const;
}

/** One layer of a stack. */
export interface Layer {
  name: string;
  values: number[];
  colour: string;
}

/** Bytes over time, stacked; `most` so that several drawings have the same scale. Times in ns. */
export function areas(ts: readonly number[], layers: readonly Layer[], most: number): string {
  const duration = ts.at(-1) ?? 0;
  const [unit] = unitOf(duration);
  return draw(300, {
    grid: { left: 84, right: 24, top: 16, bottom: 44 },
    xAxis: time(duration),
    yAxis: {
      type: 'value',
      max: scale(most),
      interval: scale(most) / 4,
      ...AXIS,
      axisLabel: { ...FONT, formatter: bytes },
    },
    series: layers.map(({ name, values, colour }) => ({
      name: shortened(name, 36),
      type: 'line',
      stack: 'all',
      step: 'end',
      showSymbol: false,
      lineStyle: { width: 1, color: colour },
      itemStyle: { color: colour },
      areaStyle: { color: colour, opacity: 0.85 },
      data: values.map((value, i) => [ts[i]! / unit, value]),
    })),
  });
}

/** A round number of bytes that is not below. */
function scale(most: number): number {
  let step = 4;
  while (step < most) step *= 2;
  return step * 0.75 >= most ? step * 0.75 : step;
}

/** The colour of the nth of something; grey where there are no more. */
export function colourOf(n: number): string {
  return COLOURS[n] ?? REST;
}
export const colourOfRest = REST;
export const colourOfRemoved = '#4d4d4d';
/** Kills, and kills of innocents. */
export const KILL_COLOURS = [COLOURS[0]!, COLOURS[3]!] as const;

/** A bar for each name, with its value at its end. */
export function bars(names: readonly string[], values: readonly number[], text: (value: number) => string): string {
  return draw(
    24 + 26 * names.length,
    {
      grid: { left: 180, right: 124, top: 4, bottom: 8 },
      xAxis: { type: 'value', show: false, min: 0, max: Math.max(1e-9, ...values) },
      yAxis: {
        type: 'category',
        inverse: true,
        data: names.map((name) => shortened(name, 24)),
        ...AXIS,
        axisTick: { show: false },
      },
      series: [
        {
          type: 'bar',
          barWidth: 14,
          data: values.map((value) => ({
            value,
            itemStyle: { color: value === values[0] ? COLOURS[2]! : COLOURS[0]! },
          })),
          label: {
            show: true,
            position: 'right',
            ...FONT,
            formatter: ({ value }: { value: unknown }) => text(Number(value)),
          },
        },
      ],
    },
    460,
  );
}

/** Groups of bars: a group for each of `groups`, a series for each policy. */
export function grouped(groups: readonly string[], series: readonly { name: string; values: number[] }[]): string {
  return draw(280, {
    grid: { left: 64, right: 16, top: 24, bottom: 44 },
    xAxis: { type: 'category', data: [...groups], ...AXIS, axisLabel: { ...FONT, interval: 0, lineHeight: 17 } },
    yAxis: { type: 'value', minInterval: 1, ...AXIS },
    series: series.map(({ name, values }, i) => ({
      name: shortened(name, 36),
      type: 'bar',
      data: values,
      itemStyle: { color: colourOf(i) },
      label: {
        show: series.length <= 3,
        position: 'top',
        ...FONT,
        formatter: ({ value }: { value: unknown }) => (value === 0 ? '' : Number(value).toLocaleString('en')),
      },
    })),
  });
}

/** Bytes of a column that a row has to do with. */
export function heat(
  rows: readonly string[],
  columns: readonly string[],
  values: readonly (readonly number[])[],
  most: number,
): string {
  const data = values.flatMap((row, y) => row.flatMap((value, x) => (value > 0 ? [[x, y, value] as const] : [])));
  const dark = (value: number) => value > most * 0.55;
  return draw(120 + 30 * rows.length, {
    grid: { left: 220, right: 24, top: 8, bottom: 100 },
    xAxis: {
      type: 'category',
      data: columns.map((name) => shortened(name, 22)),
      ...AXIS,
      splitArea: { show: true, areaStyle: { color: ['#88888811', '#88888822'] } },
      axisLabel: { ...FONT, interval: 0, rotate: columns.length > 4 ? 35 : 0 },
    },
    yAxis: { type: 'category', inverse: true, data: rows.map((name) => shortened(name, 28)), ...AXIS },
    visualMap: {
      show: false,
      min: 0,
      max: Math.max(1, most),
      inRange: { color: ['#deebf7', '#9ecae1', '#4292c6', '#08519c'] },
    },
    series: [
      {
        type: 'heatmap',
        itemStyle: { borderColor: '#888888', borderWidth: 0.5 },
        data: data.map((value) => ({
          value: [...value],
          label: {
            show: true,
            ...FONT,
            color: dark(value[2]) ? '#fffffe' : '#010101',
            formatter: shortBytes(value[2]),
          },
        })),
      },
    ],
  });
}

/** What flows from names on the left to names on the right: a name may stand on both sides, so that no circle can arise. */
export function flow(links: readonly { from: string; to: string; value: number; kind: number }[]): string {
  const left = [...new Set(links.map(({ from }) => from))];
  const right = [...new Set(links.map(({ to }) => to))];
  return draw(60 + 44 * Math.max(left.length, right.length), {
    series: [
      {
        type: 'sankey',
        left: 230,
        right: 230,
        top: 12,
        bottom: 12,
        nodeGap: 16,
        layoutIterations: 32,
        emphasis: { disabled: true },
        data: [
          ...left.map((name) => ({
            name: `< ${name}`,
            depth: 0,
            itemStyle: { color: '#7f7f7f' },
            label: { position: 'left' as const, formatter: shortened(name, 30) },
          })),
          ...right.map((name) => ({
            name: `> ${name}`,
            depth: 1,
            itemStyle: { color: '#7f7f7f' },
            label: { position: 'right' as const, formatter: shortened(name, 30) },
          })),
        ],
        links: links.map(({ from, to, value, kind }) => ({
          source: `< ${from}`,
          target: `> ${to}`,
          value,
          lineStyle: { color: colourOf(kind), opacity: 0.65 },
        })),
        label: FONT,
      },
    ],
  });
}

/** Points in time, a line of them for each policy. Times in ns. */
export function moments(
  policies: readonly string[],
  duration: number,
  series: readonly { name: string; points: readonly (readonly [policy: number, ts: number])[] }[],
): string {
  const [unit] = unitOf(duration);
  return draw(70 + 30 * policies.length, {
    grid: { left: 220, right: 24, top: 8, bottom: 44 },
    xAxis: time(duration),
    yAxis: { type: 'category', inverse: true, data: policies.map((name) => shortened(name, 28)), ...AXIS },
    series: series.map(({ name, points }, i) => ({
      name,
      type: 'scatter',
      symbol: i === 0 ? 'circle' : 'diamond',
      symbolSize: i === 0 ? 9 : 14,
      itemStyle: { color: KILL_COLOURS[i === 0 ? 0 : 1] },
      data: points.map(([policy, ts]) => [ts / unit, policy]),
    })),
  });
}

/** A range, and the mean with its confidence interval. */
export interface Range {
  name: string;
  min: number;
  max: number;
  mean: number;
  ci95: readonly [number, number];
}
/** Ranges, their confidence intervals, and their means. */
export const RANGE_COLOURS = ['#8c8c8c', COLOURS[4]!, COLOURS[3]!] as const;

/** A line from the least to the most for each name, the confidence interval of the mean on it, and the mean; `most`: the end of the scale, in bytes. */
export function ranges(all: readonly Range[], most: number): string {
  const gap = ['-', '-'];
  const lines = (ends: (range: Range) => readonly [number, number]) =>
    all.flatMap((range, i) => {
      const [from, to] = ends(range);
      return [[from, i], [to, i], gap];
    });
  const points = (values: (range: Range) => readonly number[]) =>
    all.flatMap((range, i) => values(range).map((value) => [value, i]));
  const [range, interval, mean] = RANGE_COLOURS;
  return draw(50 + 26 * all.length, {
    grid: { left: 220, right: 40, top: 8, bottom: 32 },
    xAxis: {
      type: 'value',
      min: 0,
      max: scale(most),
      interval: scale(most) / 4,
      ...AXIS,
      axisLabel: { ...FONT, formatter: bytes },
    },
    yAxis: { type: 'category', inverse: true, data: all.map(({ name }) => shortened(name, 28)), ...AXIS },
    series: [
      {
        type: 'line',
        showSymbol: false,
        lineStyle: { width: 2, color: range },
        data: lines(({ min, max }) => [min, max]),
      },
      {
        type: 'scatter',
        symbol: 'rect',
        symbolSize: [2, 12],
        itemStyle: { color: range },
        data: points(({ min, max }) => [min, max]),
      },
      {
        type: 'line',
        showSymbol: false,
        lineStyle: { width: 9, color: interval, opacity: 0.75 },
        data: lines(({ ci95 }) => ci95),
      },
      {
        type: 'scatter',
        symbol: 'diamond',
        symbolSize: 10,
        itemStyle: { color: mean, opacity: 1 },
        data: points((r) => [r.mean]),
      },
    ],
  });
}
