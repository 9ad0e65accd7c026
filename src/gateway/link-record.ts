/** What is kept of a link over restarts of the gateway, and whether a file really holds it. */
import { z } from 'zod';
import type { SessionRecord } from '../session/session.js';
import type { JudgeRecord } from './bus-judge.js';

export interface LinkRecord {
  readonly session?: SessionRecord | undefined;
  readonly judge?: JudgeRecord | undefined;
}

/** A 64-bit number as decimal text. */
const decimal = z.string().regex(/^-?\d{1,20}$/);

const value = z
  .object({
    kind: z.enum(['none', 'float', 'int', 'string', 'json']),
    number: z.string().optional(),
    text: z.string().optional(),
  })
  .refine(({ kind, number = '' }) => kind !== 'int' || /^-?\d{1,20}$/.test(number));

const setting = z.object({
  type: z.string(),
  key: z.string(),
  time: decimal,
  value,
  tombstone: z.int(),
  origin: z.string(),
  state: z.enum(['pending', 'inForce', 'unconfirmed', 'ended', 'replaced']),
  restoring: z.boolean().optional(),
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
      uptime: z.number().optional(),
      startClock: decimal.optional(),
    })
    .optional(),
  resyncDue: z.boolean().optional(),
  settings: z.array(setting).optional(),
});

const judge = z.object({
  disabled: z.object({ value: z.boolean(), time: decimal }).optional(),
  lastReading: decimal.optional(),
});

const linkRecord = z.object({ session: session.optional(), judge: judge.optional() });

/** `undefined`: somebody else's content. */
export function parseLinkRecord(content: unknown): LinkRecord | undefined {
  const parsed = linkRecord.safeParse(content);
  // What is absent is absent here too: the schema's optional members are never `undefined`.
  return parsed.success ? (parsed.data as LinkRecord) : undefined;
}
