/**
 * From 0.23.2 the store refuses types and keys that cannot be tokens of a
 * subject (docs/siot.md, 1.6), and says so on the node, at most once a
 * minute for each (4.10).
 */
import type { StorePoint } from './point.js';
import { quoted } from './text.js';

const FORBIDDEN = /[. \t\r\n*>]/;

export const ERROR_EVERY_MS = 60_000;

export interface Checked {
  readonly accepted: readonly StorePoint[];
  /** `undefined`: all were accepted. */
  readonly error: string | undefined;
}

export function checkTokens(nodeId: string, points: readonly StorePoint[]): Checked {
  const accepted: StorePoint[] = [];
  const complaints: string[] = [];
  for (const point of points) {
    const complaint = complaintAbout(point);
    if (complaint === undefined) accepted.push(point);
    else complaints.push(complaint);
  }
  if (complaints.length === 0) return { accepted: points, error: undefined };
  return { accepted, error: `node ${nodeId}: ${complaints.join('; ')}` };
}

function complaintAbout({ type, key }: StorePoint): string | undefined {
  const inType = FORBIDDEN.exec(type)?.[0];
  if (inType !== undefined) {
    return (
      `point type ${quoted(type)} contains ${quoted(inType)}, ` +
      'which is not allowed in a point type'
    );
  }
  const inKey = FORBIDDEN.exec(key)?.[0];
  if (inKey === undefined) return undefined;
  return (
    `point (type ${type}) key ${quoted(key)} contains ${quoted(inKey)}, ` +
    'which is not allowed in a point key'
  );
}
