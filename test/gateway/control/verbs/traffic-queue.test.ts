import { describe, expect, it } from 'vitest';
import type { LinkEvent, ObservedLink } from '../../../../src/gateway/control/control.js';
import {
  rawEvent,
  trafficEvent,
  type RawReply,
  type TrafficEvent,
} from '../../../../src/gateway/control/verbs/raw-message.js';
import { TrafficQueue } from '../../../../src/gateway/control/verbs/traffic-queue.js';
import { FAKE_START_NS, FakeClock } from '../../../support/fake-clock.js';

/** An asker who reads when the test says so. */
class Asker {
  isReady = true;
  onReady: (() => void) | undefined;
  readonly until = new AbortController().signal;
  /** Sizes of the messages. */
  readonly sizes: number[] = [];
  readonly heard: TrafficEvent[] = [];
  /** Messages that are taken until it is not ready. */
  takes = Number.POSITIVE_INFINITY;

  reply(answer: Uint8Array): void {
    this.sizes.push(answer.length);
    const said = JSON.parse(Buffer.from(answer).toString()) as RawReply;
    if (said.state === 'traffic') this.heard.push(...said.events.map(trafficEvent));
    this.takes -= 1;
    this.isReady = this.takes > 0;
  }

  ready(takes = Number.POSITIVE_INFINITY): void {
    this.takes = takes;
    this.isReady = true;
    this.onReady?.();
  }

  get kinds(): string[] {
    return this.heard.map(({ kind }) => kind);
  }
}

function rig() {
  const clock = new FakeClock();
  const asker = new Asker();
  const queue = new TrafficQueue(asker, clock);
  const bytes = (length: number): LinkEvent => ({
    kind: 'bytes',
    direction: 'up',
    bytes: new Uint8Array(length).fill(length),
    monotonicMs: clock.monotonicMs(),
    wallNs: clock.wallNs(),
  });
  return { clock, asker, queue, bytes };
}

const LINK: ObservedLink = {
  name: 'pump',
  transport: 'a port',
  port: 'open',
  format: { kind: 'cobs', protocol: 'auto', maxFrameLength: 64 },
};

const DATABASE = 'A'.repeat(200_000);

const withDatabase = (name: string, times = 1): ObservedLink => ({
  ...LINK,
  name,
  format: { kind: 'signals', database: { file: 'a.dbc', content: DATABASE.repeat(times) } },
});

describe('an event in JSON', () => {
  const times = { monotonicMs: 12.5, wallNs: FAKE_START_NS };
  const frame = {
    id: 0x124,
    extended: false,
    data: Uint8Array.of(1, 2),
    fd: true,
    bitRateSwitch: true,
    remote: false,
    error: false,
  };
  it.each<TrafficEvent>([
    { kind: 'bytes', direction: 'down', bytes: Uint8Array.of(0, 255), ...times },
    { kind: 'frame', direction: 'up', frame, ...times },
    { kind: 'opened', transport: 'a port', ...times },
    { kind: 'closed', reason: 'unplugged', ...times },
    { kind: 'discarded', cause: 'canFrame', ...times },
    { kind: 'link', link: LINK },
    { kind: 'removed' },
    { kind: 'lost', wallNs: FAKE_START_NS, units: 3, bytes: 99 },
  ])('is the same when it is read: $kind', (event) => {
    const read = trafficEvent(JSON.parse(JSON.stringify(rawEvent(event))) as never);
    const plain = (value: TrafficEvent): unknown => {
      if (value.kind === 'bytes') return { ...value, bytes: [...value.bytes] };
      return value.kind === 'frame'
        ? { ...value, frame: { ...value.frame, data: [...value.frame.data] } }
        : value;
    };
    expect(plain(read)).toEqual(plain(event));
  });
});

describe('the queue of an asker', () => {
  it('gathers events for a moment, and copies their bytes', () => {
    const { clock, asker, queue, bytes } = rig();
    const lent = bytes(3);
    queue.observed(lent);
    if (lent.kind === 'bytes') lent.bytes.fill(0);
    queue.observed({ kind: 'removed' });
    expect(asker.sizes).toEqual([]);
    clock.advance(20);
    expect(asker.sizes).toHaveLength(1);
    expect(asker.kinds).toEqual(['bytes', 'removed']);
    expect(asker.heard[0]).toMatchObject({ bytes: Buffer.of(3, 3, 3) });
    expect(clock.pendingTimers).toBe(0);
  });

  it('of an asker who does not read is bounded; what is left out is told where it is missing', () => {
    const { clock, asker, queue, bytes } = rig();
    asker.isReady = false;
    for (let n = 0; n < 1_000; n += 1) queue.observed(bytes(10_000));
    clock.advance(100);
    expect(asker.heard).toEqual([]);
    asker.ready();
    const lost = asker.heard.at(-1);
    const kept = asker.heard.length - 1;
    expect(kept).toBeGreaterThan(50);
    expect(kept).toBeLessThan(110);
    const left = 1_000 - kept;
    expect(lost).toEqual({
      kind: 'lost',
      wallNs: FAKE_START_NS,
      units: left,
      bytes: left * 10_000,
    });
    expect(Math.max(...asker.sizes)).toBeLessThan(120_000);
    queue.observed(bytes(1));
    clock.advance(20);
    expect(asker.kinds.slice(kept)).toEqual(['lost', 'bytes']);
  });

  it('goes on where room was made, and then says again what is missing', () => {
    const { clock, asker, queue, bytes } = rig();
    asker.isReady = false;
    for (let n = 0; n < 200; n += 1) queue.observed(bytes(10_000));
    asker.ready(1);
    queue.observed(bytes(1));
    asker.ready();
    clock.advance(20);
    expect(asker.kinds.slice(-2)).toEqual(['lost', 'bytes']);
  });

  it('keeps the newest format of the link, which the next events need', () => {
    const { asker, queue, bytes } = rig();
    asker.isReady = false;
    for (let n = 0; n < 200; n += 1) queue.observed(bytes(n < 150 ? 10_000 : 0));
    queue.observed({ kind: 'removed' });
    queue.observed({ kind: 'link', link: { ...LINK, name: 'older' } });
    queue.observed({ kind: 'link', link: LINK });
    asker.ready();
    expect(asker.heard.slice(-2)).toMatchObject([{ kind: 'lost' }, { kind: 'link', link: LINK }]);
  });

  it('counts a format with its database: many changes for an asker who does not read are bounded, the newest is kept', () => {
    const { clock, asker, queue, bytes } = rig();
    const changed = (name: string): LinkEvent => ({ kind: 'link', link: withDatabase(name) });
    asker.isReady = false;
    for (let n = 0; n < 40; n += 1) queue.observed(changed(String(n)));
    queue.observed(bytes(10));
    asker.ready();
    const told = asker.heard.flatMap((event) => (event.kind === 'link' ? [event.link.name] : []));
    expect(told).toEqual(['0', '1', '2', '3', '4', '39']);
    expect(asker.heard.at(-2)).toMatchObject({ kind: 'lost', units: 36, bytes: 10 });
    // No other event is in the message of one: an answer has a limit.
    expect(Math.max(...asker.sizes)).toBeLessThan(DATABASE.length + 1_000);
    queue.observed(changed('40'));
    queue.observed(bytes(60_000));
    clock.advance(20);
    expect(asker.kinds.slice(-2)).toEqual(['link', 'bytes']);
    expect(Math.max(...asker.sizes)).toBeLessThan(DATABASE.length + 1_000);
  });

  it('tells a format that is larger than all of its room, once there is nothing else', () => {
    const { clock, asker, queue } = rig();
    queue.observed({ kind: 'link', link: withDatabase('large', 10) });
    clock.advance(20);
    expect(asker.kinds).toEqual(['link']);
  });

  it('sends nothing after its end, and leaves no timer', () => {
    const { clock, asker, queue, bytes } = rig();
    queue.observed(bytes(3));
    queue.end();
    clock.advance(100);
    expect(asker.sizes).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
    expect(asker.onReady).toBeUndefined();
  });
});
