/**
 * Whether a device reports a point as a number or as text. SIOT's own page sends
 * numbers as text, so a setting goes down in the form that the device reports
 * (docs/contract.md, "Values"). It is kept over restarts of the gateway, since the
 * device may report a point only once, at its own start.
 */
import { decimalNumber, numberOfWord } from '../../point/decimal-number.js';
import {
  floatValue,
  numberOf,
  stringValue,
  type Point,
  type PointValue,
} from '../../point/point.js';
import { isReservedType } from '../../point/reserved.js';
import type { PayloadCodecName } from '../../packet/payload.js';
import { HASH_BYTES, nameHash } from './point-quota.js';
import type { PointRecord, Replica, ReportedKind } from './replica.js';

/** Kept of a point: the hash of its name, and 1 for a number or 2 for text. */
const RECORD_BYTES = HASH_BYTES + 1;
const CODES: Readonly<Record<ReportedKind, number>> = { number: 1, text: 2 };

/** A setting's value for a device that reports the point in this form; `undefined`: it has never reported it. */
export function valueForDevice(value: PointValue, reported: ReportedKind | undefined): PointValue {
  if (value.kind !== 'string' || reported === 'text') return value;
  const number = decimalNumber(value.text);
  if (number === undefined) return value;
  if (reported === 'number') return floatValue(number);
  // The compact codec sends the text alone.
  return number === 0 ? { kind: 'string', text: value.text } : { ...value, number };
}

/** The value of a person's word, for a point that the device reports in this form; `undefined`: it has never reported it. */
export function valueOfWord(word: string, reported: ReportedKind | undefined): PointValue {
  const number = reported === 'text' ? undefined : numberOfWord(word);
  return number === undefined ? stringValue(word) : floatValue(number);
}

/** The form of a value; `undefined`: it has none. */
export function kindOf(value: PointValue): ReportedKind | undefined {
  switch (value.kind) {
    case 'float':
    case 'int':
      return 'number';
    case 'string':
    case 'json':
      return 'text';
    case 'none':
      return undefined;
  }
}

/** The form in which a device reports each point. */
export class ReportedKinds {
  /** By the hashes of names; the oldest first. */
  readonly #kept = new Map<number, ReportedKind>();

  constructor(
    private readonly replica: Replica,
    /** Most distinct points. */
    private readonly limit: number,
    /** Something has changed that is to be kept. */
    private readonly changed: () => void,
  ) {}

  /** How the device has reported a point last. `undefined`: it never has, as far as is known. */
  of(type: string, key: string): ReportedKind | undefined {
    return this.replica.find(type, key)?.reported ?? this.#kept.get(nameHash({ type, key }));
  }

  /** The device has reported a point. Hot: called for each one. */
  reported(record: PointRecord, point: Point, codec: PayloadCodecName): void {
    const kind = kindOf(point.value);
    if (kind === undefined || kind === record.reported) return;
    // Protobuf has one form for "" and 0: what was text before is empty text now.
    const isBlank = codec === 'protobuf' && numberOf(point.value) === 0 && kind === 'number';
    if (isBlank && record.reported === 'text') return;
    const name = nameHash(point);
    record.reported = isBlank ? (this.#kept.get(name) ?? kind) : kind;
    this.#keep(name, record.reported);
  }

  /** The node's points as SIOT has them, written by their owner: they count where the device has reported none. */
  shown(points: Iterable<Point>): void {
    for (const { type, key, value } of points) {
      const kind = isReservedType(type) ? undefined : kindOf(value);
      if (kind === undefined || this.of(type, key) !== undefined) continue;
      this.#keep(nameHash({ type, key }), kind);
    }
  }

  /** Text from which {@link restore} makes the same. */
  record(): string {
    const bytes = Buffer.alloc(this.#kept.size * RECORD_BYTES);
    let at = 0;
    for (const [name, kind] of this.#kept) {
      bytes.writeUIntLE(name, at, HASH_BYTES);
      bytes[at + HASH_BYTES] = CODES[kind];
      at += RECORD_BYTES;
    }
    return bytes.toString('base64');
  }

  restore(record: string): void {
    const bytes = Buffer.from(record, 'base64');
    for (let at = 0; at + RECORD_BYTES <= bytes.length; at += RECORD_BYTES) {
      const kind = bytes[at + HASH_BYTES] === CODES.text ? 'text' : 'number';
      this.#kept.set(bytes.readUIntLE(at, HASH_BYTES), kind);
    }
  }

  #keep(name: number, kind: ReportedKind): void {
    if (this.#kept.get(name) === kind) return;
    this.#kept.set(name, kind);
    if (this.#kept.size > this.limit) {
      const [oldest] = this.#kept.keys();
      if (oldest !== undefined) this.#kept.delete(oldest);
    }
    this.changed();
  }
}
