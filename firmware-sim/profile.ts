import { LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import { WAVEFORMS } from './waveform.js';

/** An error in a profile. */
export interface ProfileProblem {
  /** From 1; of the wrong key, or of the nearest above it that is in the file. */
  readonly line: number;
  readonly column: number;
  /** Such as `sensors[0].intervalMs`; "" for the whole file. */
  readonly path: string;
  /** What is wrong and what is allowed. */
  readonly message: string;
}

/** A profile has errors. `message` has a line for each: `FILE:LINE:COLUMN: key: what`. */
export class ProfileError extends Error {
  override readonly name = 'ProfileError';
  constructor(
    readonly file: string,
    readonly problems: readonly ProfileProblem[],
    options?: { cause?: unknown },
  ) {
    super(
      problems
        .map((p) => {
          const where = `${file}:${String(p.line)}:${String(p.column)}`;
          return p.path === '' ? `${where}: ${p.message}` : `${where}: ${p.path}: ${p.message}`;
        })
        .join('\n'),
      options,
    );
  }
}

const milliseconds = z.number().int().min(1).max(86_400_000);
const type = z.string().min(1);
const key = z.string().default('');

/** What the device announces of a point, if anything (docs/wire.md, "What your points are"). */
const announced = {
  name: z.string().min(1).max(100).optional(),
  unit: z.string().min(1).max(32).optional(),
  /** s. */
  maxAge: z.number().min(0.1).max(31_536_000).optional(),
};
/** What is sent is the value divided by this, as a whole number. */
const scale = z
  .number()
  .refine((number) => number !== 0, { message: 'must not be 0' })
  .optional();

const sensor = z
  .strictObject({
    type,
    key,
    ...announced,
    scale,
    waveform: z.enum(WAVEFORMS).default('constant'),
    offset: z.number().default(0),
    amplitude: z.number().default(0),
    periodMs: milliseconds.default(60_000),
    noise: z.number().min(0).default(0),
    intervalMs: milliseconds.default(1000),
  })
  .readonly();

/** At most 16 bytes: the names of a high-rate channel have no more room. */
const shortName = z
  .string()
  .refine((name) => Buffer.byteLength(name) <= 16, { message: 'has more than 16 bytes' });

const highRate = z
  .strictObject({
    type: shortName.min(1),
    key: shortName.default(''),
    waveform: z.enum(WAVEFORMS).default('sine'),
    offset: z.number().default(0),
    amplitude: z.number().default(1),
    periodMs: z.number().min(0.001).max(86_400_000).default(20),
    noise: z.number().min(0).default(0),
    samplesPerSecond: z.number().min(1).max(1_000_000).default(1000),
    samplesPerPacket: z.number().int().min(1).max(4096).default(100),
  })
  .readonly();

const common = { type, key, ...announced, persisted: z.boolean().default(false) };

const numberSetting = z
  .strictObject({
    ...common,
    kind: z.literal('number'),
    initial: z.number().default(0),
    min: z.number().optional(),
    max: z.number().optional(),
    step: z.number().positive().optional(),
    scale,
  })
  .readonly()
  .refine((s) => s.min === undefined || s.max === undefined || s.min <= s.max, {
    path: ['min'],
    message: 'is greater than max',
  })
  .refine(
    ({ initial, min = -Infinity, max = Infinity }) =>
      min > max || (initial >= min && initial <= max),
    { path: ['initial'], message: 'is not between min and max' },
  );

const booleanSetting = z
  .strictObject({ ...common, kind: z.literal('boolean'), initial: z.boolean().default(false) })
  .readonly();

const textSetting = z
  .strictObject({
    ...common,
    kind: z.literal('text'),
    initial: z.string().default(''),
    /** Characters; the rest is cut off. */
    maxLength: z.number().int().min(0).max(60_000).optional(),
    /** Any other text is refused. */
    oneOf: z.array(z.string()).min(1).optional(),
  })
  .readonly()
  .refine((s) => s.oneOf === undefined || s.oneOf.includes(s.initial), {
    path: ['initial'],
    message: 'is not one of oneOf',
  });

const profileSchema = z
  .strictObject({
    description: z.string().optional(),
    /** Whether it announces what its points are; otherwise it does if a point has something new to tell. */
    announce: z.boolean().optional(),
    sensors: z.array(sensor).default([]),
    settings: z
      .array(z.discriminatedUnion('kind', [numberSetting, booleanSetting, textSetting]))
      .default([]),
    /** Channels whose samples go out at a fixed rate, without acknowledgement. */
    highRate: z.array(highRate).default([]),
    uptime: z
      .strictObject({
        intervalMs: milliseconds.default(5000),
        everyPacket: z.boolean().optional(),
      })
      .optional(),
    /** Least time between two reports of all points after a `timeSync`, ms; 0: there are none. */
    reportAllMs: z.number().int().min(0).max(86_400_000).default(60_000),
    log: z
      .strictObject({ intervalMs: milliseconds.default(60_000), lines: z.array(z.string()).min(1) })
      .optional(),
    commands: z
      .array(
        z.strictObject({ type, key, action: z.enum(['restart', 'panic', 'none']).default('none') }),
      )
      .default([]),
  })
  .readonly()
  .superRefine((profile, context) => {
    const seen = new Set<string>();
    for (const part of ['sensors', 'settings', 'highRate', 'commands'] as const) {
      profile[part].forEach((point, index) => {
        const id = JSON.stringify([point.type, point.key === '0' ? '' : point.key]);
        if (seen.has(id)) {
          context.addIssue({
            code: 'custom',
            path: [part, index, 'type'],
            message: 'is there twice with the same key; give one of them another type or key',
          });
        }
        seen.add(id);
      });
    }
  });

/** The points of a device, with defaults filled in; keys: README.md. */
export type Profile = z.infer<typeof profileSchema>;
/** An entry of `sensors`. */
export type SensorProfile = Profile['sensors'][number];
/** An entry of `highRate`. */
export type HighRateProfile = Profile['highRate'][number];
/** An entry of `settings`. */
export type SettingProfile = Profile['settings'][number];

/**
 * Parses a profile from YAML. `file`: for messages only. Throws a
 * {@link ProfileError} with all errors.
 */
export function parseProfile(text: string, file = 'profile'): Profile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    const problems = document.errors.map((error) => {
      const { line, col } = lines.linePos(error.pos[0]);
      return { line, column: col, path: '', message: `is not YAML: ${error.message}` };
    });
    throw new ProfileError(file, problems, { cause: document.errors[0] });
  }
  const result = profileSchema.safeParse(document.toJS() ?? {}, { reportInput: true });
  if (result.success) return result.data;
  const problems = result.error.issues
    .flatMap((issue) => describe(issue))
    .map((found) => {
      const { line, col } = lines.linePos(offsetOf(document, found.path));
      return { line, column: col, path: pathText(found.path), message: found.message };
    })
    .sort((a, b) => a.line - b.line || a.column - b.column);
  throw new ProfileError(file, problems, { cause: result.error });
}

type Path = readonly PropertyKey[];

function describe(issue: z.core.$ZodIssue): { path: Path; message: string }[] {
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((unknown) => ({
        path: [...issue.path, unknown],
        message: `is not a key of a profile here; ${keysOf(issue.path)}`,
      }));
    case 'invalid_union':
      // The only union is that of settings, by their `kind`.
      return [{ path: issue.path, message: 'must be number, boolean or text' }];
    case 'invalid_type':
      return issue.input === undefined
        ? [{ path: issue.path, message: `is missing; it takes ${article(issue.expected)}` }]
        : [{ path: issue.path, message: `must be ${article(issue.expected)}` }];
    case 'too_small':
      return [
        {
          path: issue.path,
          message:
            issue.origin === 'number' || issue.origin === 'int'
              ? `must be at least ${String(issue.minimum)}`
              : 'must not be empty',
        },
      ];
    case 'too_big':
      return [{ path: issue.path, message: `must be at most ${String(issue.maximum)}` }];
    case 'invalid_value':
      return [
        { path: issue.path, message: `must be one of ${issue.values.map(String).join(', ')}` },
      ];
    default:
      return [{ path: issue.path, message: issue.message }];
  }
}

const article = (noun: string): string => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;

/** The allowed keys, where an unknown one was found. */
function keysOf(path: Path): string {
  const keys: Record<string, string> = {
    '': 'description, announce, sensors, settings, highRate, uptime, reportAllMs, log, commands',
    sensors:
      'type, key, name, unit, maxAge, scale, waveform, offset, amplitude, periodMs, noise, intervalMs',
    settings:
      'type, key, kind, name, unit, maxAge, initial, persisted, and min, max, step, scale for numbers, ' +
      'maxLength, oneOf for text',
    highRate:
      'type, key, waveform, offset, amplitude, periodMs, noise, samplesPerSecond, samplesPerPacket',
    uptime: 'intervalMs, everyPacket',
    log: 'intervalMs, lines',
    commands: 'type, key, action',
  };
  return `there are ${keys[path[0] === undefined ? '' : String(path[0])] ?? 'none'}`;
}

const pathText = (path: Path): string =>
  path
    .map((part, i) =>
      typeof part === 'number' ? `[${String(part)}]` : `${i > 0 ? '.' : ''}${String(part)}`,
    )
    .join('');

/** Offset of a key in the text, or of the nearest above it that is there. */
function offsetOf(document: Document, path: Path): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = document.getIn(path.slice(0, length - 1), true) ?? document.contents;
    const last = path[length - 1];
    if (typeof parent !== 'object' || parent === null || !('items' in parent)) continue;
    for (const [index, item] of (parent.items as unknown[]).entries()) {
      const node = isPair(item) ? item.key : item;
      const name = isPair(item) ? scalarOf(item.key) : index;
      if (name === last && hasRange(node)) return node.range[0];
    }
  }
  return 0;
}

const isPair = (item: unknown): item is { key: unknown } =>
  typeof item === 'object' && item !== null && 'key' in item;
const hasRange = (node: unknown): node is { range: [number, number, number] } =>
  typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range);
const scalarOf = (node: unknown): unknown =>
  typeof node === 'object' && node !== null && 'value' in node ? node.value : node;
