/** What `siot-mcu set` prints at its end (docs/contract.md, "Commands"). */
import type { SetReply, SettingReport, SetRequest } from '../gateway/control/control.js';
import { harmless } from './harmless.js';
import type { PlainValue } from '../point/point.js';
import { numberText } from '../point/value-text.js';

/** How a request ended. */
export interface SetEnd {
  /** The last answer, final or not; `undefined`: none has come. */
  readonly last: SetReply | undefined;
  /** Why the setting was waiting then, for people. */
  readonly reason: string;
  /** Why the command stopped waiting, if the last answer is not final. */
  readonly why: string;
}

/** What to print when `set` ends. */
interface SetOutcome {
  /** Result, if the device has acknowledged the setting. */
  readonly line?: string;
  readonly warning?: string;
  /** Error, if it has not: with one of the words pending, unconfirmed and refused. */
  readonly problem?: string;
}

/** The point as people write it: `TYPE` or `TYPE/KEY`. */
export const nameOf = ({ type, key }: SetRequest): string => (key === '' ? type : `${type}/${key}`);

/** What to print, by the last answer of the gateway. */
export function outcomeOf(request: SetRequest, { last, reason, why }: SetEnd): SetOutcome {
  const name = nameOf(request);
  switch (last?.state) {
    case undefined:
      return { problem: `${name} is unconfirmed: the gateway has not answered: ${why}` };
    case 'accepted':
    case 'waiting':
      return { problem: `${name} is pending: ${why}: ${reason}` };
    case 'acknowledged':
      return acknowledged(request, last);
    case 'unconfirmed':
      return { problem: `${name} is unconfirmed: ${last.reason}${reportSaid(last.report)}` };
    case 'replaced':
      return { problem: `${name} is unconfirmed: ${last.reason}` };
    case 'refused':
      return { problem: `${name} is refused: ${last.reason}` };
  }
}

function acknowledged(
  request: SetRequest,
  { by, report }: SetReply & { readonly state: 'acknowledged' },
): SetOutcome {
  const name = nameOf(request);
  if (by === 'bus') return { line: `${name} is taken by the bus of ${request.link}` };
  if (by === 'gateway') return { line: `${name} is done by the gateway itself` };
  const line = `${name} is acknowledged by ${request.link}`;
  if (report === undefined) return { line };
  if (typeof report === 'string') return { line: `${line}, and not reported` };
  const value = shown(report.value);
  const reported = { line: `${line}, which reports ${value}` };
  if (report.equal) return reported;
  const warning = `${name}: the device reports ${value} instead of ${asked(request)}`;
  return { ...reported, warning };
}

function reportSaid(report: SettingReport | undefined): string {
  if (report === undefined) return '';
  const value = shown(report.value);
  return report.equal ? `, but reports ${value}, as it was set` : `, and reports ${value}`;
}

function asked({ value }: SetRequest): string {
  switch (value.kind) {
    case 'float':
      return shown(value.number);
    case 'int':
      return value.integer;
    case 'string':
    case 'json':
    case 'word':
      return harmless(value.text);
    case 'none':
      return shown(null);
  }
}

/** A value as text. Within a sentence text has no quotes. */
function shown(value: PlainValue): string {
  if (value === null) return 'no value';
  if (typeof value === 'number') return numberText(value);
  return value === '' ? 'an empty text' : harmless(value);
}
