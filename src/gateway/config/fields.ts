/**
 * The kinds of values that the configuration is made of. The message of each says
 * what is there and what is allowed.
 */
import { z } from 'zod';
import { shownServer } from '../../siot/connection/server-text.js';
import { nearest } from './nearest.js';

/** A value as a person wrote it, short enough for a line. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a group of keys';
  // A URL may contain a password. People put URLs into other keys by mistake.
  const harmless =
    typeof value === 'string' && /[@?]|:\/\//.test(value) ? shownServer(value) : value;
  const text = JSON.stringify(harmless) as string | undefined;
  if (text === undefined) return 'this';
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text;
}

/** The complaint of a field that allows `allowed`. */
const complaint =
  (allowed: string, show = shown) =>
  ({ input }: { readonly input?: unknown }): string => {
    if (input === undefined) return `is missing; give ${allowed}`;
    if (input === null || input === '') return `is empty; give ${allowed}`;
    return `${show(input)} is not allowed; give ${allowed}`;
  };

interface IntegerRange {
  readonly min: number;
  readonly max: number;
  /** Such as `ms`; absent for a number without a unit. */
  readonly unit?: string;
  /** Said after the range, such as `0 = off`. */
  readonly note?: string;
}

/** A whole number. */
export function integer({ min, max, unit, note }: IntegerRange) {
  const extras = [unit, note].filter((part) => part !== undefined).join('; ');
  const error = complaint(
    `a whole number from ${min} to ${max}${extras === '' ? '' : ` (${extras})`}`,
  );
  return z.int({ error }).min(min, { error }).max(max, { error });
}

/** A number for which `right` holds; `allowed` says in words what that is, also in the JSON Schema. */
export function number(allowed: string, right: (value: number) => boolean) {
  const error = complaint(allowed);
  return z.number({ error }).refine(right, { error }).meta({ $comment: allowed });
}

/** One of a few words or numbers. */
export function choice<const V extends string | number>(values: readonly V[]) {
  const words = values.map(String);
  const allowed = [words.slice(0, -1).join(', '), words.at(-1)].join(' or ');
  return z.literal(values, { error: complaint(allowed) });
}

/** `true` or `false`. */
export function flag() {
  return z.boolean({ error: complaint('true or false') });
}

/**
 * Text that is not empty. `pattern` must hold for all of it; `allowed` says so in
 * words, also in the JSON Schema. `show` returns what a message may show of a wrong text.
 */
export function text(allowed = 'text', pattern?: RegExp, show = shown) {
  const error = (issue: { readonly input?: unknown }): string => {
    const { input } = issue;
    if (typeof input === 'number' || typeof input === 'boolean') {
      return `${show(input)} is not text; put it in quotes`;
    }
    return complaint(allowed, show)(issue);
  };
  const plain = z.string({ error }).min(1, { error });
  return (pattern === undefined ? plain : plain.regex(pattern, { error })).meta({
    $comment: allowed,
  });
}

/** Text that never appears in a message. */
export function secret() {
  const error = (issue: { readonly input?: unknown }): string => {
    const { input } = issue;
    if (input === undefined) return 'is missing';
    if (input === '') return 'is empty; give the secret, or take the key out';
    return 'is not text; put it in quotes';
  };
  return z.string({ error }).min(1, { error });
}

/** A list; `allowed` says in words of what. */
export function list<T extends z.ZodType>(item: T, allowed: string) {
  return z.array(item, { error: complaint(`a list of ${allowed}`) });
}

/** A group of entries under names of the user's own; `allowed` says in words of what. */
export function named<T extends z.ZodType>(
  name: z.ZodType<string, string>,
  entry: T,
  allowed: string,
) {
  return z.record(name, entry, {
    error: (issue) =>
      issue.code === 'invalid_key'
        ? (issue.issues[0]?.message ?? 'is not allowed here')
        : complaint(`a group of ${allowed}`, shownAsGroup)(issue),
  });
}

/** `elsewhere` says where a key belongs that people are likely to put here. */
function unknownKeyComplaint(
  keys: readonly string[],
  known: readonly string[],
  elsewhere: Readonly<Record<string, string>>,
): string {
  return keys
    .map((key) => {
      const belongs = Object.hasOwn(elsewhere, key) ? elsewhere[key] : undefined;
      if (belongs !== undefined) return `is ${belongs}; take it out`;
      const near = nearest(key, known);
      const all = `known here: ${known.join(', ')}`;
      return near === undefined
        ? `unknown key; ${all}`
        : `unknown key; did you mean ${near}? (${all})`;
    })
    .join('\n');
}

/**
 * A group of keys; other keys are errors. The complaint about several unknown keys
 * has a line for each key, in their order.
 */
export function group<T extends z.core.$ZodLooseShape>(
  shape: T,
  elsewhere: Readonly<Record<string, string>> = {},
) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys') {
        return unknownKeyComplaint(issue.keys, known, elsewhere);
      }
      return complaint(`the keys ${known.join(', ')}`, shownAsGroup)(issue);
    },
  });
}

/** YAML reads a key and its value as one text if no space follows the colon. The value may be a secret. */
function shownAsGroup(value: unknown): string {
  const [, key] = (typeof value === 'string' && /^([A-Za-z]+)[\s:=]/.exec(value)) || [];
  return key === undefined
    ? shown(value)
    : `${JSON.stringify(`${key}…`)} without ": " after the key`;
}
