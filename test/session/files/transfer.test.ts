/** The table of the life of a transfer, whole: each state with each event. */
import { expect, it } from 'vitest';
import {
  afterEvent,
  isOver,
  WAITING,
  type TransferEvent,
  type TransferLife,
} from '../../../src/session/files/transfer.js';

const BLOCKS = 3;
const sending = (block: number, endsLost = 0): TransferLife => ({
  name: 'sending',
  block,
  endsLost,
});

const EVENTS = {
  canBegin: { type: 'canBegin' },
  acked0: { type: 'acknowledged', block: 0 },
  acked1: { type: 'acknowledged', block: 1 },
  ackedEnd: { type: 'acknowledged', block: BLOCKS },
  takenBack0: { type: 'ackTakenBack', block: 0 },
  lost: { type: 'deviceLost', sent: true },
  lostUnsent: { type: 'deviceLost', sent: false },
  giveUp: { type: 'giveUp', why: 'gone' },
  abort: { type: 'abort' },
} satisfies Record<string, TransferEvent>;

/** In words: `sending 1`, `waiting`, each with the number of lost ends where there were any. */
const shown = (life: TransferLife): string => {
  const { name } = life;
  const lost = 'endsLost' in life && life.endsLost > 0 ? ` (${String(life.endsLost)})` : '';
  return name === 'sending' ? `${name} ${String(life.block)}${lost}` : `${name}${lost}`;
};

const STATES: Record<string, TransferLife> = {
  waiting: WAITING,
  'sending 0': sending(0),
  'sending 1': sending(1),
  'sending 3': sending(BLOCKS),
  'sending 3 (1)': sending(BLOCKS, 1),
  done: { name: 'done' },
  failed: { name: 'failed', why: 'gone' },
  aborted: { name: 'aborted' },
};

const OVER = ['failed', 'aborted'];
const TABLE: Record<string, Record<keyof typeof EVENTS, string>> = {
  waiting: {
    ...same('waiting'),
    canBegin: 'sending 0',
    giveUp: 'failed',
    abort: 'aborted',
  },
  'sending 0': {
    ...same('sending 0'),
    acked0: 'sending 1',
    lost: 'waiting',
    lostUnsent: 'waiting',
    giveUp: 'failed',
    abort: 'aborted',
  },
  'sending 1': {
    ...same('sending 1'),
    canBegin: 'sending 0',
    acked1: 'sending 2',
    takenBack0: 'sending 0',
    lost: 'waiting',
    lostUnsent: 'waiting',
    giveUp: 'failed',
    abort: 'aborted',
  },
  'sending 3': {
    ...same('sending 3'),
    canBegin: 'sending 0',
    ackedEnd: 'done',
    takenBack0: 'sending 0',
    lost: 'waiting (1)',
    lostUnsent: 'waiting',
    giveUp: 'failed',
    abort: 'aborted',
  },
  'sending 3 (1)': {
    ...same('sending 3 (1)'),
    canBegin: 'sending 0 (1)',
    ackedEnd: 'done',
    takenBack0: 'sending 0 (1)',
    lost: 'failed',
    lostUnsent: 'waiting (1)',
    giveUp: 'failed',
    abort: 'aborted',
  },
  done: { ...same('done'), takenBack0: 'sending 3' },
  ...Object.fromEntries(OVER.map((name) => [name, same(name)])),
};

function same(name: string): Record<keyof typeof EVENTS, string> {
  return Object.fromEntries(Object.keys(EVENTS).map((event) => [event, name])) as Record<
    keyof typeof EVENTS,
    string
  >;
}

it.each(Object.keys(STATES))('%s: what follows from each event', (name) => {
  const life = STATES[name]!;
  const after = Object.entries(EVENTS).map(([event, what]) => [
    event,
    shown(afterEvent(life, what, BLOCKS)),
  ]);
  expect(Object.fromEntries(after)).toEqual(TABLE[name]);
});

it('ends an empty file with the ack of its only packet', () => {
  expect(afterEvent(sending(0), { type: 'acknowledged', block: 0 }, 0)).toEqual({ name: 'done' });
});

it('says why it has failed, and when nothing follows', () => {
  expect(afterEvent(sending(1), EVENTS.giveUp, BLOCKS)).toEqual({ name: 'failed', why: 'gone' });
  const lost = afterEvent(sending(BLOCKS, 1), EVENTS.lost, BLOCKS);
  expect('why' in lost ? lost.why : '').toContain('may have taken');
  const over = Object.entries(STATES).filter(([, life]) => isOver(life));
  expect(over.map(([name]) => name)).toEqual(['done', 'failed', 'aborted']);
});
