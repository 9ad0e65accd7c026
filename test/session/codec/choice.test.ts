/** docs/contract.md, 'Towards the device', "Codec". */
import { describe, expect, it } from 'vitest';
import type { Sent } from '../../support/session-harness.js';
import { SessionHarness, ackAll, ackNothing } from '../../support/session-harness.js';

const auto = (options: ConstructorParameters<typeof SessionHarness>[0] = {}): SessionHarness => {
  const harness = new SessionHarness(options);
  harness.open();
  return harness;
};
const onlyAcks =
  (protocol: 'protobuf' | 'compact') =>
  (packet: Sent): number | undefined =>
    packet.protocol === protocol ? 0 : undefined;
const codecs = (harness: SessionHarness): string[] =>
  harness.take().map(({ protocol, point }) => `${protocol ?? '?'} ${point?.type ?? '?'}`);

describe('protocol: auto', () => {
  it.each(['protobuf', 'compact'] as const)(
    'decides from the first point payload: %s, and answers in it',
    (device) => {
      const harness = auto({ device });
      harness.set('target', 5);
      expect(harness.take()).toEqual([]);
      harness.acks = ackAll;
      harness.points([{ type: 'temp', value: 1 }]);
      harness.flush();
      const points = harness.take().filter(({ subject }) => subject === 'proto');
      expect(points.map(({ protocol, point }) => [protocol, point?.type])).toEqual([
        [device, 'timeSync'],
        [device, 'target'],
      ]);
      expect(harness.session.codecName).toBe(device);
    },
  );

  it('no setting is sent before that: neither a hello, a log, a phr nor an ack tells the codec', () => {
    const harness = auto();
    harness.set('target', 5);
    harness.hello();
    harness.packet(7, 'log', Buffer.from('hi'));
    harness.packet(8, 'phr', new Uint8Array(48));
    harness.ack(1);
    harness.advance(4_000);
    expect(harness.take()).toEqual([]);
  });

  it('a compact empty list counts as a payload', () => {
    const harness = auto({ acks: ackAll });
    harness.set('target', 5);
    harness.points([]);
    expect(harness.session.codecName).toBe('compact');
    expect(harness.takePoints()).toContain('target=5');
  });

  it('a payload says otherwise: the codec follows the firmware', () => {
    const harness = auto({ device: 'compact', acks: ackAll });
    harness.points([{ type: 'temp', value: 1 }], 5);
    harness.points([{ type: 'temp', value: 2 }], 6, { protocol: 'protobuf' });
    expect(harness.session.codecName).toBe('protobuf');
    harness.points([{ type: 'temp', value: 3 }], 7);
    expect(harness.session.codecName).toBe('compact');
    expect(harness.published.map(({ value }) => value)).toMatchObject([
      { number: 1 },
      { number: 2 },
      { number: 3 },
    ]);
    expect(harness.takeAcks()).toEqual([5, 6, 7]);
  });

  it('a payload of neither codec is counted and changes nothing', () => {
    const harness = auto();
    harness.points([{ type: 'temp', value: 1 }], 5);
    harness.packet(6, '', Uint8Array.of(1, 2, 3));
    expect(harness.session.codecName).toBe('compact');
    expect(harness.count('payload')).toBe(1);
  });

  it('the codec last seen is kept and used from the next opening on, before the device has spoken', () => {
    const first = auto({ device: 'compact', acks: ackAll });
    first.points([{ type: 'temp', value: 1 }]);
    const second = first.reborn();
    second.set('target', 5);
    second.open();
    expect(codecs(second)).toEqual(['compact timeSync', 'compact target']);
  });

  it('it is used also when the port is opened again in the same run', () => {
    const harness = auto({ device: 'protobuf', acks: ackAll });
    harness.points([{ type: 'temp', value: 1 }]);
    harness.close();
    harness.take();
    harness.open();
    expect(codecs(harness)).toEqual(['protobuf timeSync']);
  });
});

describe('a device that says nothing', () => {
  it('after 5 s without a payload, and then every 30 s, gets a timeSync in both codecs in turn', () => {
    const harness = auto();
    harness.advance(4_999);
    expect(harness.take()).toEqual([]);
    harness.advance(1 + 29_000);
    let sent = harness.take();
    expect(sent.map(({ point }) => point?.type)).toEqual(['timeSync', 'timeSync']);
    expect(new Set(sent.map(({ protocol }) => protocol))).toEqual(new Set(['protobuf', 'compact']));
    expect(new Set(sent.map(({ sequence }) => sequence)).size).toBe(2);
    expect(sent[0]!.atMs).toBe(5_000);
    const [first] = sent;
    harness.advance(30_000);
    sent = harness.take();
    expect(sent).toHaveLength(2);
    expect(sent[0]!.atMs).toBe(first!.atMs + 30_000);
    // The time in each is that of its sending.
    expect(sent[0]!.point!.time - first!.point!.time).toBe(30_000_000_000n);
  });

  it('one unacknowledged packet at a time: the second waits for the first', () => {
    const harness = auto();
    harness.advance(5_000);
    expect(harness.take()).toHaveLength(1);
    harness.advance(999);
    expect(harness.take()).toHaveLength(0);
    harness.advance(1);
    expect(harness.take()).toHaveLength(1);
  });

  it.each(['protobuf', 'compact'] as const)(
    'an ack to only one of them settles it: %s; settings follow, and advice is given',
    (protocol) => {
      const harness = auto({ acks: onlyAcks(protocol) });
      harness.set('target', 5);
      harness.advance(8_000);
      expect(harness.session.codecName).toBe(protocol);
      expect(codecs(harness)).toContain(`${protocol} target`);
      expect(harness.session.advice).toMatch(new RegExp(`protocol.*${protocol}`));
      expect(harness.log.filter(({ message }) => message.includes('set protocol'))).toHaveLength(1);
      expect(harness.session.downlink.acknowledges).toBe('yes');
      expect(harness.connected).toEqual([true]);
    },
  );

  it('this holds also when that ack comes late', () => {
    const harness = auto({
      acks: (packet) => (packet.protocol === 'compact' ? 1_500 : undefined),
    });
    harness.advance(40_000);
    expect(harness.session.codecName).toBe('compact');
  });

  it('acks to both settle nothing, and advice is given', () => {
    const harness = auto({ acks: ackAll });
    harness.set('target', 5);
    harness.advance(70_000);
    expect(harness.session.codecName).toBe('unknown');
    expect(codecs(harness)).not.toContain('compact target');
    expect(harness.session.advice).toMatch(/set protocol/);
    expect(harness.log.filter(({ message }) => message.includes('set protocol'))).toHaveLength(1);
  });

  it('acks to none settle nothing', () => {
    const harness = auto();
    harness.advance(70_000);
    expect(harness.session.codecName).toBe('unknown');
    expect(harness.session.advice).toBeUndefined();
  });

  it('the first payload ends the probing, and the advice', () => {
    const harness = auto({ acks: ackAll });
    harness.advance(10_000);
    harness.points([{ type: 'temp', value: 1 }]);
    expect(harness.session.advice).toBeUndefined();
    harness.take();
    harness.advance(29_000);
    expect(harness.take()).toEqual([]);
  });

  it('the advice after a probe ends with the first payload, too', () => {
    const harness = auto({ acks: onlyAcks('compact'), device: 'compact' });
    harness.advance(10_000);
    expect(harness.session.advice).toBeDefined();
    harness.points([{ type: 'temp', value: 1 }]);
    expect(harness.session.advice).toBeUndefined();
  });

  it('nothing goes out to a closed port', () => {
    const harness = auto();
    harness.advance(5_000);
    harness.take();
    harness.close();
    harness.advance(100_000);
    expect(harness.take()).toEqual([]);
    harness.open();
    harness.advance(5_000);
    expect(harness.take()).toHaveLength(1);
  });

  it('with a configured protocol there is no probe', () => {
    const harness = auto({ codec: 'protobuf' });
    expect(codecs(harness)).toEqual(['protobuf timeSync']);
  });
});

describe('a configured protocol', () => {
  it.each([
    ['protobuf', 'compact'],
    ['compact', 'protobuf'],
  ] as const)(
    '%s with a %s device: counted, not acknowledged, advice given',
    (protocol, device) => {
      const harness = auto({ codec: protocol, device });
      harness.take();
      harness.points([{ type: 'temp', value: 1 }]);
      expect(harness.published).toEqual([]);
      expect(harness.takeAcks()).toEqual([]);
      expect(harness.count('payload')).toBe(1);
      expect(harness.session.advice).toMatch(new RegExp(`sends ${device}`));
    },
  );

  it('wins over the codec that was kept', () => {
    const first = auto({ device: 'compact' });
    first.points([{ type: 'temp', value: 1 }]);
    const second = first.reborn({ codec: 'protobuf' });
    second.open();
    expect(codecs(second)).toEqual(['protobuf timeSync']);
  });
});

it('a device that fell silent before its codec was known, and answers to no probe, is not connected', () => {
  const harness = SessionHarness.opened({ codec: 'auto', acks: ackNothing });
  harness.hello();
  expect(harness.session.state.connected).toBe(true);
  harness.advance(29_000);
  expect(harness.session.state.connected).toBe(true);
  harness.advance(35_000);
  expect(harness.session.state.connected).toBe(false);
});

describe('a payload that says otherwise than the codec that was kept', () => {
  it('gets the time in its own codec at once, and then the settings', () => {
    const harness = SessionHarness.talking({ codec: 'auto', device: 'compact' });
    // Reflashed: the other codec, which alone it understands and acknowledges.
    harness.device = 'protobuf';
    harness.acks = (packet) => (packet.protocol === 'protobuf' ? 0 : undefined);
    harness.hello();
    harness.set('target', 5);
    harness.take();
    harness.points([{ type: 'temp', value: 1 }]);
    harness.flush();
    const sent = harness.take().filter(({ point }) => point !== undefined);
    expect(sent.map(({ protocol, point }) => [protocol, point?.type])).toEqual([
      ['protobuf', 'timeSync'],
      ['protobuf', 'target'],
    ]);
    expect(harness.session.downlink.pendingCount).toBe(0);
  });
});
