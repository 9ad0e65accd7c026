/** docs/contract.md, 'Towards the device', "On every opening": the time, settings and what becomes of them. */
import { describe, expect, it } from 'vitest';
import { NO_VALUE, floatValue, intValue, stringValue } from '../../src/point/point.js';
import { loadVectors } from '../firmware-sim/vectors.js';
import { SessionHarness, ackAll, ackNothing, type Sent } from '../support/session-harness.js';

const ackTime = (packet: Sent): number | undefined =>
  packet.point?.type === 'timeSync' ? 0 : undefined;

describe('on every opening, before the device has spoken', () => {
  it.each(['protobuf', 'compact'] as const)('it gets the time, then settings: %s', (device) => {
    const harness = new SessionHarness({ codec: device, device, acks: ackAll });
    harness.set('target', 5);
    harness.set('mode', stringValue('auto'));
    expect(harness.take()).toEqual([]);
    harness.open();
    const sent = harness.take();
    expect(sent.map(({ point }) => point?.type)).toEqual(['timeSync', 'target', 'mode']);
    expect(sent.every(({ subject, protocol }) => subject === 'proto' && protocol === device)).toBe(
      true,
    );
    // Its time field is the clock; value empty, in compact dataType 0.
    expect(sent[0]!.point).toEqual({
      type: 'timeSync',
      key: '',
      time: harness.clock.wallNs(),
      value: undefined,
      tombstone: 0,
      origin: '',
    });
  });

  it.each([
    ['protobuf', 'g1-timesync'],
    ['compact', 'g2-timesync'],
  ] as const)('the first packet is byte for byte what SIOT writes: %s', (device, name) => {
    const example = loadVectors().find((vector) => vector.name === name);
    const harness = SessionHarness.opened({ device });
    expect(harness.take()[0]?.frame).toBe(example?.frame_hex);
  });

  it('it gets the time also on the next one', () => {
    const harness = SessionHarness.talking();
    harness.close();
    harness.open();
    expect(harness.takePoints()).toEqual(['timeSync']);
  });

  it('an opening is not a restart: what is in force is not sent again', () => {
    const harness = SessionHarness.talking();
    harness.set('target', 5);
    harness.close();
    harness.take();
    harness.open();
    expect(harness.takePoints()).toEqual(['timeSync']);
  });
});

describe('a setting is pending until acknowledged', () => {
  it('whatever the device reports meanwhile', () => {
    const harness = SessionHarness.talking({ acks: ackNothing });
    harness.acks = ackNothing;
    const setting = harness.set('target', 5);
    harness.points([{ type: 'target', value: 3 }]);
    expect(setting.waiting).toBe(true);
    expect(harness.session.downlink.pendingCount).toBe(1);
  });

  it('pending ones are sent after an opening, also after a restart of the gateway', () => {
    const harness = SessionHarness.talking();
    harness.acks = ackNothing;
    harness.set('target', 5);
    harness.set('big', intValue(-9007199254740993n));
    harness.set('inf', Number.NEGATIVE_INFINITY);
    harness.set('text', stringValue('ü'), { key: 'a' });
    const times = [...harness.session.state.settings.all()].map(({ point }) => point.time);
    const second = harness.reborn({ acks: ackAll });
    second.open();
    const sent = second.take().filter(({ point }) => point?.type !== 'timeSync');
    expect(sent.map(({ point }) => [point!.type, point!.key, point!.value, point!.time])).toEqual([
      ['target', '', 5, times[0]],
      ['big', '', -9007199254740993n, times[1]],
      ['inf', '', Number.NEGATIVE_INFINITY, times[2]],
      ['text', 'a', 'ü', times[3]],
    ]);
  });

  it('acknowledged ones are not', () => {
    const harness = SessionHarness.talking();
    harness.set('target', 5);
    const second = harness.reborn();
    second.open();
    expect(second.takePoints()).toEqual(['timeSync']);
    expect(second.session.state.settings.get('target', '')).toMatchObject({ state: 'inForce' });
  });

  it('a newer one of the same point takes its place: what changed several times is sent once, the latest', () => {
    const harness = new SessionHarness({ codec: 'compact', acks: ackAll });
    for (const value of [1, 2, 3]) harness.set('target', value);
    harness.open();
    expect(harness.takePoints()).toEqual(['timeSync', 'target=3']);
  });

  it('an older one, or the same, does not; "" and "0" are one point', () => {
    const harness = SessionHarness.talking();
    const { point } = harness.set('target', 5);
    for (const given of [point, { ...point, value: floatValue(6), time: point.time - 1n }]) {
      expect(harness.session.settings.set(given)).toBeUndefined();
      expect(harness.session.settings.set({ ...given, key: '0' })).toBeUndefined();
    }
    expect(harness.takePoints()).toEqual(['target=5']);
  });

  it('reports of the device do not make a setting old', () => {
    const harness = SessionHarness.talking();
    harness.points([{ type: 'target', value: 3, time: harness.clock.wallNs() }]);
    const slow = harness.settingPoint('target', 5, { time: harness.clock.wallNs() - 10n ** 12n });
    expect(harness.session.settings.set(slow)).toBeDefined();
    harness.flush();
    expect(harness.takePoints()).toContain('target=5');
  });

  it('the packet in flight is finished first, and its ack does not confirm the newer', () => {
    const harness = SessionHarness.talking();
    harness.acks = ackNothing;
    const first = harness.set('target', 1);
    const second = harness.set('target', 2);
    const [sent, ...more] = harness.take();
    expect(more).toEqual([]);
    expect(sent!.point!.value).toBe(1);
    harness.ack(sent!.sequence);
    expect(first.state).toBe('superseded');
    expect(second.waiting).toBe(true);
    const next = harness.take();
    expect(next.map(({ point }) => point!.value)).toEqual([2]);
    harness.ack(next[0]!.sequence);
    expect(second.state).toBe('inForce');
  });

  it('a late ack still counts for its own', () => {
    const harness = SessionHarness.talking();
    harness.acks = ackNothing;
    const target = harness.set('target', 1);
    const other = harness.set('other', 2);
    const [sent] = harness.take();
    harness.advance(3_000);
    harness.points([{ type: 'temp', value: 1 }]);
    harness.advance(1_000);
    expect(target.life.name).toBe('setAside');
    harness.ack(sent!.sequence);
    expect(target.state).toBe('inForce');
    expect(other.state).toBe('pending');
  });

  it('an ack with a number that was not used, or a second ack with the same number, confirms no other', () => {
    const harness = SessionHarness.talking();
    harness.acks = ackNothing;
    const target = harness.set('target', 1);
    const [sent] = harness.take();
    for (const wrong of [0, sent!.sequence + 1, sent!.sequence - 1]) harness.ack(wrong);
    expect(target.state).toBe('pending');
    harness.ack(sent!.sequence);
    const other = harness.set('other', 2);
    harness.ack(sent!.sequence);
    expect(other.state).toBe('pending');
  });

  it('waiting points are sent in turn: one that changes all the time does not starve another', () => {
    const harness = SessionHarness.talking();
    harness.acks = () => 100;
    harness.set('busy', 0);
    harness.set('calm', 1);
    for (let i = 1; i < 20; i += 1) {
      harness.set('busy', i);
      harness.advance(50);
    }
    expect(harness.takePoints()).toContain('calm=1');
  });

  it('this holds also when it is never acknowledged', () => {
    const harness = SessionHarness.talking();
    harness.acks = (packet) => (packet.point?.type === 'busy' ? undefined : 0);
    harness.set('busy', 0);
    harness.set('calm', 1);
    for (let i = 1; i < 100; i += 1) {
      harness.set('busy', i);
      harness.advance(300);
      harness.points([{ type: 'temp', value: i }]);
    }
    expect(harness.takePoints()).toContain('calm=1');
  });

  it('a value set again after it is in force is sent again', () => {
    const harness = SessionHarness.talking();
    harness.set('target', 5);
    harness.set('target', 5);
    expect(harness.takePoints()).toEqual(['target=5', 'target=5']);
  });

  it('more distinct settings than points allowed are refused and counted', () => {
    const harness = SessionHarness.talking({ maxPoints: 2 });
    harness.set('a', 1);
    harness.set('b', 1);
    expect(harness.session.settings.set(harness.settingPoint('c', 1))).toBeUndefined();
    expect(harness.count('tooManySettings')).toBe(1);
    expect(harness.session.settings.whyNotSet(harness.settingPoint('c', 1))).toMatch(
      /2 distinct points.*raise maxPoints/,
    );
    expect(harness.session.settings.whyNotSet(harness.settingPoint('a', 1))).toBeUndefined();
    harness.set('a', 2);
    expect(harness.takePoints()).toEqual(['a=1', 'b=1', 'a=2']);
  });
});

describe('after a restart of the device', () => {
  const restarted = (options: ConstructorParameters<typeof SessionHarness>[0] = {}) => {
    const harness = SessionHarness.talking(options);
    harness.set('target', 5);
    harness.set('mode', 2);
    harness.set('restart', 1);
    harness.advance(10_000);
    harness.take();
    return harness;
  };

  it('it gets the time, and all that are in force are sent again', () => {
    const harness = restarted();
    harness.hello();
    expect(harness.takePoints()).toEqual(['timeSync', 'target=5', 'mode=2', 'restart=1']);
    harness.advance(60_000);
    expect(harness.session.downlink.pendingCount).toBe(0);
  });

  it('except the types under commands', () => {
    const harness = restarted({ commands: ['restart'] });
    harness.hello();
    expect(harness.takePoints()).toEqual(['timeSync', 'target=5', 'mode=2']);
  });

  it('restore: false sends pending ones only', () => {
    const harness = restarted({ restore: false });
    harness.acks = ackTime;
    harness.set('late', 3);
    harness.take();
    harness.acks = ackAll;
    harness.hello();
    expect(harness.takePoints()).toEqual(['timeSync', 'late=3']);
  });

  it('one that the device had changed itself is not sent again', () => {
    const harness = restarted();
    // Twice: the first in a round of reports is no proof.
    harness.points([{ type: 'target', value: 6 }]);
    harness.points([{ type: 'target', value: 6 }]);
    expect(harness.session.state.settings.get('target', '')!.state).toBe('replaced');
    harness.take();
    harness.hello();
    expect(harness.takePoints()).toEqual(['timeSync', 'mode=2', 'restart=1']);
  });

  it('a report of its defaults before the settings have reached it does not take their place', () => {
    const harness = restarted();
    harness.acks = ackNothing;
    harness.hello(0);
    harness.points([
      { type: 'target', value: 0 },
      { type: 'mode', value: 0 },
    ]);
    harness.acks = ackAll;
    harness.advance(2_000);
    expect(harness.takePoints()).toEqual(
      expect.arrayContaining(['timeSync', 'target=5', 'mode=2']),
    );
    for (const setting of harness.session.state.settings.all())
      expect(setting.state).toBe('inForce');
  });

  it('this holds also when the restart and its defaults come in one packet', () => {
    const harness = restarted();
    harness.points([{ type: 'uptime', value: 1000 }]);
    harness.take();
    harness.points([
      { type: 'uptime', value: 1 },
      { type: 'target', value: 0 },
    ]);
    expect(harness.takePoints()).toEqual(['timeSync', 'target=5', 'mode=2', 'restart=1']);
  });

  it('a report that comes while the resync still waits does not take their place either', () => {
    const harness = restarted();
    harness.hello();
    harness.advance(2_000);
    harness.take();
    harness.hello();
    harness.points([{ type: 'target', value: 0 }]);
    expect(harness.takePoints()).toEqual([]);
    harness.advance(3_000);
    expect(harness.takePoints()).toEqual(['timeSync', 'target=5', 'mode=2', 'restart=1']);
  });

  it('those that were being sent again are still sent after a restart of the gateway', () => {
    const harness = restarted();
    harness.acks = ackNothing;
    harness.hello();
    const second = harness.reborn({ acks: ackAll });
    second.open();
    expect(second.takePoints()).toEqual(['timeSync', 'target=5', 'mode=2', 'restart=1']);
  });
});

describe('a command', () => {
  const commanded = (): SessionHarness => {
    const harness = SessionHarness.talking({ commands: ['restart'] });
    harness.acks = ackTime;
    return harness;
  };

  it('ends with its ack', () => {
    const harness = commanded();
    harness.acks = ackAll;
    const command = harness.set('restart', 1);
    expect(command.state).toBe('ended');
    expect(command.confirmedNs).toBeDefined();
    expect(harness.count('unconfirmed')).toBe(0);
    expect(harness.takePoints()).toEqual(['restart=1']);
  });

  it('ends with its last retry, as unconfirmed', () => {
    const harness = commanded();
    const command = harness.set('restart', 1);
    harness.points([{ type: 'temp', value: 1 }]);
    harness.advance(3_999);
    expect(command.state).toBe('pending');
    harness.advance(1);
    expect(command.state).toBe('ended');
    expect(command.confirmedNs).toBeUndefined();
    expect(harness.count('unconfirmed')).toBe(1);
    expect(harness.takePoints()).toEqual(Array<string>(4).fill('restart=1'));
    harness.acks = ackAll;
    harness.advance(700_000);
    harness.close();
    harness.open();
    harness.hello();
    expect(harness.takePoints().filter((shown) => shown !== 'timeSync')).toEqual([]);
  });

  it('ends with the first restart after its first transmission, as unconfirmed', () => {
    const harness = commanded();
    const command = harness.set('restart', 1);
    harness.advance(500);
    harness.hello();
    expect(command.state).toBe('ended');
    expect(harness.count('unconfirmed')).toBe(1);
    harness.acks = ackAll;
    harness.advance(100_000);
    expect(harness.takePoints().filter((shown) => shown === 'restart=1')).toHaveLength(1);
  });

  it('ends with the first opening after its first transmission, as unconfirmed', () => {
    const harness = commanded();
    const command = harness.set('restart', 1);
    harness.close();
    harness.take();
    harness.acks = ackAll;
    harness.open();
    expect(command.state).toBe('ended');
    expect(harness.count('unconfirmed')).toBe(1);
    expect(harness.takePoints()).toEqual(['timeSync']);
  });

  it('ends in this way also when that is an opening by the next run of the gateway, or the last one crashed', () => {
    const harness = commanded();
    harness.saving = 'later';
    harness.set('restart', 1);
    harness.makeSaved();
    const second = harness.reborn({ acks: ackAll });
    second.open();
    expect(second.takePoints()).toEqual(['timeSync']);
    expect(second.session.state.settings.get('restart', '')!.state).toBe('ended');
  });

  it('is known as sent on disk before it is sent', () => {
    const harness = commanded();
    harness.saving = 'later';
    harness.set('restart', 1);
    expect(harness.takePoints()).toEqual([]);
    expect(harness.record().settings).toMatchObject([{ transmissions: 1 }]);
    harness.makeSaved();
    expect(harness.takePoints()).toEqual(['restart=1']);
  });

  it('is sent once, whatever is set while it is being written to disk', () => {
    const harness = commanded();
    harness.acks = ackAll;
    harness.saving = 'later';
    harness.set('restart', 1);
    harness.set('target', 1);
    expect(harness.takePoints()).toEqual([]);
    harness.makeSaved();
    expect(harness.takePoints()).toEqual(['restart=1', 'target=1']);
  });

  it('does not keep others waiting when the disk hangs, and goes out when that is over', () => {
    const harness = commanded();
    harness.acks = ackAll;
    harness.saving = 'later';
    const command = harness.set('restart', 1);
    harness.set('target', 1);
    harness.advance(98);
    expect(harness.takePoints()).toEqual([]);
    harness.advance(1);
    expect(harness.takePoints()).toEqual(['target=1']);
    harness.advance(20_000);
    expect(harness.session.downlink.reason(command)).toMatch(/being noted on disk/);
    harness.makeSaved();
    expect(harness.takePoints()).toEqual(['restart=1']);
  });

  it('waits while it cannot be noted on disk, through openings too, and says why', () => {
    const harness = commanded();
    harness.acks = ackAll;
    harness.saving = 'fails';
    const command = harness.set('restart', 1);
    harness.set('target', 1);
    expect(harness.takePoints()).toEqual(['target=1']);
    expect(harness.session.downlink.reason(command)).toMatch(/cannot be noted on disk as sent/);
    expect(harness.record().settings).toMatchObject([{ transmissions: 0 }, {}]);
    harness.close();
    harness.open();
    harness.advance(60_000);
    expect(harness.takePoints().filter((shown) => shown !== 'timeSync')).toEqual([]);
    harness.saving = 'now';
    harness.session.recordKept();
    harness.flush();
    harness.session.recordKept();
    harness.flush();
    expect(harness.takePoints()).toEqual(['restart=1']);
    expect(command.state).toBe('ended');
  });

  it('does not end by a restart or an opening before its first transmission', () => {
    const harness = commanded();
    harness.saving = 'later';
    const command = harness.set('restart', 1);
    harness.hello();
    expect(command.state).toBe('pending');
    harness.close();
    harness.makeSaved();
    harness.acks = ackAll;
    harness.saving = 'now';
    harness.open();
    expect(harness.takePoints()).toContain('restart=1');
    expect(command.state).toBe('ended');
  });

  it('does not go to another device that took the place of its own while it was written to disk', () => {
    const harness = commanded();
    harness.saving = 'later';
    const command = harness.set('restart', 1);
    harness.close();
    harness.session.hold(true);
    harness.open();
    harness.makeSaved();
    harness.advance(60_000);
    expect(harness.takePoints()).not.toContain('restart=1');
    expect(command.state).toBe('pending');
  });

  it('set while the port is closed is sent after the opening, once', () => {
    const harness = new SessionHarness({
      codec: 'compact',
      acks: ackAll,
      commands: ['restart'],
    });
    harness.set('restart', 1);
    harness.open();
    expect(harness.takePoints()).toEqual(['timeSync', 'restart=1']);
  });

  it('that was replaced by a newer one is not retransmitted after the restart that it caused', () => {
    const harness = commanded();
    harness.hello();
    harness.advance(1_500);
    harness.set('restart', 1);
    harness.set('restart', 2);
    harness.take();
    harness.hello();
    harness.advance(2_500);
    expect(harness.takePoints()).not.toContain('restart=1');
  });

  it('set again, by a newer point, is sent again', () => {
    const harness = commanded();
    harness.acks = ackAll;
    harness.set('restart', 1);
    harness.set('restart', 1);
    expect(harness.takePoints()).toEqual(['restart=1', 'restart=1']);
  });
});

describe('a report equal to the setting', () => {
  const waiting = (device: 'protobuf' | 'compact', value: number): SessionHarness => {
    const harness = SessionHarness.talking({ device });
    harness.acks = ackTime;
    harness.set('target', value);
    harness.take();
    return harness;
  };

  it.each([
    ['protobuf', 23.53, 23.53],
    ['compact', 23.53, 23.53],
    // Single-precision firmware behind the compact codec.
    ['compact', 23.53, Math.fround(23.53)],
    ['protobuf', 16777217, 16777216],
  ] as const)('as the codec rounds it, confirms it: %s %d', (device, value, reported) => {
    const harness = waiting(device, value);
    harness.points([{ type: 'target', value: reported }]);
    const setting = harness.session.state.settings.get('target', '')!;
    expect(setting.state).toBe('inForce');
    expect(setting.confirmedNs).toBe(harness.clock.wallNs());
    harness.advance(10_000);
    expect(harness.takePoints()).toEqual([]);
  });

  it('a different one does not', () => {
    const harness = waiting('compact', 5);
    harness.points([{ type: 'target', value: 5.1 }]);
    expect(harness.session.state.settings.get('target', '')!.state).toBe('pending');
  });

  it('the next packet waits for the ack that is still on its way', () => {
    const harness = waiting('compact', 5);
    harness.set('other', 1);
    harness.points([{ type: 'target', value: 5 }]);
    expect(harness.takePoints()).toEqual([]);
    harness.ack(harness.written.findLast(({ subject }) => subject === 'proto')!.sequence);
    expect(harness.takePoints()).toEqual(['other=1']);
  });

  it('the next packet does not wait for that ack for ever', () => {
    const harness = waiting('compact', 5);
    harness.set('other', 1);
    harness.points([{ type: 'target', value: 5 }]);
    harness.advance(1_000);
    expect(harness.takePoints()[0]).toBe('other=1');
    expect(harness.session.downlink.acknowledges).toBe('yes');
  });

  it('this holds for text, JSON and deletions, too', () => {
    const harness = SessionHarness.talking();
    harness.acks = ackTime;
    const text = harness.set('text', stringValue('on'));
    const gone = harness.set('gone', NO_VALUE, { tombstone: 1 });
    harness.points([{ type: 'text', value: 'off' }]);
    expect(text.state).toBe('pending');
    harness.points([{ type: 'text', value: { json: 'on' } }]);
    expect(text.state).toBe('inForce');
    harness.advance(1_000);
    expect(gone.life.name).toBe('sent');
    harness.points([{ type: 'gone', value: 7 }]);
    expect(gone.state).toBe('pending');
    harness.points([{ type: 'gone', value: 7, tombstone: 1 }]);
    expect(gone.state).toBe('inForce');
  });
});

describe('a differing report', () => {
  it('made after the acknowledgement takes its place: the setting is not sent again', () => {
    const harness = SessionHarness.talking();
    const setting = harness.set('target', 5);
    harness.advance(1);
    // Twice: the first in a round of reports is no proof.
    harness.points([{ type: 'target', value: 6 }]);
    harness.points([{ type: 'target', value: 6 }]);
    expect(setting.state).toBe('replaced');
    harness.take();
    harness.hello();
    expect(harness.takePoints()).toEqual(['timeSync']);
    const second = harness.reborn();
    second.open();
    second.hello();
    expect(second.takePoints().filter((shown) => shown !== 'timeSync')).toEqual([]);
  });

  it('that was only on its way does not end the setting: an equal one behind it brings it back', () => {
    const harness = SessionHarness.talking();
    const setting = harness.set('target', 5);
    // Queued in the device before it had the setting, and without a time that would tell.
    harness.points([{ type: 'target', value: 6 }]);
    harness.points([{ type: 'target', value: 6 }]);
    harness.points([{ type: 'target', value: 5 }]);
    expect(setting.state).toBe('inForce');
    const second = harness.reborn();
    second.open();
    second.advance(10_000);
    second.take();
    second.hello();
    expect(second.takePoints()).toEqual(['timeSync', 'target=5']);
  });

  it('stays valid, whatever was reported before it and comes late', () => {
    const harness = SessionHarness.talking();
    const setting = harness.set('target', 5);
    harness.advance(100);
    const now = harness.clock.wallNs();
    harness.points([{ type: 'target', value: 6, time: now }]);
    harness.points([{ type: 'target', value: 5, time: now - 1n }]);
    expect(setting.state).toBe('replaced');
  });

  it('made after it by its own time takes its place, too', () => {
    const harness = SessionHarness.talking();
    const setting = harness.set('target', 5);
    harness.advance(100);
    harness.points([{ type: 'target', value: 6, time: harness.clock.wallNs() }]);
    expect(setting.state).toBe('replaced');
  });

  it('made before the acknowledgement by its own time does not', () => {
    const harness = SessionHarness.talking();
    const setting = harness.set('target', 5);
    const before = harness.clock.wallNs() - 1_000_000n;
    harness.advance(100);
    harness.points([{ type: 'target', value: 6, time: before }]);
    expect(setting.state).toBe('inForce');
  });

  it('of another point, or of another key, means nothing', () => {
    const harness = SessionHarness.talking();
    const setting = harness.set('target', 5);
    harness.advance(1);
    harness.points([
      { type: 'target', key: 'x', value: 6 },
      { type: 'targets', value: 6 },
    ]);
    expect(setting.state).toBe('inForce');
    harness.points([{ type: 'target', key: '0', value: 6 }]);
    harness.points([{ type: 'target', key: '', value: 6 }]);
    expect(setting.state).toBe('replaced');
  });
});

describe('if the store has reports that are newer than a setting', () => {
  const overtaken = (): { harness: SessionHarness; sequence: number } => {
    const harness = SessionHarness.talking();
    harness.acks = ackTime;
    harness.points([{ type: 'target', value: 3, time: harness.clock.wallNs() }]);
    const slow = harness.settingPoint('target', 5, { time: harness.clock.wallNs() - 10n ** 12n });
    harness.session.settings.set(slow);
    harness.flush();
    harness.advance(100);
    harness.reports.length = 0;
    const sent = harness.take().find(({ point }) => point?.type === 'target');
    return { harness, sequence: sent!.sequence };
  };

  it('its value is published once more when it is acknowledged: blank origin, present time', () => {
    const { harness, sequence } = overtaken();
    expect(harness.published).toEqual([]);
    harness.ack(sequence);
    expect(harness.published).toEqual([
      {
        type: 'target',
        key: '0',
        time: harness.clock.wallNs(),
        value: floatValue(5),
        tombstone: 0,
        origin: '',
      },
    ]);
    harness.ack(sequence);
    expect(harness.published).toHaveLength(1);
  });

  it('its value is not published when there are no such reports', () => {
    const harness = SessionHarness.talking();
    harness.points([{ type: 'target', value: 3 }]);
    harness.reports.length = 0;
    harness.advance(10);
    harness.set('target', 5);
    expect(harness.published).toEqual([]);
  });

  it('its value is not published when the device has reported the point since the setting was last sent', () => {
    const { harness, sequence } = overtaken();
    harness.points([{ type: 'target', value: 4 }]);
    harness.reports.length = 0;
    harness.ack(sequence);
    expect(harness.published).toEqual([]);
  });

  it('its value is published when it was sent again after that report', () => {
    const { harness, sequence } = overtaken();
    harness.points([{ type: 'target', value: 4 }]);
    harness.reports.length = 0;
    harness.advance(1_000);
    harness.ack(sequence);
    expect(harness.published).toMatchObject([{ value: floatValue(5) }]);
  });

  it('its value is not published when a newer setting waits', () => {
    const { harness, sequence } = overtaken();
    const newer = harness.settingPoint('target', 6, { time: harness.clock.wallNs() - 10n ** 11n });
    harness.session.settings.set(newer);
    harness.ack(sequence);
    expect(harness.published).toEqual([]);
  });

  it('a full outbox only delays it', () => {
    const { harness, sequence } = overtaken();
    harness.outbox = 'full';
    harness.ack(sequence);
    harness.outbox = 'taken';
    harness.advance(1_000);
    expect(harness.published).toMatchObject([{ value: floatValue(5) }]);
    expect(harness.published[0]!.time).toBe(harness.clock.wallNs());
  });

  it('a deletion is published with the last value', () => {
    const harness = SessionHarness.talking();
    harness.acks = ackTime;
    harness.points([{ type: 'target', value: 3, time: harness.clock.wallNs() }]);
    const time = harness.clock.wallNs() - 10n ** 12n;
    harness.session.settings.set(harness.settingPoint('target', NO_VALUE, { time, tombstone: 1 }));
    harness.flush();
    harness.reports.length = 0;
    harness.ack(harness.take().findLast(({ subject }) => subject === 'proto')!.sequence);
    expect(harness.published).toMatchObject([{ value: floatValue(3), tombstone: 1 }]);
  });
});

describe('what is known of a setting is enough after a restart of the gateway', () => {
  it('its key goes out as the device spells it', () => {
    const harness = SessionHarness.talking({ acks: ackAll });
    harness.points([{ type: 'target', key: '', value: 1 }]);
    harness.close();
    harness.set('target', 5, { key: '0' });
    const next = harness.reborn();
    next.open();
    expect(next.take().find(({ point }) => point?.type === 'target')?.point?.key).toBe('');
  });

  it('with reports that overtook it, as SIOT shows them, its value is published once more', () => {
    const harness = SessionHarness.talking({ acks: ackNothing });
    harness.set('target', 5);
    const { time } = harness.session.state.settings.get('target', '')!.point;
    const next = harness.reborn({ acks: ackNothing });
    next.session.settings.shown([
      {
        type: 'target',
        key: '0',
        time: time + 1n,
        value: floatValue(4),
        tombstone: 0,
        origin: '',
      },
    ]);
    next.acks = ackAll;
    next.open();
    expect(next.published).toMatchObject([{ type: 'target', value: { number: 5 }, origin: '' }]);
    expect(next.published[0]!.time).toBe(next.clock.wallNs());
  });
});

it('history, reported after the acknowledgement with times from before it, replaces no setting', () => {
  const harness = SessionHarness.talking({ acks: ackAll });
  harness.set('target', 5);
  const before = harness.clock.wallNs() - 60_000_000_000n;
  harness.points([{ type: 'target', value: 4, time: before }]);
  expect(harness.session.state.settings.get('target', '')?.state).toBe('inForce');
  harness.advance(1);
  harness.points([{ type: 'target', value: 4, time: harness.clock.wallNs() }]);
  expect(harness.session.state.settings.get('target', '')?.state).toBe('replaced');
});
