import { NO_SCALE } from '../../point/point-scale.js';
import type { PointValue } from '../../point/point.js';
import { keptOf, type KeptLife } from './kept.js';
import type { Setting } from './setting.js';
import type { TimeRecord } from './time.js';

/** A setting as it is kept over restarts of the gateway. */
export interface SettingRecord extends TimeRecord, KeptLife {
  readonly type: string;
  readonly key: string;
  readonly value: ValueRecord;
  readonly tombstone: number;
  readonly origin: string;
  readonly spelling?: string;
  /** By which it went to the device last, where that was not 1. */
  readonly scale?: number;
}

/** As {@link PointValue}, in JSON: numbers as text, which also holds infinities and 64 bits. */
export interface ValueRecord {
  readonly kind: PointValue['kind'];
  readonly number?: string;
  readonly text?: string;
}

/** A setting, to be kept. */
export function toRecord({ point, time, life, spelling, sentScale }: Setting): SettingRecord {
  return {
    type: point.type,
    key: point.key,
    ...time.record(),
    value: toValueRecord(point.value),
    tombstone: point.tombstone,
    origin: point.origin,
    ...keptOf(life),
    ...(spelling === undefined ? {} : { spelling }),
    ...(sentScale === NO_SCALE ? {} : { scale: sentScale }),
  };
}

/** A value, to be kept. */
export function toValueRecord(value: PointValue): ValueRecord {
  switch (value.kind) {
    case 'none':
      return { kind: 'none' };
    case 'float':
      return { kind: 'float', number: String(value.number) };
    case 'int':
      return { kind: 'int', number: value.integer.toString() };
    case 'json':
      return { kind: 'json', text: value.text };
    case 'string':
      return value.number === undefined
        ? { kind: 'string', text: value.text }
        : { kind: 'string', text: value.text, number: String(value.number) };
  }
}

/** The value that was kept. */
export function fromValueRecord(record: ValueRecord): PointValue {
  switch (record.kind) {
    case 'none':
      return { kind: 'none' };
    case 'float':
      return { kind: 'float', number: Number(record.number) };
    case 'int':
      return { kind: 'int', integer: BigInt(record.number ?? '0') };
    case 'json':
      return { kind: 'json', text: record.text ?? '' };
    case 'string':
      return record.number === undefined
        ? { kind: 'string', text: record.text ?? '' }
        : { kind: 'string', text: record.text ?? '', number: Number(record.number) };
  }
}
