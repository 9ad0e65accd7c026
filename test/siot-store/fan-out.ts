/**
 * What the store publishes after a write: on `up.<id>.…`, then for every
 * ancestor up to `up.root.…`, once for each way there (docs/siot.md, 4.6).
 */
import type { Dialect } from './dialect.js';
import { UNSET_NS, type StorePoint } from './point.js';

/** Publishes; `reply` only where a subject has broken in two (see {@link wireSubject}). */
export type Publish = (subject: string, payload: Uint8Array, reply?: string) => void;

/**
 * A subject that ends the sender's connection. SIOT 2a sends it, and with it
 * loses what it would have sent next, the reply included (1.6).
 */
export class BrokenSubjectError extends Error {
  override readonly name = 'BrokenSubjectError';
}

/** NATS servers drop a connection for a longer line; some of it is size and verb. */
const LONGEST_SUBJECT = 4_000;

export interface FanOut {
  readonly dialect: Dialect;
  readonly points: readonly StorePoint[];
  /** After `up.<ancestor>.`: the node, and for an edge its parent. */
  readonly path: string;
  readonly nowNs: () => bigint;
  readonly publish: Publish;
}

/** Sends to one ancestor after the other; what is sent is encoded once. */
export function fanOutTo(fanOut: FanOut, ancestors: Iterable<string>): void {
  const { dialect, path, publish, nowNs } = fanOut;
  let stamp: bigint | undefined;
  const points = fanOut.points.map((point) =>
    point.time === UNSET_NS ? { ...point, time: (stamp ??= nowNs()) } : point,
  );
  const messages =
    dialect.generation === 1
      ? [{ suffix: '', payload: dialect.encode(points) }]
      : points.map((point) => ({
          suffix: `.${point.type === '' ? '_' : point.type}.${point.key === '' ? '0' : point.key}`,
          payload: dialect.encode([point]),
        }));
  for (const ancestor of ancestors) {
    for (const { suffix, payload } of messages) {
      const { subject, reply } = wireSubject(`up.${ancestor}.${path}${suffix}`);
      publish(subject, payload, reply);
    }
  }
}

/**
 * The node itself, then its ancestors depth first. A node that is above itself
 * would keep SIOT busy for ever; here the way ends where it would repeat.
 */
export function* ancestors(
  id: string,
  ups: (id: string) => readonly string[],
  below: readonly string[] = [],
): Generator<string> {
  yield id;
  if (id === 'none') return;
  const way = [...below, id];
  for (const up of ups(id)) if (!way.includes(up)) yield* ancestors(up, ups, way);
}

/**
 * What a NATS server reads in `PUB <subject> <size>` when the subject has white
 * space in it: one gap makes the rest a reply subject; more gaps, a line break
 * or an overlong line end the connection.
 */
export function wireSubject(subject: string): { subject: string; reply?: string } {
  if (Buffer.byteLength(subject) > LONGEST_SUBJECT) throw new BrokenSubjectError(subject);
  if (!/[ \t\r\n]/.test(subject)) return { subject };
  const [first, second, ...more] = subject.split(/[ \t]+/).filter((token) => token !== '');
  if (/[\r\n]/.test(subject) || first === undefined || more.length > 0) {
    throw new BrokenSubjectError(subject);
  }
  return second === undefined ? { subject: first } : { subject: first, reply: second };
}
