/**
 * The reliable sender by itself (docs/contract.md, "Sending"), with clients of which
 * it knows nothing: a third one beside time and settings sends blocks in a window.
 */
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { PAYLOAD_CODECS } from '../../../src/packet/codecs.js';
import type { PayloadCodec } from '../../../src/packet/payload.js';
import { SILENT_LOG } from '../../../src/point/log.js';
import { floatValue, makePoint, numberOf } from '../../../src/point/point.js';
import { Counters } from '../../../src/session/node/counters.js';
import type { Acknowledges } from '../../../src/session/node/presence.js';
import type {
  Delivery,
  SenderClient,
  SenderEvent,
  Unanswered,
  Wait,
} from '../../../src/session/sending/client.js';
import { ReportRound } from '../../../src/session/receiving/report-round.js';
import type { Line } from '../../../src/session/sending/flight.js';
import { Outgoing, type OutgoingPacket } from '../../../src/session/sending/outgoing.js';
import { ReliableSender, type SenderHost } from '../../../src/session/sending/sender.js';
import { TimeSync } from '../../../src/session/sending/time-sync.js';
import { SettingsClient } from '../../../src/session/settings/client.js';
import { Settings } from '../../../src/session/settings/settings.js';
import type { Setting } from '../../../src/session/settings/setting.js';
import { FakeClock } from '../../support/fake-clock.js';
import { PointBudget, PointQuota } from '../../../src/session/node/point-quota.js';
import { Replica } from '../../../src/session/node/replica.js';
import { SettingPublisher } from '../../../src/session/settings/publisher.js';

interface Written {
  readonly atMs: number;
  readonly sequence: number;
  readonly what: string;
}

/** A device: what is written to it, acknowledged where a test says so. */
class Device implements SenderHost, Line {
  readonly written: Written[] = [];
  readonly unacknowledged = new Set<number>();
  mostUnacknowledged = 0;
  gone = 0;
  learnt: Acknowledges[] = [];
  known: PayloadCodec | undefined = PAYLOAD_CODECS.compact;
  full = false;
  answer: (written: Written) => number | undefined = () => undefined;
  ack: (sequence: number) => void = () => undefined;

  constructor(private readonly clock: FakeClock) {}

  write({ sequence, packet }: OutgoingPacket): void {
    // Sequence, a subject of 16 bytes, payload, CRC of 2 bytes.
    const decoded = this.known?.decode(packet.subarray(17, -2));
    const [point] = decoded?.points ?? [];
    const value = point === undefined ? 0 : numberOf(point.value);
    const what = point?.type === 'timeSync' ? 'time' : `${point?.type ?? '?'}=${String(value)}`;
    const written = { atMs: this.clock.monotonicMs(), sequence, what };
    this.written.push(written);
    this.unacknowledged.add(sequence);
    this.mostUnacknowledged = Math.max(this.mostUnacknowledged, this.unacknowledged.size);
    const ms = this.answer(written);
    if (ms !== undefined) this.clock.setTimer(ms, () => this.ack(sequence));
  }

  jittered = (ms: number): number => ms;
  congested = (): boolean => this.full;
  codec = (): PayloadCodec | undefined => this.known;
  silent(): void {
    this.gone += 1;
  }
  learned(acknowledges: Acknowledges): void {
    this.learnt.push(acknowledges);
  }

  /** What was written since the last call. */
  take(): string[] {
    return this.written.splice(0).map(({ what }) => what);
  }
}

class Block implements Delivery {
  readonly once = false;
  readonly unhurried = false;
  readonly persistent = false;
  readonly ends: string[] = [];
  transmissions = 0;

  constructor(
    readonly number: number,
    private readonly blocks: Blocks,
  ) {}

  encode(codec: PayloadCodec): OutgoingPacket {
    const point = makePoint({ type: 'block', value: floatValue(this.number), time: 1n });
    return this.blocks.outgoing.point(point, codec);
  }
  transmitted(attempt: number): void {
    this.transmissions = attempt;
  }
  sentOnce(): void {
    this.ends.push('sentOnce');
  }
  acknowledged(): void {
    this.ends.push('acknowledged');
  }
  ackTakenBack(): void {
    this.ends.push('ackTakenBack');
  }
  unanswered(why: Unanswered): void {
    this.ends.push(why);
    this.blocks.again(this);
  }
  dropped(): void {
    this.ends.push('dropped');
    this.blocks.again(this);
  }
}

/** A file in blocks, each of which is offered again until the device has it. */
class Blocks implements SenderClient {
  readonly priority = 2;
  readonly events: SenderEvent[] = [];
  readonly all: Block[] = [];
  notBeforeMs = 0;
  #left: Block[] = [];

  constructor(
    readonly window: number,
    private readonly sender: ReliableSender,
    readonly outgoing: Outgoing,
  ) {}

  send(count: number): void {
    for (let i = 1; i <= count; i += 1) this.all.push(new Block(i, this));
    this.#left = [...this.all];
    this.sender.pump();
  }
  again(block: Block): void {
    this.#left = [...this.#left, block].sort((a, b) => a.number - b.number);
    // It is told of each end, and may ask for the next free place at once.
    this.sender.pump();
  }
  next(nowMs: number): Delivery | Wait | undefined {
    if (nowMs < this.notBeforeMs) return { untilMs: this.notBeforeMs };
    return this.#left.shift();
  }
  probes(): readonly Delivery[] {
    return [];
  }
  on(event: SenderEvent): void {
    this.events.push(event);
  }
}

class Plant {
  readonly clock = new FakeClock();
  readonly device = new Device(this.clock);
  readonly outgoing = new Outgoing({ encode: (packet) => packet }, 0, new ReportRound(this.clock));
  readonly sender: ReliableSender;
  readonly time: TimeSync;
  readonly allSettings = new Settings(new Set(), 100);
  readonly settings: SettingsClient;
  readonly blocks: Blocks;

  constructor(window: number, acknowledges: Acknowledges = 'yes') {
    const { clock, device, outgoing } = this;
    const counters = new Counters(clock, SILENT_LOG);
    const options = { ackTimeoutMs: 1_000, retries: 3, maxFrameLength: 1_024, restore: true };
    this.sender = new ReliableSender(device, device, clock, counters, options, acknowledges);
    this.time = new TimeSync(this.sender, outgoing, clock);
    this.settings = new SettingsClient(
      {
        codec: () => device.known,
        lastValue: () => undefined,
        asDeviceSays: ({ point }) => point.value,
        toDevice: (_type, _key, value) => value,
        scaleOf: () => 1,
        changed: () => undefined,
        askAll: () => undefined,
        resyncing: () => false,
        settingAcknowledged: () => undefined,
        saved: (then) => then(true),
      },
      this.sender,
      this.allSettings,
      new SettingPublisher(
        { inDeviceForm: ({ point }) => point.value, publish: () => true },
        new Replica(new PointQuota(100, new PointBudget(100), () => undefined)),
        clock,
      ),
      outgoing,
      clock,
      counters,
      SILENT_LOG,
      options,
    );
    this.blocks = new Blocks(window, this.sender, outgoing);
    // The one that comes first is not the first to be served.
    this.sender.attach(this.blocks);
    this.sender.attach(this.settings);
    this.sender.attach(this.time);
    device.ack = (sequence) => this.ack(sequence);
  }

  /** Open, heard, and has acknowledged the time. */
  static talking(window: number): Plant {
    const plant = new Plant(window);
    plant.sender.opened();
    plant.ack(1);
    plant.device.take();
    plant.device.mostUnacknowledged = 0;
    return plant;
  }

  set(type: string, value: number): Setting {
    const time = this.clock.wallNs();
    const { setting, replaced } = this.allSettings.take(
      makePoint({ type, value: floatValue(value), time, origin: 'user-1' }),
    );
    this.settings.add(setting, replaced);
    return setting;
  }

  ack(sequence: number): void {
    this.device.unacknowledged.delete(sequence);
    this.sender.ack(sequence);
    this.heard();
  }

  heard(): void {
    this.sender.heard();
    this.sender.awake();
  }

  get states(): string[] {
    return this.blocks.all.map(({ ends }) => ends.join(' '));
  }
}

describe('clients', () => {
  it('are served by priority, whoever came first, one packet at a time', () => {
    const plant = new Plant(1);
    plant.blocks.send(2);
    plant.set('target', 5);
    plant.sender.opened();
    const seen: string[] = [];
    for (let sequence = 1; sequence <= 4; sequence += 1) {
      seen.push(plant.device.take().join(' '));
      plant.ack(sequence);
    }
    expect(seen).toEqual(['time', 'target=5', 'block=1', 'block=2']);
    expect(plant.device.take()).toEqual([]);
  });

  it('with a window of 1 let what is more urgent go between two packets', () => {
    const plant = Plant.talking(1);
    plant.blocks.send(3);
    plant.set('target', 5);
    plant.time.send();
    expect(plant.device.take()).toEqual(['block=1']);
    plant.ack(2);
    plant.ack(3);
    plant.ack(4);
    expect(plant.device.take()).toEqual(['time', 'target=5', 'block=2']);
    expect(plant.device.mostUnacknowledged).toBe(1);
  });

  it('that have to wait are asked again when the time has come', () => {
    const plant = Plant.talking(1);
    plant.blocks.notBeforeMs = 500;
    plant.blocks.send(1);
    plant.clock.advance(499);
    expect(plant.device.take()).toEqual([]);
    plant.clock.advance(1);
    expect(plant.device.take()).toEqual(['block=1']);
  });

  it('are told what happens to the device', () => {
    const plant = Plant.talking(1);
    plant.heard();
    plant.device.answer = () => 0;
    plant.clock.advance(30_000);
    plant.sender.codecKnown();
    plant.sender.restarted();
    plant.sender.resync();
    expect(plant.blocks.events).toEqual(['opened', 'quiet', 'codecKnown', 'restarted', 'resync']);
  });
});

it('after a restart of the device nothing is sent before all clients know of it, and the time is sent first', () => {
  const plant = Plant.talking(1);
  plant.blocks.send(1);
  plant.device.take();
  plant.sender.restarted();
  expect(plant.states).toEqual(['dropped']);
  expect(plant.device.take()).toEqual([]);
  plant.sender.resync();
  expect(plant.device.take()).toEqual(['time']);
});

describe('a window', () => {
  let plant: Plant;
  beforeEach(() => {
    plant = Plant.talking(4);
  });

  it('allows so many packets in flight, and no more', () => {
    plant.blocks.send(6);
    expect(plant.device.take()).toEqual(['block=1', 'block=2', 'block=3', 'block=4']);
    plant.ack(4);
    plant.ack(2);
    expect(plant.device.take()).toEqual(['block=5', 'block=6']);
    expect(plant.device.mostUnacknowledged).toBe(4);
  });

  it('lets a setting through at the next free place', () => {
    plant.blocks.send(8);
    const first = plant.set('first', 1);
    const second = plant.set('second', 2);
    plant.device.take();
    plant.ack(3);
    expect(plant.device.take()).toEqual(['first=1']);
    // Of settings one is in flight, whatever the window of others.
    plant.ack(4);
    expect(plant.device.take()).toEqual(['block=5']);
    plant.ack(6);
    expect(first.state).toBe('inForce');
    expect(plant.device.take()).toEqual(['second=2']);
    plant.ack(8);
    expect(second.state).toBe('inForce');
    expect(plant.device.mostUnacknowledged).toBe(4);
  });

  it('retries each packet by itself, unchanged', () => {
    plant.device.answer = ({ what }) => (what === 'block=2' ? undefined : 5);
    plant.blocks.send(4);
    plant.clock.advance(4_000);
    const lost = plant.device.written.filter(({ what }) => what === 'block=2');
    expect(lost.slice(0, 4).map(({ sequence }) => sequence)).toEqual([3, 3, 3, 3]);
    expect(lost[3]!.atMs).toBe(3_000);
    expect(plant.device.written.filter(({ what }) => what !== 'block=2')).toHaveLength(3);
  });

  it('waits for an old packet before its sequence is used again', () => {
    plant.device.answer = ({ what }) => (what === 'block=1' ? undefined : 1);
    plant.blocks.send(1_000);
    for (let i = 0; i < 90; i += 1) {
      plant.clock.advance(1);
      plant.heard();
    }
    expect(plant.device.written).toHaveLength(200);
    expect(new Set(plant.device.written.map(({ sequence }) => sequence)).size).toBe(200);
    plant.ack(2);
    plant.clock.advance(400);
    expect(plant.states.filter((ends) => ends !== 'acknowledged')).toEqual([]);
  });

  it('reports a packet that was not acknowledged while others were, and that is sent again', () => {
    plant.device.answer = ({ what }) => (what === 'block=2' ? undefined : 5);
    plant.blocks.send(4);
    plant.clock.advance(100);
    plant.heard();
    plant.clock.advance(3_899);
    plant.device.answer = () => 5;
    plant.clock.advance(1);
    expect(plant.states).toEqual(['acknowledged', 'ignored', 'acknowledged', 'acknowledged']);
    plant.clock.advance(5);
    expect(plant.states[1]).toBe('ignored acknowledged');
  });

  it('ends as a whole in silence, takes no part in the probes, and goes on when the device is heard', () => {
    plant.clock.advance(1);
    plant.blocks.send(6);
    plant.set('target', 5);
    plant.clock.advance(4_000);
    expect(plant.device.gone).toBe(1);
    expect(plant.states).toEqual([...Array<string>(4).fill('silence'), '', '']);
    plant.device.take();
    plant.clock.advance(35_000);
    expect(plant.device.take()).toEqual(['time', 'target=5']);
    plant.device.answer = () => 5;
    plant.heard();
    plant.clock.advance(1_000);
    expect(plant.device.take()).toEqual([
      'time',
      ...[1, 2, 3].map((number) => `block=${String(number)}`),
      'target=5',
      ...[4, 5, 6].map((number) => `block=${String(number)}`),
    ]);
    expect(plant.states.map((ends) => ends.split(' ').at(-1))).toEqual(
      Array(6).fill('acknowledged'),
    );
  });

  it('brings each block and the latest of each setting over a line that loses', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('ok', 'lost', 'late'), { maxLength: 80 }),
        fc.integer({ min: 1, max: 8 }),
        (outcomes, window) => {
          const one = Plant.talking(window);
          let next = 0;
          const inFlight = new Map<number, string>();
          let settingsInFlight = 0;
          one.device.answer = ({ what, sequence }) => {
            inFlight.set(sequence, what);
            const settings = [...inFlight.values()].filter((sent) => sent.startsWith('s'));
            settingsInFlight = Math.max(settingsInFlight, settings.length);
            const outcome = outcomes[next++] ?? 'ok';
            return outcome === 'lost' ? undefined : outcome === 'late' ? 900 : 5;
          };
          const ack = one.device.ack;
          one.device.ack = (sequence) => {
            inFlight.delete(sequence);
            ack(sequence);
          };
          one.blocks.send(20);
          const latest = [1, 2, 3].map((value) => one.set(`s${String(value % 2)}`, value)).slice(1);
          for (let i = 0; i < 600; i += 1) {
            one.clock.advance(500);
            // It keeps talking, so that it is not taken for silent.
            one.heard();
          }
          expect(one.states.filter((ends) => !ends.includes('acknowledged'))).toEqual([]);
          expect(latest.map(({ state }) => state)).toEqual(['inForce', 'inForce']);
          expect(one.settings.pendingCount).toBe(0);
          if (!outcomes.includes('lost')) {
            expect(one.device.mostUnacknowledged).toBeLessThanOrEqual(window);
            expect(settingsInFlight).toBe(1);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('the end of a packet', () => {
  it.each([
    ['the channel is closed', (plant: Plant) => plant.sender.closed()],
    ['its codec is not understood', (plant: Plant) => plant.sender.codecKnown()],
    ['the device has restarted', (plant: Plant) => plant.sender.restarted()],
    ['its client withdraws it', ({ sender, blocks }: Plant) => sender.withdraw(blocks.all[0]!)],
  ])('is reported when %s', (_, happen) => {
    const plant = Plant.talking(1);
    plant.blocks.send(1);
    happen(plant);
    expect(plant.states).toEqual(['dropped']);
  });

  it('leaves nothing ticking when the channel is closed', () => {
    const plant = Plant.talking(4);
    plant.blocks.send(6);
    plant.set('target', 5);
    plant.sender.closed();
    expect(plant.clock.pendingTimers).toBe(0);
  });

  it('is not final: a late ack counts, but not after a restart', () => {
    const plant = Plant.talking(2);
    plant.blocks.send(2);
    plant.sender.closed();
    plant.ack(2);
    expect(plant.states).toEqual(['dropped acknowledged', 'dropped']);
    plant.sender.restarted();
    plant.ack(3);
    expect(plant.states).toEqual(['dropped acknowledged', 'dropped']);
  });

  it('comes without another transmission when its client wants none', () => {
    const plant = Plant.talking(1);
    plant.blocks.send(1);
    plant.device.take();
    plant.sender.stopRetrying(plant.blocks.all[0]!);
    // As long as an ack of this device may take.
    plant.clock.advance(99);
    expect([plant.device.take(), plant.states]).toEqual([[], ['']]);
    plant.clock.advance(1);
    expect(plant.states).toEqual(['dropped']);
    expect(plant.device.gone).toBe(0);
  });

  it('of an ack that was an echo is taken back', () => {
    const plant = new Plant(1, 'unknown');
    plant.blocks.send(1);
    plant.sender.opened();
    plant.ack(1);
    const effect = plant.sender.ack(2)!;
    expect(plant.sender.acknowledges).toBe('yes');
    plant.sender.takeBack({
      acks: [{ ...effect, before: 'unknown' }],
      life: { heardMs: undefined, silent: false },
      acknowledges: false,
    });
    expect(plant.states).toEqual(['acknowledged ackTakenBack']);
    expect([plant.sender.acknowledges, plant.sender.heardMs]).toEqual(['unknown', undefined]);
  });
});

describe('a device that never acknowledges', () => {
  it('is recognised with a window as well, and all packets of the window end in this way', () => {
    const plant = new Plant(4, 'unknown');
    plant.sender.opened();
    plant.heard();
    plant.blocks.send(2);
    plant.clock.advance(500);
    plant.heard();
    plant.clock.advance(10_000);
    expect(plant.device.learnt).toEqual(['no']);
    expect(plant.blocks.all.map(({ ends }) => ends[0])).toEqual([
      'neverAcknowledges',
      'neverAcknowledges',
    ]);
    // Once each, from then on.
    expect(plant.blocks.all.map(({ ends }) => ends.slice(1))).toEqual([['sentOnce'], ['sentOnce']]);
  });

  it('gets packets of all clients once, 20 ms apart, whatever their window', () => {
    const plant = new Plant(4, 'no');
    plant.sender.opened();
    plant.blocks.send(3);
    plant.set('target', 5);
    plant.clock.advance(1_000);
    expect(plant.device.written.map(({ atMs, what }) => [atMs, what])).toEqual([
      [0, 'time'],
      [20, 'target=5'],
      [40, 'block=1'],
      [60, 'block=2'],
      [80, 'block=3'],
    ]);
    expect(plant.states).toEqual(Array(3).fill('sentOnce'));
  });
});
