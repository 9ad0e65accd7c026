/** docs/contract.md, 'Towards the device', "Devices that never acknowledge", and "Connected". */
import { describe, expect, it } from 'vitest';
import { NO_VALUE } from '../../../src/point/point.js';
import { SessionHarness, ackAll } from '../../support/session-harness.js';

const points = (harness: SessionHarness, n = 1): void => {
  for (let i = 0; i < n; i += 1) harness.points([{ type: 'temp', value: i }]);
};
/** One that is known not to acknowledge. */
const mute = (options: ConstructorParameters<typeof SessionHarness>[0] = {}): SessionHarness => {
  const harness = SessionHarness.opened(options);
  points(harness);
  harness.advance(10_000);
  points(harness);
  harness.advance(10_000);
  expect(harness.session.downlink.acknowledges).toBe('no');
  harness.take();
  return harness;
};

describe('devices that never acknowledge points', () => {
  it('the first packet to a new device gets all its retries, and again at its first sign of life', () => {
    const harness = SessionHarness.opened();
    harness.advance(10_000);
    expect(harness.takePoints()).toEqual(Array<string>(4).fill('timeSync'));
    expect(harness.session.downlink.acknowledges).toBe('unknown');
    points(harness);
    harness.advance(10_000);
    expect(harness.takePoints()).toEqual(Array<string>(4).fill('timeSync'));
    expect(harness.session.downlink.acknowledges).toBe('no');
  });

  it('also when that sign comes while the first packet has its retries', () => {
    const harness = SessionHarness.opened();
    harness.advance(3_500);
    points(harness);
    expect(harness.takePoints()).toEqual(Array<string>(4).fill('timeSync'));
    harness.set('target', 5);
    harness.advance(20_000);
    expect(harness.takePoints()).toEqual([...Array<string>(4).fill('timeSync'), 'target=5']);
    expect(harness.session.downlink.acknowledges).toBe('no');
  });

  it('an absent device is not taken for one of them, however long it is absent', () => {
    const harness = SessionHarness.opened();
    harness.set('target', 5);
    harness.advance(600_000);
    expect(harness.session.downlink.acknowledges).toBe('unknown');
    harness.acks = ackAll;
    harness.take();
    points(harness);
    expect(harness.takePoints()).toEqual(['timeSync', 'target=5']);
  });

  it('from then on packets are sent once, at least 20 ms apart, whether the device was heard or not', () => {
    const harness = mute();
    harness.advance(3_600_000);
    harness.take();
    for (const type of ['a', 'b', 'c']) harness.set(type, 1);
    harness.advance(3_600_000);
    const sent = harness.take();
    expect(sent.map(({ point }) => point!.type)).toEqual(['a', 'b', 'c']);
    expect(sent[1]!.atMs - sent[0]!.atMs).toBeGreaterThanOrEqual(20);
    expect(sent[2]!.atMs - sent[1]!.atMs).toBeGreaterThanOrEqual(20);
    expect(sent[2]!.atMs - sent[0]!.atMs).toBeLessThan(100);
  });

  it('and count as unconfirmed, which is logged once', () => {
    const harness = mute();
    for (const type of ['a', 'b', 'c']) harness.set(type, 1);
    harness.advance(1_000);
    expect(harness.count('unconfirmed')).toBe(3);
    expect(harness.log.filter(({ message }) => message.includes('unconfirmed'))).toHaveLength(1);
  });

  it('an unconfirmed setting is no longer pending and is in force: sent again after a restart', () => {
    const harness = mute();
    const setting = harness.set('target', 5);
    expect(setting).toMatchObject({ state: 'unconfirmed', waiting: false, inForce: true });
    expect(harness.session.downlink.pendingCount).toBe(0);
    harness.take();
    harness.hello();
    harness.advance(1_000);
    expect(harness.takePoints()).toEqual(['timeSync', 'target=5']);
  });

  it('a command is sent once, and has ended', () => {
    const harness = mute({ commands: ['restart'] });
    const command = harness.set('restart', 1);
    expect(command.state).toBe('ended');
    harness.hello();
    harness.advance(10_000);
    expect(harness.takePoints().filter((one) => one === 'restart=1')).toHaveLength(1);
  });

  it('this is known for each link, and kept', () => {
    const second = mute().reborn();
    second.set('target', 5);
    second.open();
    second.advance(60_000);
    expect(second.takePoints()).toEqual(['timeSync', 'target=5']);
  });

  it('one acknowledgement changes that, and confirms what it acknowledges', () => {
    const harness = mute();
    const setting = harness.set('target', 5);
    harness.ack(harness.take()[0]!.sequence);
    expect(setting.state).toBe('inForce');
    expect(harness.session.downlink.acknowledges).toBe('yes');
    harness.set('other', 1);
    harness.advance(2_500);
    expect(harness.takePoints()).toEqual(Array<string>(3).fill('other=1'));
    expect(harness.reborn().session.downlink.acknowledges).toBe('yes');
  });

  it('an ack to nothing that was sent does not', () => {
    const harness = mute();
    harness.ack(200);
    expect(harness.session.downlink.acknowledges).toBe('no');
  });

  it('a report equal to an unconfirmed setting confirms it', () => {
    const harness = mute();
    const setting = harness.set('target', 5);
    harness.points([{ type: 'target', value: 5 }]);
    expect(setting.state).toBe('inForce');
  });

  it('a differing one does not replace it: there is no acknowledgement that it came after', () => {
    const harness = mute();
    const setting = harness.set('target', 5);
    harness.advance(100);
    harness.points([{ type: 'target', value: 6 }]);
    expect(setting.state).toBe('unconfirmed');
  });

  it('they never get a probe or a timeSync for their silence', () => {
    const harness = mute();
    harness.advance(3_600_000);
    expect(harness.take()).toEqual([]);
    expect(harness.connected.at(-1)).toBe(true);
  });
});

describe('silenceTimeoutMs tells when such a device counts as gone', () => {
  it('after that time without a packet', () => {
    const harness = mute({ silenceTimeoutMs: 60_000 });
    points(harness);
    harness.advance(30_000);
    points(harness);
    harness.advance(59_999);
    expect(harness.connected.at(-1)).toBe(true);
    harness.advance(1);
    expect(harness.connected.at(-1)).toBe(false);
    points(harness);
    expect(harness.connected.at(-1)).toBe(true);
    harness.advance(60_000);
    expect(harness.connected.at(-1)).toBe(false);
  });

  it('one that acknowledges is asked instead', () => {
    const harness = SessionHarness.talking({ silenceTimeoutMs: 10_000 });
    harness.advance(300_000);
    expect(harness.connected).toEqual([true]);
  });
});

describe('connected means that the device talks, not that the port is open', () => {
  it('0 until it is heard, and when the port is closed', () => {
    const harness = SessionHarness.opened();
    expect(harness.connected).toEqual([]);
    expect(harness.session.state.connected).toBe(false);
    points(harness);
    expect(harness.connected).toEqual([true]);
    harness.close();
    expect(harness.connected).toEqual([true, false]);
    harness.open();
    expect(harness.session.state.connected).toBe(false);
  });

  it('is reported only when it changes', () => {
    const harness = SessionHarness.talking();
    points(harness, 5);
    harness.close();
    harness.close();
    expect(harness.connected).toEqual([true, false]);
  });

  it('nothing is left ticking after closing', () => {
    const harness = mute({ silenceTimeoutMs: 60_000 });
    harness.set('gone', NO_VALUE, { tombstone: 1 });
    harness.hello();
    harness.close();
    expect(harness.clock.pendingTimers).toBe(0);
  });
});
