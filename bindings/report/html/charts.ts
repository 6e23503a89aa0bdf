/** The drawings of the page, as SVG: no script draws them, so they are there in print and without a network. */
import { BarChart, HeatmapChart, LineChart, SankeyChart, ScatterChart } from 'echarts/charts';
import { GridComponent, LegendComponent, VisualMapComponent } from 'echarts/components';
import * as echarts from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { bytes, shortened } from './text.ts';

echarts.use([
  BarChart,
  HeatmapChart,
  LineChart,
  SankeyChart,
  ScatterChart,
  GridComponent,
  LegendComponent,
  VisualMapComponent,
  SVGRenderer,
]);

/** Told apart by people who do not see all colours (Okabe and Ito), and in grey by their lightness. */
export const COLOURS = ['#0072b2', '#e69f00', '#009e73', '#d55e00', '#56b4e9', '#cc79a7', '#f0e442', '#7f7f7f'];
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

/** Seconds of the axis of time. */
const seconds = { type: 'value', name: 'seconds', nameLocation: 'middle', nameGap: 26, ...AXIS } as const;

/** One layer of a stack. */
export interface Layer {
  name: string;
  values: number[];
  colour: string;
}

/** Bytes over time, stacked; `most` so that several drawings have the same scale. Times in ns. */
export function areas(ts: readonly number[], layers: readonly Layer[], most: number): string {
  const rows = Math.ceil(layers.length / 3);
  return draw(300 + 20 * rows, {
    legend: legend(layers.map(({ name }) => name)),
    grid: { left: 84, right: 24, top: 16, bottom: 56 + 20 * rows },
    xAxis: { ...seconds, min: ts.length === 0 ? 0 : ts[0]! / 1e9, max: ts.length === 0 ? 1 : ts.at(-1)! / 1e9 },
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
      data: values.map((value, i) => [ts[i]! / 1e9, value]),
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

function legend(names: readonly string[]) {
  return {
    data: names.map((name) => shortened(name, 36)),
    bottom: 0,
    left: 'center',
    itemWidth: 14,
    itemHeight: 10,
    icon: 'rect',
    textStyle: FONT,
  } as const;
}

/** A bar for each name, with its value at its end. */
export function bars(names: readonly string[], values: readonly number[], text: (value: number) => string): string {
  return draw(
    24 + 26 * names.length,
    {
      grid: { left: 180, right: 92, top: 4, bottom: 8 },
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
  const rows = Math.ceil(series.length / 4);
  return draw(260 + 20 * rows, {
    legend: legend(series.map(({ name }) => name)),
    grid: { left: 64, right: 16, top: 24, bottom: 44 + 20 * rows },
    xAxis: { type: 'category', data: [...groups], ...AXIS, axisLabel: { ...FONT, interval: 0 } },
    yAxis: { type: 'value', minInterval: 1, name: 'charges', ...AXIS },
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
    grid: { left: 220, right: 24, top: 8, bottom: 108 },
    xAxis: {
      type: 'category',
      data: columns.map((name) => shortened(name, 22)),
      ...AXIS,
      name: 'is charged to',
      nameLocation: 'middle',
      nameGap: 92,
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
            formatter: bytes(value[2]),
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
  return draw(110 + 30 * policies.length, {
    legend: legend(series.map(({ name }) => name)),
    grid: { left: 220, right: 24, top: 8, bottom: 76 },
    xAxis: { ...seconds, min: 0, max: Math.max(1e-9, duration / 1e9) },
    yAxis: { type: 'category', inverse: true, data: policies.map((name) => shortened(name, 28)), ...AXIS },
    series: series.map(({ name, points }, i) => ({
      name,
      type: 'scatter',
      symbol: i === 0 ? 'circle' : 'diamond',
      symbolSize: i === 0 ? 9 : 14,
      itemStyle: { color: i === 0 ? COLOURS[0]! : COLOURS[3]! },
      data: points.map(([policy, ts]) => [ts / 1e9, policy]),
    })),
  });
}
