/** Lines of `siot-mcu watch LINK --high-rate`. */
import { numberText } from '../../point/value-text.js';
import { cut, padEnd, padStart, widthOf } from '../columns.js';
import { harmless } from '../harmless.js';
import { nameOfChannel, type ChannelView } from './channels.js';

const HEAD = ['CHANNEL', 'SAMPLES/S', 'MIN', 'MAX', 'GAPS', 'MISSING'] as const;
const MOST_NAME_COLUMNS = 40;

/** A rate with as many digits as it is worth. */
export const rateText = (rate: number): string =>
  rate >= 100 ? String(Math.round(rate)) : String(Number(rate.toPrecision(3)));

const sampleText = (sample: number | undefined): string =>
  sample === undefined ? '-' : numberText(sample);

/** A table with a line for each channel; `columns`: of the terminal. */
export function channelTable(views: readonly ChannelView[], columns: number): string[] {
  const rows = views.map((view) => [
    cut(harmless(nameOfChannel(view)), MOST_NAME_COLUMNS),
    rateText(view.samplesPerSecond),
    sampleText(view.min),
    sampleText(view.max),
    String(view.gaps),
    String(view.missing),
  ]);
  const all = [[...HEAD], ...rows];
  const widths = HEAD.map((_, i) => Math.max(...all.map((row) => widthOf(row[i] ?? ''))));
  return all.map((row) =>
    cut(
      row.map((cell, i) => (i === 0 ? padEnd : padStart)(cell, widths[i] ?? 0)).join('  '),
      columns,
    ),
  );
}

/** A line for a pipe. */
export function channelLine(atMs: number, view: ChannelView): string {
  const time = new Date(atMs).toISOString().slice(11, 19);
  const gaps = view.gaps === 0 ? 'no gap' : `${view.gaps} gaps (${view.missing} samples missing)`;
  return (
    `${time} ${harmless(nameOfChannel(view))}: ${rateText(view.samplesPerSecond)} samples/s, ` +
    `min ${sampleText(view.min)}, max ${sampleText(view.max)}, ${gaps}`
  );
}

/** A line of JSON. What is no number in JSON is null. */
export function channelJson(atMs: number, link: string, view: ChannelView): string {
  const time = String(BigInt(Math.round(atMs)) * 1_000_000n);
  const { min = null, max = null, samplesPerSecond, ...rest } = view;
  const rate = Math.round(samplesPerSecond * 10) / 10;
  return JSON.stringify({ time, link, ...rest, samplesPerSecond: rate, min, max });
}
