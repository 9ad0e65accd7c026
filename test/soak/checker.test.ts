import { describe, expect, it } from 'vitest';
import { violations, type DeviceOutcome, type Outcome } from './checker.js';
import { transcript, type ClientClock, type Entry, type Value } from './journal.js';
import { describePlan, drawPlan } from './plan.js';

/** A minute in which all went well, to be spoilt by each test in its own way. */
class Day {
  readonly entries: Entry[] = [];
  readonly store = new Map<string, Value>();
  readonly inForce = new Map<string, Value>();
  pending: string | undefined;
  #atMs = 0;
  #packet = 0;

  constructor(private readonly device: Partial<DeviceOutcome> = {}) {}

  at(ms: number): this {
    this.#atMs = ms;
    return this;
  }

  /** A packet with one point, which the store has. */
  sends(key: string, value: number, outcome = 'acknowledged', time = 0n): this {
    const packet = (this.#packet += 1);
    const atMs = (this.#atMs += 10);
    const points = [{ type: 'count', key, value, time }];
    this.entries.push({ atMs, kind: 'sent', device: 'pump', packet, points });
    this.entries.push({ atMs, kind: 'ended', device: 'pump', packet, outcome, transmissions: 1 });
    this.store.set(`count/${key}`, value);
    return this;
  }

  /** A client sets a point, and the device takes it. */
  sets(type: string, value: number, clock: ClientClock = 'good'): this {
    this.#add({ kind: 'set', device: 'pump', type, key: '0', value, clock });
    this.store.set(`${type}/0`, value);
    return this.takes(type, value);
  }

  takes(type: string, value: number): this {
    this.inForce.set(`${type}/0`, value);
    return this.#add({ kind: 'applied', device: 'pump', type, key: '', value });
  }

  /** Somebody else does, as the node's owner: the store has it. */
  isWrittenByOwner(type: string, key: string, value: number): this {
    this.store.set(`${type}/${key}`, value);
    return this.#add({ kind: 'owner', device: 'pump', type, key, value });
  }

  says(line: string): this {
    return this.#add({ kind: 'said', line });
  }

  starts(): this {
    return this.#add({ kind: 'started', device: 'pump' });
  }

  /** A gateway opens its ports at once when it is back. */
  isAway(what: 'gateway' | 'bus', forMs: number): this {
    this.#add({ kind: 'down', what });
    this.#atMs += forMs;
    this.#add({ kind: 'up', what });
    return this.#add({ kind: 'said', line: 'info port is open {"link":"pump"}' });
  }

  publishes(value: number, time: bigint, type = 'temp', origin = ''): this {
    return this.#add({
      kind: 'published',
      node: 'node-1',
      type,
      key: '0',
      value,
      time,
      origin,
      tombstone: 0,
    });
  }

  /** So long after the last. */
  isQuiet(life: number, rssMb: number, files: number, laterMs = 10_000): this {
    this.#atMs += laterMs;
    return this.#add({ kind: 'quiet', life, rssMb, files });
  }

  broken(): string[] {
    const name = (point: { type: string; key: string }): string =>
      `${point.type}/${point.key || '0'}`;
    const outcome: Outcome = {
      entries: this.entries,
      commands: ['pulse'],
      devices: [
        {
          name: 'pump',
          node: 'node-1',
          times: 'zero',
          acknowledges: true,
          unacknowledged: 0,
          inForce: (setting) => this.inForce.get(name(setting)) ?? 0,
          pending: () => this.pending,
          ...this.device,
        },
      ],
      stored: (_node, point) => {
        const value = this.store.get(name(point));
        return value === undefined ? undefined : { value, time: 0n };
      },
    };
    return violations(outcome).map(({ what }) => what);
  }

  #add(entry: object): this {
    this.#atMs += 10;
    this.entries.push({ atMs: this.#atMs, ...entry } as Entry);
    return this;
  }
}

describe('a day on which all went well', () => {
  it('has no violation', () => {
    const day = new Day().sends('1', 1).sends('1', 2).sets('s0', 7).sets('pulse', 8);
    day.publishes(1, 5n).publishes(1, 5n).publishes(2, 6n).isQuiet(1, 70, 25).isQuiet(1, 80, 27);
    expect(day.broken()).toEqual([]);
  });
});

describe('points that a device saw acknowledged', () => {
  it('are reported when the store lacks them', () => {
    const day = new Day().sends('1', 1).sends('2', 2);
    day.store.delete('count/2');
    expect(day.broken()).toEqual(['count/2 = 2 was acknowledged to pump and is not in the store']);
  });

  it('are reported when the store has an older one', () => {
    const day = new Day().sends('1', 1).sends('1', 2);
    day.store.set('count/1', 1);
    expect(day.broken()).toEqual(['count/1 = 2 was acknowledged to pump, and the store has 1']);
  });

  it('may be covered by a later one whose ack was lost', () => {
    expect(new Day().sends('1', 1).sends('1', 2, 'unacknowledged').broken()).toEqual([]);
  });

  it('are not covered by an earlier one without an ack', () => {
    const day = new Day().sends('1', 1, 'unacknowledged').sends('1', 2);
    day.store.set('count/1', 1);
    expect(day.broken()).toHaveLength(1);
  });

  it('are ordered by their own times, where they have any', () => {
    const day = new Day({ times: 'synced' }).sends('1', 1, 'acknowledged', 9n);
    day.sends('1', 2, 'acknowledged', 8n);
    day.store.set('count/1', 1);
    expect(day.broken()).toEqual([]);
    day.store.set('count/1', 2);
    expect(day.broken()).toHaveLength(1);
  });

  it('are not expected when nobody acknowledged them', () => {
    const day = new Day().sends('1', 1, 'aborted').sends('2', 2, 'unacknowledged');
    day.store.clear();
    expect(day.broken()).toEqual([]);
  });
});

it('a device that is not acknowledged any more is reported', () => {
  expect(new Day({ unacknowledged: 2 }).broken()).toEqual([
    '2 packets of pump are not acknowledged',
  ]);
});

describe('a setting', () => {
  it('that its device does not have is reported, with the reason that the gateway gives', () => {
    const day = new Day().sets('s0', 7);
    day.inForce.set('s0/0', 6);
    day.pending = 'waits for its turn';
    expect(day.broken()).toEqual([
      's0/0 = 7 was set, pump has 6, and the store 7; pending: waits for its turn',
    ]);
  });

  it('that was lost in a restart that the gateway could see is reported', () => {
    const day = new Day().sets('s0', 7).at(60_000).starts();
    day.inForce.set('s0/0', 0);
    day.store.set('s0/0', 0);
    expect(day.broken()).toHaveLength(1);
  });

  it('that was lost in a restart while the gateway was dead may be missing, and SIOT shows what the device has', () => {
    const day = new Day().sets('s0', 7).at(60_000).isAway('gateway', 1_000).starts();
    day.inForce.set('s0/0', 0);
    day.store.set('s0/0', 0);
    expect(day.broken()).toEqual([]);
    day.store.set('s0/0', 7);
    expect(day.broken()).toHaveLength(1);
  });

  it('that was lost in a restart soon after the gateway had come back, but was there, is reported', () => {
    const day = new Day().sets('s0', 7).at(60_000).isAway('gateway', 1_000).at(63_000).starts();
    day.inForce.set('s0/0', 0);
    day.store.set('s0/0', 0);
    expect(day.broken()).toHaveLength(1);
  });

  it('that nobody had heard of before the device restarted may be missing, and SIOT shows what the device has', () => {
    const day = new Day().at(60_000).isAway('bus', 1_000).sets('s0', 7).at(62_500).starts();
    day.inForce.set('s0/0', 0);
    day.store.set('s0/0', 0);
    expect(day.broken()).toEqual([]);
  });

  it.each(['slow', 'far'] as const)(
    'of a %s clock is reported when lost, unless SIOT did not tell the gateway of it later',
    (clock) => {
      const live = new Day().sets('s0', 6, clock).at(5_000).sets('s0', 7, clock);
      live.inForce.set('s0/0', 6);
      expect(live.broken()).toHaveLength(1);
      const away = new Day().sets('s0', 6, clock).at(10_000).isAway('gateway', 1_000).at(10_500);
      away.sets('s0', 7, clock === 'far' ? 'good' : clock);
      away.inForce.set('s0/0', 6);
      expect(away.broken()).toEqual([]);
      const good = new Day().sets('s0', 6).at(10_000).isAway('gateway', 1_000).at(10_500);
      good.sets('s0', 7).inForce.set('s0/0', 6);
      expect(good.broken()).toHaveLength(1);
    },
  );

  it('of a device that acknowledges nothing may have got lost', () => {
    const day = new Day({ acknowledges: false }).sets('s0', 7);
    day.inForce.set('s0/0', 0);
    expect(day.broken()).toEqual([]);
  });
});

describe('a command', () => {
  it('that is executed twice is reported', () => {
    const day = new Day().sets('pulse', 1).takes('pulse', 1);
    expect(day.broken()).toEqual(['pump acted twice on pulse/0 = 1']);
  });

  it('may be given again to a device that has forgotten it', () => {
    expect(new Day().sets('pulse', 1).starts().takes('pulse', 1).broken()).toEqual([]);
  });
});

it('an echo of the gateway that passes for a point of the device is reported', () => {
  expect(new Day().publishes(0, 5n, 'timeSync').broken()).toEqual([
    'the timeSync sent to pump was published as its own',
  ]);
});

it('two values that a client has set at one time are not blamed on the gateway', () => {
  const day = new Day().publishes(1, 5n, 'temp', 'soak').publishes(2, 5n, 'temp', 'soak');
  expect(day.broken()).toEqual([]);
});

it('two values at one time are reported', () => {
  expect(new Day().publishes(1, 5n).publishes(2, 5n).broken()).toEqual([
    'node-1 temp/0 @5 was published as 1 and as 2',
  ]);
});

describe('what the gateway holds', () => {
  it.each([
    ['descriptors', [25, 60], [70, 70]],
    ['memory', [25, 25], [70, 120]],
  ])('is reported when it grows: %s', (_what, [files, filesLater], [mb, mbLater]) => {
    const day = new Day().isQuiet(1, mb!, files!).isQuiet(1, mbLater!, filesLater!);
    expect(day.broken()).toHaveLength(1);
  });

  it('may be more for a moment', () => {
    const day = new Day();
    for (const files of [21, 30, 30, 31, 90, 30, 31, 30, 30]) day.isQuiet(1, 70, files);
    expect(day.broken()).toEqual([]);
    for (const files of [40, 50, 60, 70, 80, 90, 95, 99, 105]) day.isQuiet(2, 70, files);
    expect(day.broken()).toEqual([expect.stringMatching(/^life 2 had 60 descriptors .* and 95 /)]);
  });

  it('is not measured by two readings of one second', () => {
    expect(new Day().isQuiet(1, 70, 25).isQuiet(1, 70, 60, 900).broken()).toEqual([]);
    expect(new Day().isQuiet(1, 70, 25).broken()).toEqual([]);
  });

  it('is compared within one run of the gateway only', () => {
    expect(new Day().isQuiet(1, 70, 25).isQuiet(2, 120, 60).broken()).toEqual([]);
  });
});

describe('a transcript', () => {
  it('has what is about one point, and what happened to the gateway meanwhile', () => {
    const day = new Day()
      .sends('1', 1)
      .at(100_000)
      .sends('2', 2)
      .at(150_000)
      .isAway('gateway', 500);
    const about = { device: 'pump', node: 'node-1', point: { type: 'count', key: '2' } };
    expect(transcript(day.entries, about).map((line) => line.trim())).toEqual([
      '100.010 s pump sends packet 2: count/2 = 2',
      '100.010 s pump packet 2: acknowledged after 1 transmissions',
      '150.010 s gateway is gone',
    ]);
  });
});

describe('a plan', () => {
  it('is the same for the same seed, and another one for another seed', () => {
    expect(drawPlan(7, 60_000)).toEqual(drawPlan(7, 60_000));
    expect(describePlan(drawPlan(7, 60_000))).not.toEqual(describePlan(drawPlan(8, 60_000)));
  });

  it('has each kind of fault, of line, of codec and of time within ten minutes', () => {
    const { events, devices } = drawPlan(1, 600_000);
    const kinds = new Set(events.map(({ event }) => event.kind));
    expect([...kinds].sort()).toEqual([
      'bus',
      'flood',
      'kill',
      'owner',
      'reboot',
      'replug',
      'silence',
      'store',
    ]);
    expect(new Set(devices.map(({ line }) => line)).size).toBe(2);
    expect(new Set(devices.map(({ protocol }) => protocol)).size).toBe(2);
    expect(new Set(devices.map(({ times }) => times)).size).toBe(3);
  });

  it('goes through all versions of SIOT with the seed', () => {
    const versions = [1, 2, 3].map((seed) => drawPlan(seed, 1_000).version);
    expect(new Set(versions).size).toBe(3);
  });
});

describe('what somebody writes as the owner of a node', () => {
  it('may stand where the device has said nothing since', () => {
    expect(new Day().sends('a', 1).isWrittenByOwner('count', 'a', -7).broken()).toEqual([]);
  });

  it('may not stand where the device has said something since', () => {
    const day = new Day().isWrittenByOwner('count', 'a', -7).at(5_000).sends('a', 1);
    day.store.set('count/a', -7);
    expect(day.broken()).toHaveLength(1);
  });

  it('may not reach the device', () => {
    const day = new Day().sets('s1', 5).isWrittenByOwner('s1', '0', -7);
    expect(day.broken()).toEqual([]);
    day.takes('s1', -7).takes('s1', 5);
    expect(day.broken()).toEqual([expect.stringContaining('was sent s1 = -7')]);
  });

  it('is reported, if it is `connected` and the gateway was there', () => {
    const day = new Day().at(9_000).isWrittenByOwner('connected', '0', -7);
    expect(day.broken()).toEqual([expect.stringContaining('the log does not say so')]);
    expect(day.says('warn somebody else …, as its owner: … {"link":"pump"}').broken()).toEqual([]);
    const away = new Day().at(9_000).isWrittenByOwner('connected', '0', -7).isAway('gateway', 500);
    expect(away.broken()).toEqual([]);
  });
});
