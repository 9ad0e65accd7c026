/** Figures as text. */
import { rounded } from './statistics.js';

/** Columns as wide as their widest cell; the first to the left, the others to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('──');
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** With as many digits as mean something. */
export const show = (value: number): string => rounded(value).toLocaleString('en-US');

export const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** A difference, ms. */
export const signed = (ms: number): string => (ms < 0 ? '' : '+') + ms.toFixed(3);
