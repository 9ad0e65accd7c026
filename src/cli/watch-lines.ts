/** The lines of `siot-mcu watch`, for people and as JSON. */
import type { StatusReply } from '../gateway/control/verbs/status-request.js';
import { isDeleted, plainValue, type Point } from '../point/point.js';
import { pointName, type PointInfo } from '../point/point-info.js';
import { plainText, valueText } from '../point/value-text.js';
import { diagnosisText } from '../session/diagnosis/diagnosis.js';
import { harmless } from './harmless.js';
import type { LinkStatus, LinkSummary, PendingSetting } from '../gateway/link/status.js';

/** An event for which `watch` prints a line. */
export type WatchEvent =
  | {
      readonly kind: 'point';
      readonly link: string;
      readonly nodeId: string;
      readonly point: Point;
      /** What is known of it; absent: nothing. */
      readonly info?: Pick<PointInfo, 'name' | 'unit'>;
    }
  | { readonly kind: 'pending'; readonly link: string; readonly setting: PendingSetting }
  /** No longer pending. */
  | { readonly kind: 'settled'; readonly link: string; readonly setting: PendingSetting }
  | { readonly kind: 'link'; readonly status: LinkStatus }
  | { readonly kind: 'siot'; readonly siot: StatusReply['siot'] }
  | { readonly kind: 'nats'; readonly nats: StatusReply['nats'] }
  /** Something about the gateway or NATS. */
  | { readonly kind: 'note'; readonly text: string };

/** `up`: written by the node's owner; `down`: by anybody else (docs/siot.md, 1.4). */
export type Direction = 'up' | 'down';

export const directionOf = (point: Point, nodeId: string): Direction =>
  point.origin === '' || point.origin === nodeId ? 'up' : 'down';

/** The line of `watch --json`. */
export function jsonLine(event: WatchEvent): string {
  return JSON.stringify(plainEvent(event));
}

function plainEvent(event: WatchEvent): object {
  switch (event.kind) {
    case 'point': {
      const { point, link, nodeId } = event;
      return {
        kind: 'point',
        direction: directionOf(point, nodeId),
        link,
        type: point.type,
        key: point.key,
        value: plainValue(point.value),
        time: String(point.time),
        ...(isDeleted(point) ? { deleted: true } : {}),
        ...(point.origin === '' ? {} : { origin: point.origin }),
      };
    }
    case 'pending':
    case 'settled':
      return { kind: event.kind, link: event.link, ...event.setting };
    case 'link': {
      const { name, counters: _counters, pending: _pending, ...status } = event.status;
      return { kind: 'link', link: name, ...status };
    }
    case 'siot':
      return { kind: 'siot', ...event.siot };
    case 'nats':
      return { kind: 'nats', ...event.nats };
    case 'note':
      return event;
  }
}

/** The line of `watch` for people. */
export function textLine(event: WatchEvent): string {
  switch (event.kind) {
    case 'point': {
      const { point, link, nodeId } = event;
      const arrow = directionOf(point, nodeId) === 'up' ? '▲' : '▼';
      const gone = isDeleted(point) ? ' (deleted)' : '';
      const value = harmless(valueText(point.value));
      return `${clockTime(point.time)} ${harmless(link)} ${arrow} ${nameOf(point)} = ${value}${unitText(event.info)}${gone}`;
    }
    case 'pending': {
      const { setting } = event;
      const what = setting.command ? 'command pending' : 'pending';
      const cut = setting.valueBytes === undefined ? '' : ` (${setting.valueBytes} bytes in all)`;
      const value = setting.deleted ? '(deleted)' : `${harmless(plainText(setting.value))}${cut}`;
      return `${harmless(event.link)}: ${what}: ${nameOf(setting)} = ${value}: ${harmless(setting.reason)}`;
    }
    case 'settled':
      return `${harmless(event.link)}: no longer pending: ${nameOf(event.setting)}`;
    case 'link':
      return linkLine(event.status);
    case 'siot':
      return siotLine(event.siot);
    case 'nats':
      return natsLine(event.nats);
    case 'note':
      return event.text;
  }
}

export function natsLine({ state, server, problem }: StatusReply['nats']): string {
  const to = server === undefined ? '' : ` to ${server}`;
  return harmless(`NATS: ${state}${to}${told(problem)}`);
}

export function siotLine({ generation, store, problem }: StatusReply['siot']): string {
  return `SIOT: generation ${generation}, ${STORES[store]}${harmless(told(problem))}`;
}

const told = (problem: string | undefined): string => (problem === undefined ? '' : `; ${problem}`);

/** What the store of SIOT does, in words. */
export const STORES: Readonly<Record<StatusReply['siot']['store'], string>> = {
  answers: 'its store answers',
  expected: 'its store does not answer: points wait for it',
  none: 'no store: points are delivered to NATS only',
};

function linkLine(status: LinkStatus): string {
  const { name, transport, port, portProblem, connected, node, codec, diagnosis, advice } = status;
  const parts = [
    connected ? 'connected' : 'not connected',
    portProblem === undefined ? `port ${port}` : `port ${port} (${portProblem})`,
    `codec ${codec}`,
    node === 'deleted' ? 'its node is deleted in SIOT: points are dropped' : '',
    diagnosis === undefined ? '' : diagnosisText(diagnosis),
    ...advice,
  ].filter((part) => part !== '');
  return harmless(`${name}: ${transport}: ${parts.join('; ')}`);
}

/** The unit of a point behind its value. */
export const unitText = (info: Pick<PointInfo, 'unit'> | undefined): string =>
  info?.unit === undefined ? '' : ` ${harmless(info.unit)}`;

/** What a link does, in a word. */
export const linkState = ({ state }: Pick<LinkSummary, 'state'>): string => STATES[state];

const STATES: Readonly<Record<LinkSummary['state'], string>> = {
  talks: 'talks',
  silent: 'silent',
  closed: 'closed',
  disabled: 'disabled in SIOT',
  held: 'settings are held back',
  deleted: 'its node is deleted in SIOT',
};

/** A point as people write it: `TYPE` or `TYPE/KEY`. */
export const nameOf = ({ type, key }: { readonly type: string; readonly key: string }): string =>
  harmless(pointName(type, key));

/** Local time of day. */
export const clockTime = (ns: bigint): string => localTime(ns).slice(11);

/** Local date and time, to the millisecond. */
export function localTime(ns: bigint): string {
  const date = new Date(Number(ns / 1_000_000n));
  if (Number.isNaN(date.getTime())) return '---------- --:--:--.---';
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 23).replace('T', ' ');
}
