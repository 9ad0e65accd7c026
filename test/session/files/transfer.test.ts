/** The table of the life of a transfer, whole: each state with each event. */
import { expect, it } from 'vitest';
import { NO_SETBACKS, type Setbacks } from '../../../src/session/files/file.js';
import {
  afterEvent,
  isOver,
  type TransferEvent,
  type TransferLife,
} from '../../../src/session/files/transfer.js';

const BLOCKS = 3;
const waiting: TransferLife = { name: 'waiting', setbacks: NO_SETBACKS };
const sending = (block: number, setbacks: Partial<Setbacks> = {}): TransferLife => ({
  name: 'sending',
  block,
  setbacks: { ...NO_SETBACKS, ...setbacks },
});

const EVENTS = {
  canBegin: { type: 'canBegin' },
  acked0: { type: 'acknowledged', block: 0 },
  acked1: { type: 'acknowledged', block: 1 },
  ackedEnd: { type: 'acknowledged', block: BLOCKS },
  takenBack0: { type: 'ackTakenBack', block: 0 },
  lost: { type: 'deviceLost', sent: true },
  lostUnsent: { type: 'deviceLost', sent: false },
  stalled: { type: 'stalled', why: 'it stands' },
  giveUp: { type: 'giveUp', why: 'gone' },
  abort: { type: 'abort' },
} satisfies Record<string, TransferEvent>;

/** In words: `sending 1`, `waiting`, each with the setbacks that there were. */
const shown = (life: TransferLife): string => {
  const name = life.name === 'sending' ? `${life.name} ${String(life.block)}` : life.name;
  if (!('setbacks' in life) || life.setbacks === NO_SETBACKS) return name;
  const { furthest, inRow, ends, stalls } = life.setbacks;
  const words = [
    ...(inRow > 0 ? [`${String(inRow)} at ${String(furthest)}`] : []),
    ...(ends > 0 ? [`ends ${String(ends)}`] : []),
    ...(stalls > 0 ? [`stalls ${String(stalls)}`] : []),
  ];
  return words.length === 0 ? name : `${name} (${words.join(', ')})`;
};

const STATES: Record<string, TransferLife> = {
  waiting,
  'sending 0': sending(0),
  'sending 1': sending(1),
  'sending 1 (4 at 2)': sending(1, { furthest: 2, inRow: 4 }),
  'sending 3': sending(BLOCKS),
  'sending 3 (4 at 2)': sending(BLOCKS, { furthest: 2, inRow: 4 }),
  'sending 3 (1 at 3, ends 1)': sending(BLOCKS, { furthest: 3, inRow: 1, ends: 1 }),
  'sending 1 (stalls 1)': sending(1, { stalls: 1 }),
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
    lost: 'waiting (1 at 0)',
    lostUnsent: 'waiting',
    stalled: 'failed',
    giveUp: 'failed',
    abort: 'aborted',
  },
  'sending 1': {
    ...same('sending 1'),
    canBegin: 'sending 0',
    acked1: 'sending 2',
    takenBack0: 'sending 0',
    lost: 'waiting (1 at 1)',
    lostUnsent: 'waiting (1 at 1)',
    stalled: 'sending 0 (stalls 1)',
    giveUp: 'failed',
    abort: 'aborted',
  },
  'sending 1 (4 at 2)': {
    ...same('sending 1 (4 at 2)'),
    canBegin: 'sending 0 (4 at 2)',
    acked1: 'sending 2 (4 at 2)',
    takenBack0: 'sending 0 (4 at 2)',
    lost: 'failed',
    lostUnsent: 'failed',
    stalled: 'sending 0 (4 at 2, stalls 1)',
    giveUp: 'failed',
    abort: 'aborted',
  },
  'sending 3': {
    ...same('sending 3'),
    canBegin: 'sending 0',
    ackedEnd: 'done',
    takenBack0: 'sending 0',
    lost: 'waiting (1 at 3, ends 1)',
    lostUnsent: 'waiting (1 at 3)',
    stalled: 'sending 0 (stalls 1)',
    giveUp: 'failed',
    abort: 'aborted',
  },
  'sending 3 (4 at 2)': {
    ...same('sending 3 (4 at 2)'),
    canBegin: 'sending 0 (4 at 2)',
    ackedEnd: 'done',
    takenBack0: 'sending 0 (4 at 2)',
    lost: 'waiting (1 at 3, ends 1)',
    lostUnsent: 'waiting (1 at 3)',
    stalled: 'sending 0 (4 at 2, stalls 1)',
    giveUp: 'failed',
    abort: 'aborted',
  },
  'sending 3 (1 at 3, ends 1)': {
    ...same('sending 3 (1 at 3, ends 1)'),
    canBegin: 'sending 0 (1 at 3, ends 1)',
    ackedEnd: 'done',
    takenBack0: 'sending 0 (1 at 3, ends 1)',
    lost: 'failed',
    lostUnsent: 'waiting (2 at 3, ends 1)',
    stalled: 'sending 0 (1 at 3, ends 1, stalls 1)',
    giveUp: 'failed',
    abort: 'aborted',
  },
  'sending 1 (stalls 1)': {
    ...same('sending 1 (stalls 1)'),
    canBegin: 'sending 0 (stalls 1)',
    acked1: 'sending 2 (stalls 1)',
    takenBack0: 'sending 0 (stalls 1)',
    lost: 'waiting (1 at 1, stalls 1)',
    lostUnsent: 'waiting (1 at 1, stalls 1)',
    stalled: 'failed',
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
  const why = (life: TransferLife, event: TransferEvent): string => {
    const after = afterEvent(life, event, BLOCKS);
    return 'why' in after ? after.why : '';
  };
  expect(why(sending(BLOCKS, { ends: 1 }), EVENTS.lost)).toContain('may have taken');
  expect(why(sending(1, { furthest: 2, inRow: 4 }), EVENTS.lost)).toContain('5 times in a row');
  expect(why(sending(0), EVENTS.stalled)).toBe('it stands');
  expect(why(sending(1, { stalls: 1 }), EVENTS.stalled)).toMatch(/^it stands\..* had begun again/);
  const over = Object.entries(STATES).filter(([, life]) => isOver(life));
  expect(over.map(([name]) => name)).toEqual(['done', 'failed', 'aborted']);
});
