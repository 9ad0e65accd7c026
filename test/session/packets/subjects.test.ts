/** What a packet means is said by its subject: a table of handlers. */
import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../../../firmware-sim/cobs.js';
import { encodePacket } from '../../../firmware-sim/packet.js';
import { SUBJECTS } from '../../../src/session/packets/subjects.js';
import { SessionHarness, ackAll } from '../../support/session-harness.js';
import { PositionHandler } from './position-handler.js';

describe('a subject that is added', () => {
  const withPosition = (): SessionHarness =>
    SessionHarness.opened({ acks: ackAll, subjects: { ...SUBJECTS, position: PositionHandler } });

  it('is served by a file and a line of the table', () => {
    const harness = withPosition();
    harness.take();
    harness.advance(10);
    harness.packet(7, 'position', Uint8Array.of(42));
    expect(harness.published).toMatchObject([
      { type: 'position', key: '0', value: { number: 42 }, origin: '' },
    ]);
    expect(harness.takeAcks()).toEqual([7]);
    expect(harness.connected).toEqual([true]);
    expect(PositionHandler.last?.arrivals).toEqual([
      { ns: harness.clock.wallNs(), ms: harness.clock.monotonicMs() },
    ]);
  });

  it('hears of openings and of restarts, as points do', () => {
    const harness = withPosition();
    harness.packet(7, 'position', Uint8Array.of(1));
    expect(PositionHandler.last?.events).toEqual(['opened']);
    harness.packet(1, 'position', Uint8Array.of(2));
    expect(PositionHandler.last?.events).toEqual(['opened', 'restarted']);
    expect(harness.count('restart')).toBe(1);
  });

  it('counts as work of its link, in the share of time that the link gets', () => {
    const harness = withPosition();
    const packet = { sequence: 7, subject: 'position', payload: Uint8Array.of(42) };
    expect(harness.session.data(encodeFrame(encodePacket(packet)))).toBe(1);
  });

  it('leaves the others as they are: any word that is not in the table means points', () => {
    const harness = withPosition();
    harness.points([{ type: 'temp', value: 5 }], 1, { subject: 'somewhere' });
    expect(harness.published).toMatchObject([{ type: 'temp', value: { number: 5 } }]);
  });
});

describe('the existing subjects', () => {
  it.each([
    ['', true],
    ['ack', true],
    ['phr', true],
    ['file', true],
    // It has no CRC.
    ['log', false],
  ])('%j is a sign of life: %j', (subject, isSign) => {
    const harness = SessionHarness.opened();
    harness.packet(9, subject, Uint8Array.of(0x41));
    expect(harness.connected).toEqual(isSign ? [true] : []);
  });

  it.each([
    ['', { rx: 1, hrRx: 0 }],
    ['ack', { rx: 0, hrRx: 0 }],
    ['phr', { rx: 0, hrRx: 1 }],
    ['file', { rx: 1, hrRx: 0 }],
    ['log', { rx: 1, hrRx: 0 }],
  ])('%j is counted as %j', (subject, counts) => {
    const harness = SessionHarness.opened();
    harness.packet(9, subject);
    expect(harness.session.state.counters).toMatchObject(counts);
  });
});
