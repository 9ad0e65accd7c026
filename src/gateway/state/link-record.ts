/** What is kept of a link over restarts of the gateway, and the check that a file contains it. */
import { z } from 'zod';
import type { DeviceSessionRecord } from '../../session/device-session.js';
import type { TimeRecord } from '../../session/settings/time.js';
import type { AgeRecord } from '../../session/node/point-ages.js';
import type { SettingRecord, ValueRecord } from '../../session/settings/record.js';

/** What the router of points (link/remote-point-router.ts) keeps over restarts of the gateway. */
export interface RouterRecord {
  readonly disabled?: { readonly value: boolean } & TimeRecord;
  /** The file that somebody wants the device to have; `name` blank: none. */
  readonly download?: { readonly name: string } & TimeRecord;
  /** When each counter was last reset, by the type of the point that resets it. */
  readonly resets?: Readonly<Record<string, TimeRecord>>;
  /** When the node was last read, ns as decimal text. */
  readonly lastReading?: string;
}

/** A description as it is kept over restarts of the gateway. */
export interface DescriptionRecord {
  readonly key: string;
  /** Time of the description, ns as decimal text. */
  readonly time: string;
  /** The description that the device last reported. It is published when somebody empties the given one. */
  readonly device?: ValueRecord;
}

/** Everything that is kept of a link, except its settings. */
export interface LinkHead {
  readonly session?: Omit<DeviceSessionRecord, 'settings'> | undefined;
  readonly judge?: RouterRecord | undefined;
  /** Descriptions that somebody has given the node. */
  readonly descriptions?: readonly DescriptionRecord[] | undefined;
  /** Of points with a `maxAge`, by `TYPE` or `TYPE/KEY`. */
  readonly ages?: Readonly<Record<string, AgeRecord>> | undefined;
  /** Time of the point `connected` that the gateway published last, ns as decimal text. */
  readonly connected?: string | undefined;
}

/** All that is kept of a link. */
export interface LinkRecord {
  readonly session?: DeviceSessionRecord | undefined;
  readonly judge?: RouterRecord | undefined;
  /** Descriptions that somebody has given the node. */
  readonly descriptions?: readonly DescriptionRecord[] | undefined;
  /** Of points with a `maxAge`, by `TYPE` or `TYPE/KEY`. */
  readonly ages?: Readonly<Record<string, AgeRecord>> | undefined;
}

/** A 64-bit number as decimal text. */
const DECIMAL = /^-?\d{1,20}$/;
const decimal = z.string().regex(DECIMAL);

/** A number as text, since JSON has no infinities. A setting is never NaN. */
const float = z.string().refine((text) => text !== '' && !Number.isNaN(Number(text)));
const int64 = z
  .string()
  .refine((text) => DECIMAL.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text));

const value = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({ kind: z.literal('float'), number: float }),
  z.object({ kind: z.literal('int'), number: int64 }),
  z.object({ kind: z.literal('string'), text: z.string(), number: float.optional() }),
  z.object({ kind: z.literal('json'), text: z.string() }),
]);

const time = {
  time: decimal,
  stated: decimal.optional(),
  seen: decimal.optional(),
  tied: z.boolean().optional(),
  known: z.array(z.tuple([decimal, z.int()])).optional(),
};

const setting = z.object({
  type: z.string(),
  key: z.string(),
  ...time,
  value,
  tombstone: z.int(),
  origin: z.string(),
  state: z.enum(['pending', 'inForce', 'unconfirmed', 'ended', 'replaced', 'refused']),
  restoring: z.boolean().optional(),
  doubted: z.boolean().optional(),
  spelling: z.string().optional(),
  scale: z.number().optional(),
  transmissions: z.int(),
  confirmed: decimal.optional(),
});

const session = z.object({
  codec: z.enum(['protobuf', 'compact']).optional(),
  acknowledges: z.enum(['unknown', 'yes', 'no']).optional(),
  sequence: z.int().min(0).max(255).optional(),
  last: z
    .object({
      sequence: z.int().optional(),
      sampleSequence: z.int().optional(),
      uptime: z.number().optional(),
      startClock: decimal.optional(),
      sampleClock: decimal.optional(),
      logMs: z.number().optional(),
    })
    .optional(),
  resyncDue: z.boolean().optional(),
});

const judge = z.object({
  disabled: z.object({ value: z.boolean(), ...time }).optional(),
  download: z.object({ name: z.string(), ...time }).optional(),
  resets: z.record(z.string(), z.object(time)).optional(),
  lastReading: decimal.optional(),
});

const given = z.object({ key: z.string(), time: decimal, device: value.optional() });

const age = z.object({
  at: z.int(),
  stale: z.boolean().optional(),
  unreported: z.boolean().optional(),
});

const entry = z.discriminatedUnion('of', [
  z.object({
    of: z.literal('link'),
    session: session.optional(),
    judge: judge.optional(),
    descriptions: z.array(given).optional(),
    ages: z.record(z.string(), age).optional(),
    connected: decimal.optional(),
  }),
  setting.extend({ of: z.literal('setting') }),
]);

/** One line of a link's file: one setting, or everything else. */
export type LinkEntry =
  ({ readonly of: 'link' } & LinkHead) | ({ readonly of: 'setting' } & SettingRecord);

/** `undefined`: it is not a line of a link's file. */
export function parseLinkEntry(content: unknown): LinkEntry | undefined {
  const parsed = entry.safeParse(content);
  // The cast is safe: a member that is absent in the file is absent here, and is never `undefined`.
  return parsed.success ? (parsed.data as LinkEntry) : undefined;
}
