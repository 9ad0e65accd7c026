/** docs/contract.md, 'Towards the device', "Own echo". */
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../firmware-sim/random.js';
import { fromHex } from '../../firmware-sim/vectors.js';
import { numberOf } from '../../../src/point/point.js';
import { FakeClock } from '../../support/fake-clock.js';
import {
  SessionHarness,
  ackAll,
  ackNothing,
  shown,
  type Sent,
} from '../../support/session-harness.js';

type Options = NonNullable<ConstructorParameters<typeof SessionHarness>[0]>;

const PROTOCOLS = ['protobuf', 'compact'] as const;
const echoes = (harness: SessionHarness): boolean => harness.session.echoes;
const told = (harness: SessionHarness): number =>
  harness.log.filter(({ message }) => message.includes('the line echoes')).length;

/** As `set` would say of a setting. */
const stateOf = (harness: SessionHarness, type: string): string | undefined =>
  harness.session.state.settings.get(type, '')?.state;

/** The line returns something that was written, byte for byte. */
const returned = (harness: SessionHarness, { frame }: Pick<Sent, 'frame'>): void => {
  harness.bytes(fromHex(frame));
  harness.flush();
};

/** A device with packets of its own, on a line that echoes; both have been recognised. */
const echoingDevice = (options: Options = {}): SessionHarness => {
  const harness = SessionHarness.talking({ echoMs: 0, ...options });
  expect(echoes(harness)).toBe(true);
  expect(harness.session.state.connected).toBe(true);
  return harness;
};

describe.each([
  ['protobuf', { codec: 'protobuf' }],
  ['compact', { codec: 'compact' }],
  ['auto, last protobuf', { codec: 'auto', record: { codec: 'protobuf' } }],
  ['auto, last compact', { codec: 'auto', record: { codec: 'compact' } }],
  ['auto, no codec known', { codec: 'auto' }],
] as const)('nothing but an echo, protocol %s', (_, options) => {
  const alone = (): SessionHarness => {
    const harness = new SessionHarness({ echoMs: 0, commands: ['restart'], ...options });
    harness.open();
    return harness;
  };

  it('is no device: not connected, not acknowledged, nothing published, nothing learned', () => {
    const harness = alone();
    harness.set('setpoint', 0);
    harness.set('restart', 1);
    harness.advance(600_000);
    expect(harness.connected).toEqual([]);
    expect(harness.published).toEqual([]);
    expect(harness.written.filter(({ subject }) => subject === 'ack')).toEqual([]);
    expect(stateOf(harness, 'setpoint')).toBe('pending');
    expect(harness.session.state.settings.get('restart', '')?.confirmedNs).toBeUndefined();
    const { codec, acknowledges, last } = harness.record();
    expect({ codec, acknowledges, last }).toEqual({
      codec:
        options.codec === 'auto'
          ? 'record' in options
            ? options.record.codec
            : undefined
          : options.codec,
      acknowledges: 'unknown',
      last: {},
    });
    expect(harness.count('restart')).toBe(0);
    expect(harness.session.state.counters.rx).toBe(0);
  });

  it('is recognised by its first packet, counted, logged once, and explained in the advice', () => {
    const harness = alone();
    harness.advance(10_000);
    expect(echoes(harness)).toBe(true);
    expect(harness.count('echo')).toBe(harness.written.length);
    harness.advance(600_000);
    harness.close();
    harness.open();
    harness.advance(600_000);
    expect(harness.count('echo')).toBe(harness.written.length);
    expect(told(harness)).toBe(1);
  });

  it('is recognised in the same way in pieces, and together with what comes next', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = new SeededRandom(seed);
      const harness = new SessionHarness({ echoMs: 0, ...options });
      let kept = Buffer.alloc(0);
      harness.echoOf = (bytes) => {
        const all = Buffer.concat([kept, bytes]);
        const cut = random.below(all.length + 1);
        kept = all.subarray(cut);
        // The rest comes with the next, or by itself.
        harness.clock.setTimer(20, () => {
          harness.bytes(kept);
          kept = Buffer.alloc(0);
        });
        return cut > 2 ? [all.subarray(0, 2), all.subarray(2, cut)] : [all.subarray(0, cut)];
      };
      harness.open();
      for (let i = 0; i < 20; i++) harness.set(`s${String(i)}`, i);
      harness.advance(60_000);
      expect({ seed, connected: harness.connected, published: harness.published }).toEqual({
        seed,
        connected: [],
        published: [],
      });
      expect(echoes(harness)).toBe(true);
    }
  });
});

describe('a command on a line that only echoes', () => {
  it('waits where nothing else was heard either', () => {
    const harness = SessionHarness.opened({ echoMs: 0, commands: ['restart'] });
    const command = harness.set('restart', 1);
    harness.advance(600_000);
    expect(command.state).toBe('pending');
    expect(harness.takePoints()).not.toContain('restart=1');
  });

  it('ends unconfirmed with its last retry where the device has just gone', () => {
    const harness = SessionHarness.talking({ commands: ['restart'] });
    harness.acks = ackNothing;
    harness.echoMs = 0;
    const command = harness.set('restart', 1);
    harness.advance(600_000);
    expect(command).toMatchObject({ state: 'ended', confirmedNs: undefined });
    expect(harness.takePoints().filter((point) => point === 'restart=1')).toHaveLength(4);
    expect(harness.connected).toEqual([true, false]);
  });
});

describe.each(PROTOCOLS)('a device on a line that echoes, %s', (device) => {
  it('is served: connected, its points acknowledged, settings acknowledged by it', () => {
    const harness = echoingDevice({ device });
    expect(harness.published.map(({ type }) => type)).toEqual(['temp']);
    harness.set('setpoint', 5);
    expect(stateOf(harness, 'setpoint')).toBe('inForce');
    harness.points([{ type: 'temp', value: 2 }]);
    expect(harness.takeAcks()).toHaveLength(1);
    expect(harness.published.map(({ type }) => type)).toEqual(['temp', 'temp']);
  });

  it('with equal sequences on both sides: of two equal acks the first is the echo, the second counts', () => {
    const harness = echoingDevice({ device });
    harness.acks = ackNothing;
    const setting = harness.set('setpoint', 5);
    const sequence = harness.take().at(-1)?.sequence ?? 0;
    // Its own packet of the same number, which is acknowledged with that number.
    harness.points([{ type: 'temp', value: 2 }], sequence);
    const [ack] = harness.take();
    expect(ack).toMatchObject({ subject: 'ack', sequence });
    expect(setting.state).toBe('pending');
    returned(harness, ack!);
    expect(setting.state).toBe('inForce');
  });

  it('an ack of the device that comes before the echo of ours counts; the echo is cancelled', () => {
    const harness = echoingDevice({ device });
    harness.acks = ackNothing;
    const setting = harness.set('setpoint', 5);
    const sequence = harness.take().at(-1)?.sequence ?? 0;
    harness.echoMs = 50;
    harness.points([{ type: 'temp', value: 2 }], sequence);
    const [ack] = harness.take();
    returned(harness, ack!);
    expect(setting.state).toBe('pending');
    harness.advance(50);
    expect(setting.state).toBe('inForce');
  });

  it('with equal sequences, whatever is lost or damaged, a setting is in force only if the device has it', () => {
    for (let seed = 1; seed <= 15; seed++) {
      const random = new SeededRandom(seed);
      const has = new Set<string>();
      const harness = SessionHarness.opened({
        device,
        echoMs: 1,
        echo: { byteMs: 0, random: () => random.next() },
        // The device gets nothing of a third, and of a third of what it gets its ack goes lost.
        acks: ({ point }) => {
          if (random.chance(0.3)) return undefined;
          if (point !== undefined) has.add(valueIn(point));
          return random.chance(0.3) ? undefined : 1 + random.below(30);
        },
      });
      harness.echoOf = (bytes) => [random.chance(0.2) ? damaged(bytes, random) : bytes];
      for (let i = 0; i < 20; i++) {
        const setting = harness.set('setpoint', 1 + i);
        const { sequence } = harness.record();
        for (let ms = 0; ms < 20_000; ms += 500) {
          harness.advance(500);
          harness.points([{ type: 'temp', value: ms }], sequence);
          if (setting.state === 'inForce') break;
        }
        // The next packet that comes back settles it, if none has yet.
        harness.set('other', i);
        harness.advance(1_000);
        if (setting.state === 'inForce' && echoes(harness)) {
          expect(has, `seed ${String(seed)}`).toContain(`setpoint=${String(1 + i)}`);
        }
      }
      expect(echoes(harness), `seed ${String(seed)}`).toBe(true);
      expect(new Set(harness.published.map(({ type }) => type))).toEqual(new Set(['temp']));
      harness.close();
    }
  });
});

describe('on a line that echoes', () => {
  it('a damaged echo is discarded under its cause, and cancels nothing', () => {
    const harness = echoingDevice({ acks: ackAll });
    harness.acks = ackNothing;
    const random = new SeededRandom(1);
    harness.echoOf = (bytes) => [damaged(bytes, random)];
    const echo = harness.count('echo');
    const { errorCount } = harness.session.state.counters;
    harness.set('setpoint', 5);
    expect(harness.count('echo')).toBe(echo);
    expect(harness.session.state.counters.errorCount).toBe(errorCount + 1);
  });

  it('a damaged echo is waited for no longer than a second: an equal ack is then the device’s', () => {
    const harness = echoingDevice();
    harness.acks = ackNothing;
    const setting = harness.set('setpoint', 5);
    const sequence = harness.take().at(-1)?.sequence ?? 0;
    harness.echoMs = undefined;
    harness.points([{ type: 'temp', value: 2 }], sequence);
    const ack = harness.take().find(({ subject }) => subject === 'ack')!;
    harness.advance(1_001);
    returned(harness, ack);
    expect(setting.state).toBe('inForce');
  });

  it('a damaged echo is not waited for once something sent later has come back: a line keeps the order', () => {
    const harness = echoingDevice();
    harness.acks = ackNothing;
    const setting = harness.set('setpoint', 5);
    const sequence = harness.take().at(-1)?.sequence ?? 0;
    harness.echoMs = undefined;
    harness.points([{ type: 'temp', value: 2 }], sequence);
    const ack = harness.take().find(({ subject }) => subject === 'ack')!;
    harness.echoMs = 0;
    harness.points([{ type: 'temp', value: 3 }]);
    returned(harness, ack);
    expect(setting.state).toBe('inForce');
  });

  it('that is slow, the second begins when the last byte can have been sent', () => {
    // 300 baud: 40 ms for a byte.
    const slow = { byteMs: 40, random: () => 0 };
    const harness = SessionHarness.opened({ echo: slow, ackTimeoutMs: 10_000 });
    const [time] = harness.take();
    harness.advance((time!.frame.length / 2) * 40 + 900);
    returned(harness, time!);
    expect(echoes(harness)).toBe(true);
  });

  it('what came in time, but is read late since this process was blocked, is an echo', () => {
    const clock = new HeldUpClock();
    const harness = SessionHarness.opened({ clock, ackTimeoutMs: 10_000 });
    const [time] = harness.take();
    clock.heldUpMs = 3_000;
    returned(harness, time!);
    expect(echoes(harness)).toBe(true);
  });

  it('what comes back later than a second is no echo', () => {
    const harness = SessionHarness.opened({ ackTimeoutMs: 10_000 });
    const [time] = harness.take();
    harness.advance(1_001);
    returned(harness, time!);
    expect(echoes(harness)).toBe(false);
  });

  it('the next opening begins anew: nothing is cancelled until a points packet comes back', () => {
    const harness = echoingDevice();
    harness.close();
    // Else status would go on to advise about a link that is disabled.
    expect(echoes(harness)).toBe(false);
    harness.echoMs = undefined;
    harness.open();
    expect(echoes(harness)).toBe(false);
    harness.acks = ackNothing;
    const setting = harness.set('setpoint', 5);
    const sequence = harness.take().at(-1)?.sequence ?? 0;
    harness.points([{ type: 'temp', value: 2 }], sequence);
    harness.ack(sequence);
    expect(setting.state).toBe('inForce');
  });

  it('retries are up to half of their time late, by chance; on others they come at their time', () => {
    const waits = (chance: number, echoMs?: number): number[] => {
      const harness = SessionHarness.talking({
        echo: { byteMs: 0, random: () => chance },
        ...(echoMs === undefined ? {} : { echoMs }),
      });
      harness.acks = ackNothing;
      harness.set('setpoint', 5);
      harness.advance(20_000);
      const at = harness.take().map(({ atMs }) => atMs);
      return [1, 2].map((i) => at[i]! - at[i - 1]!);
    };
    const plain = waits(0.9);
    expect(waits(0, 0)).toEqual(plain);
    expect(waits(0.5, 0)).toEqual(plain.map((ms) => 1.25 * ms));
    expect(waits(1, 0)).toEqual(plain.map((ms) => 1.5 * ms));
  });
});

describe.each(PROTOCOLS)('a line that does not echo, %s', (device) => {
  it('a device that uses our sequences, and whose acks equal ours: nothing is cancelled', () => {
    const harness = SessionHarness.talking({ device, echo: { byteMs: 0, random: () => 0.9 } });
    harness.acks = ackNothing;
    for (let i = 0; i < 300; i++) {
      const setting = harness.set('setpoint', i);
      const sent = harness.take().find(({ subject }) => subject !== 'ack')!;
      // It reports what it was set to, under our subject, and acknowledges.
      const reported = [{ type: 'setpoint', value: i - 0.25 }];
      harness.points(reported, sent.sequence, { subject: 'proto' });
      const [ack] = harness.take();
      expect(ack).toMatchObject({ subject: 'ack', sequence: sent.sequence });
      returned(harness, ack!);
      expect(setting.state).toBe('inForce');
      harness.take();
    }
    expect(harness.published.filter(({ type }) => type === 'setpoint')).toHaveLength(300);
    expect(harness.count('echo')).toBe(0);
    expect(echoes(harness)).toBe(false);
    expect(told(harness)).toBe(0);
  });

  it('a report of a setting with its own sequence, or with the key spelled otherwise, is no echo', () => {
    const harness = SessionHarness.talking({ device });
    const time = harness.clock.wallNs() + 1_000_000n;
    harness.set('setpoint', 5);
    const { sequence, point } = harness.take().at(-1)!;
    expect(point).toMatchObject({ type: 'setpoint', key: '', time });
    const value = point!.value!;
    harness.points([{ type: 'setpoint', value, time }], (sequence % 255) + 1, { subject: 'proto' });
    harness.points([{ type: 'setpoint', key: '0', value, time }], sequence, { subject: 'proto' });
    expect(echoes(harness)).toBe(false);
    expect(harness.takeAcks()).toHaveLength(2);
  });
});

describe('an echo that begins in mid-session', () => {
  /**
   * A setting whose ack is an echo of our ack: both used the same sequence, and the line now
   * echoes.
   */
  const acknowledgedByEcho = (
    options: Options = {},
    type = 'setpoint',
    meanwhile?: (harness: SessionHarness) => void,
  ) => {
    const harness = SessionHarness.talking({ commands: ['restart'], ...options });
    harness.points([{ type: 'setpoint', value: 3 }]);
    harness.acks = ackNothing;
    const setting = harness.set(type, 5);
    const { sequence } = harness.take().at(-1)!;
    meanwhile?.(harness);
    harness.echoMs = 0;
    harness.points([{ type: 'temp', value: 2 }], sequence);
    harness.take();
    return { harness, setting };
  };

  it('takes back an acknowledgement: the setting is pending, and sent again', () => {
    const { harness, setting } = acknowledgedByEcho();
    expect(setting.state).toBe('inForce');
    harness.set('other', 1);
    expect(echoes(harness)).toBe(true);
    expect(setting.state).toBe('pending');
    expect(setting.confirmedNs).toBeUndefined();
    harness.acks = ackAll;
    harness.advance(5_000);
    expect(setting.state).toBe('inForce');
    expect(harness.takePoints()).toContain('setpoint=5');
  });

  /** Echoes of points packets are damaged, as where the device speaks at the same time; then it restarts twice. */
  const restartedTwice = () => {
    const { harness, setting } = acknowledgedByEcho();
    const random = new SeededRandom(1);
    harness.echoMs = 0;
    harness.echoOf = (bytes) => [damaged(bytes, random)];
    harness.acks = (packet) => (shown(packet) === 'timeSync' ? 0 : undefined);
    harness.advance(1_000);
    harness.hello();
    const resyncAtMs = harness.clock.monotonicMs() + 5_000;
    harness.advance(1_930);
    harness.take();
    harness.hello();
    // Its last transmission is made 3 s after the first, which is just before the resync.
    harness.advance(2_990);
    harness.echoMs = undefined;
    harness.advance(resyncAtMs - 1 - harness.clock.monotonicMs());
    const sent = harness.take().filter((packet) => shown(packet) === 'setpoint=5');
    expect(sent).toHaveLength(4);
    const last = sent.at(-1)!;
    expect(last.atMs).toBeGreaterThan(resyncAtMs - 100);
    harness.advance(10);
    expect({ state: setting.state, life: setting.life.name }).toEqual({
      state: 'inForce',
      life: 'pending',
    });
    returned(harness, last);
    expect(echoes(harness)).toBe(true);
    expect(setting.state).toBe('pending');
    return { harness, setting, last };
  };

  it('of a setting that was in flight when all was sent again: the device’s own ack counts', () => {
    const { harness, setting, last } = restartedTwice();
    harness.ack(last.sequence);
    expect(setting).toMatchObject({ state: 'inForce', confirmedBy: 'ack' });
  });

  it('of a setting that is not acknowledged even then: it is sent again', () => {
    const { harness, setting } = restartedTwice();
    harness.take();
    harness.advance(1_500);
    harness.acks = ackAll;
    harness.advance(60_000);
    expect(harness.takePoints()).toContain('setpoint=5');
    expect(setting.state).toBe('inForce');
  });

  const setpointsShown = (harness: SessionHarness): number[] =>
    harness.published.filter(({ type }) => type === 'setpoint').map(({ value }) => numberOf(value));

  /** A report that overtakes a setting in flight; then the setting is transmitted again. */
  const overtake = (harness: SessionHarness, value: number): void => {
    harness.advance(1);
    harness.points([{ type: 'setpoint', value }]);
    harness.advance(1_500);
    expect(harness.takePoints()).toContain('setpoint=5');
  };

  /**
   * A report (3) overtakes a setting (5), which is acknowledged twice, with a restart between; then the line is
   * known to echo. Both acks are echoes, unless the device has sent the first.
   */
  const acknowledgedTwice = ({
    isFirstGenuine = false,
    sentAgain,
    acknowledgedAgain,
  }: {
    readonly isFirstGenuine?: boolean;
    /** What happens after the restart, and after the second acknowledgement. */
    readonly sentAgain?: (harness: SessionHarness) => void;
    readonly acknowledgedAgain?: (harness: SessionHarness) => void;
  } = {}) => {
    const harness = SessionHarness.talking();
    harness.acks = ackNothing;
    const setting = harness.set('setpoint', 5);
    const { sequence: first } = harness.take().at(-1)!;
    overtake(harness, 3);
    const random = new SeededRandom(1);
    harness.echoOf = (bytes) =>
      Buffer.from(bytes).includes('ack') ? [bytes] : [damaged(bytes, random)];
    harness.acks = (packet) => (shown(packet) === 'timeSync' ? 0 : undefined);
    if (!isFirstGenuine) harness.echoMs = 0;
    if (isFirstGenuine) harness.ack(first);
    else harness.points([{ type: 'temp', value: 2 }], first);
    expect(setting.life.name).toBe('inForce');
    expect(setpointsShown(harness)).toEqual([3, 5]);
    harness.echoMs = undefined;
    harness.advance(1_000);
    harness.hello();
    harness.flush();
    const { sequence } = harness.take().findLast((packet) => shown(packet) === 'setpoint=5')!;
    expect(setting.life.name).toBe('sent');
    sentAgain?.(harness);
    harness.echoMs = 0;
    harness.points([{ type: 'temp', value: 3 }], sequence);
    expect(setting.life.name).toBe('inForce');
    acknowledgedAgain?.(harness);
    harness.echoOf = (bytes) => [bytes];
    harness.set('other', 1);
    expect(echoes(harness)).toBe(true);
    return { harness, setting };
  };

  it('takes back two acknowledgements of one setting: nothing is in force', () => {
    const { harness, setting } = acknowledgedByEcho();
    harness.echoMs = 0;
    const random = new SeededRandom(1);
    harness.echoOf = (bytes) =>
      Buffer.from(bytes).includes('ack') ? [bytes] : [damaged(bytes, random)];
    harness.acks = (packet) => (shown(packet) === 'timeSync' ? 0 : undefined);
    harness.advance(1_000);
    harness.hello();
    harness.flush();
    const { sequence } = harness.take().findLast((packet) => shown(packet) === 'setpoint=5')!;
    expect(setting.life.name).toBe('sent');
    harness.points([{ type: 'temp', value: 3 }], sequence);
    expect(setting.life.name).toBe('inForce');
    harness.echoOf = (bytes) => [bytes];
    harness.set('other', 1);
    expect(echoes(harness)).toBe(true);
    expect(setpointsShown(harness)).toEqual([3]);
    expect({ state: setting.state, life: setting.life.name }).toEqual({
      state: 'pending',
      life: 'sent',
    });
  });

  it('of two that are taken back: SIOT shows again the value that the first one had overtaken', () => {
    const { harness, setting } = acknowledgedTwice();
    expect(setpointsShown(harness)).toEqual([3, 5, 5, 3]);
    expect({ state: setting.state, life: setting.life.name }).toEqual({
      state: 'pending',
      life: 'sent',
    });
  });

  it('of two, the first of which the device has sent: SIOT goes on to show the setting', () => {
    const { harness, setting } = acknowledgedTwice({ isFirstGenuine: true });
    expect(setpointsShown(harness)).toEqual([3, 5, 5]);
    expect({ state: setting.state, life: setting.life.name }).toEqual({
      state: 'inForce',
      life: 'sent',
    });
  });

  const report = (harness: SessionHarness): void => {
    harness.points([{ type: 'setpoint', value: 4 }]);
  };

  it.each([
    ['while it is sent again', { sentAgain: report }, [3, 5, 4]],
    [
      'between two transmissions',
      { sentAgain: (harness: SessionHarness) => overtake(harness, 4) },
      [3, 5, 4, 5, 4],
    ],
    ['after the second one', { acknowledgedAgain: report }, [3, 5, 5, 4]],
  ])('of two: SIOT shows what the device has reported %s', (_, when, expected) => {
    for (const isFirstGenuine of [false, true]) {
      const { harness } = acknowledgedTwice({ ...when, isFirstGenuine });
      expect(setpointsShown(harness)).toEqual(expected);
    }
  });

  it.each([
    ['', false],
    [', after a restart', true],
  ])('does not replace in SIOT what the device has reported since%s', (_, restarted) => {
    const { harness, setting } = acknowledgedByEcho({}, 'setpoint', (before) =>
      overtake(before, 3),
    );
    expect(setpointsShown(harness)).toEqual([3, 3, 5]);
    harness.echoMs = undefined;
    harness.advance(1_000);
    if (restarted) harness.hello();
    report(harness);
    harness.echoMs = 0;
    harness.set('other', 1);
    harness.advance(5_000);
    expect(echoes(harness)).toBe(true);
    expect(setting.state).toBe('pending');
    expect(setpointsShown(harness)).toEqual([3, 3, 5, 4]);
  });

  it('takes back what SIOT was shown for the setting, too', () => {
    const harness = SessionHarness.talking();
    harness.acks = ackNothing;
    harness.set('setpoint', 5);
    const { sequence } = harness.take().at(-1)!;
    // A report overtakes it, and was made before the last transmission.
    harness.advance(1);
    harness.points([{ type: 'setpoint', value: 3 }]);
    harness.advance(150);
    expect(harness.takePoints()).toEqual(['setpoint=5']);
    harness.echoMs = 0;
    harness.points([{ type: 'temp', value: 2 }], sequence);
    expect(setpointsShown(harness)).toEqual([3, 5]);
    harness.set('other', 1);
    expect(echoes(harness)).toBe(true);
    expect(setpointsShown(harness)).toEqual([3, 5, 3]);
  });

  it('makes a command unconfirmed that had no other ack, and the command is not sent again', () => {
    const { harness, setting } = acknowledgedByEcho({}, 'restart');
    expect(setting.confirmedNs).toBeDefined();
    harness.set('other', 1);
    expect(setting.state).toBe('ended');
    expect(setting.confirmedNs).toBeUndefined();
    harness.take();
    harness.acks = ackAll;
    harness.advance(60_000);
    expect(harness.takePoints()).not.toContain('restart=1');
  });

  it('takes back what was learned of whether the device acknowledges', () => {
    const harness = SessionHarness.opened();
    harness.take();
    harness.points([{ type: 'temp', value: 1 }], harness.record().sequence);
    // The echo of the time was lost in that packet, as happens where only one can speak.
    const [ack] = harness.take();
    returned(harness, ack!);
    expect(harness.session.downlink.acknowledges).toBe('yes');
    harness.echoMs = 0;
    harness.set('setpoint', 5);
    harness.advance(0);
    expect(harness.session.downlink.acknowledges).toBe('unknown');
    // The time was not acknowledged either.
    expect(stateOf(harness, 'setpoint')).toBe('pending');
  });

  it('takes back `connected` where the echo alone had set it', () => {
    const harness = SessionHarness.talking({ ackTimeoutMs: 1_000 });
    harness.safety = 'later';
    const sequence = harness.points([{ type: 'temp', value: 2 }]);
    // The device is gone; its packet is safe only then.
    harness.acks = ackNothing;
    harness.set('setpoint', 5);
    harness.advance(10_000);
    expect(harness.connected).toEqual([true, false]);
    harness.take();
    harness.makeSafe();
    const ack = harness.take().find((one) => one.subject === 'ack' && one.sequence === sequence)!;
    harness.echoMs = 0;
    returned(harness, ack);
    harness.advance(100);
    // The first sign of life brought the time, which came back.
    expect(harness.connected).toEqual([true, false, true, false]);
    expect(
      harness.session.downlink.reason(harness.session.state.settings.get('setpoint', '')!),
    ).toContain('silent');
  });

  it('takes back nothing that the device itself did before', () => {
    const harness = SessionHarness.talking();
    const before = harness.set('before', 1);
    harness.acks = ackNothing;
    const equal = harness.set('equal', 2);
    const { sequence } = harness.take().at(-1)!;
    harness.points([{ type: 'temp', value: 2 }], sequence);
    // The device's own, though like ours.
    harness.ack(sequence);
    // Later a packet of ours does not come back: the line does not echo yet.
    harness.set('unanswered', 3);
    harness.advance(1_500);
    harness.echoMs = 0;
    harness.advance(20_000);
    expect(echoes(harness)).toBe(true);
    expect(before.state).toBe('inForce');
    expect(equal.state).toBe('inForce');
    expect(harness.session.downlink.acknowledges).toBe('yes');
  });
});

/** Its time goes on while no timer fires, as for a process that gets no processor time. */
class HeldUpClock extends FakeClock {
  heldUpMs = 0;

  override monotonicMs(): number {
    return super.monotonicMs() + this.heldUpMs;
  }
}

const valueIn = (point: NonNullable<Sent['point']>): string => shown({ point } as Sent);

function damaged(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const broken = Uint8Array.from(bytes);
  const at = 1 + random.below(bytes.length - 2);
  broken[at]! ^= 1 << random.below(8);
  return broken;
}
