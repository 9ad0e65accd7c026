import { describe, expect, it } from 'vitest';
import * as behave from '../../firmware-sim/behaviours.js';
import { encodeFrame } from '../../firmware-sim/cobs.js';
import { SimulatedMcu, type McuOptions } from '../../firmware-sim/mcu.js';
import { encodePacket } from '../../firmware-sim/packet.js';
import { pipePair } from '../../firmware-sim/pipe.js';
import { numberIn } from '../../firmware-sim/points.js';
import { NotReceivedError } from '../../firmware-sim/transcript.js';
import { FAKE_START_NS, FakeClock } from '../support/fake-clock.js';
import { Peer } from './peer.js';

function build(options: Partial<McuOptions> = {}) {
  const clock = new FakeClock();
  const [device, gateway] = pipePair();
  const protocol = options.protocol ?? 'protobuf';
  const mcu = new SimulatedMcu(device, { protocol, clock, ...options });
  return { clock, mcu, peer: new Peer(gateway, protocol) };
}

describe.each(['protobuf', 'compact'] as const)('SimulatedMcu, %s', (protocol) => {
  it('acknowledges each point packet with its own sequence, under either subject', () => {
    const { mcu, peer } = build({ protocol });
    peer.set({ type: 'setpoint', value: 2.5 }, 'proto', 7);
    peer.set({ type: 'setpoint', value: 3.5, key: '0' }, '', 0);
    peer.set({ type: 'unheardOf', value: 'x' }, '', 255);
    expect(peer.acks).toEqual([7, 0, 255]);
    expect(mcu.receivedPoints.map((p) => numberIn(p.value))).toEqual([2.5, 3.5, 0]);
  });

  it('sends points until they are acknowledged, unchanged', async () => {
    const { mcu, peer, clock } = build({ protocol });
    peer.acknowledges = false;
    const sent = mcu.sendPoints([{ type: 'flow', value: 1.5 }]);
    clock.advance(2500);
    expect(peer.packets).toHaveLength(3);
    expect(new Set(peer.packets.map((p) => Buffer.from(p.payload).toString('hex'))).size).toBe(1);
    peer.ack(peer.packets[0]?.sequence ?? 0);
    expect(await sent).toEqual({
      outcome: 'acknowledged',
      sequence: 1,
      transmissions: 3,
      tookMs: 2500,
    });
    clock.advance(10_000);
    expect(peer.packets).toHaveLength(3);
    expect(clock.pendingTimers).toBe(0);
  });

  it('gives up after its retries, and goes on with the next', async () => {
    const { mcu, peer, clock } = build({ protocol, retries: 2, ackTimeoutMs: 100 });
    peer.acknowledges = false;
    const first = mcu.sendPoints([{ type: 'flow', value: 1 }]);
    const second = mcu.sendPoints([{ type: 'flow', value: 2 }]);
    clock.advance(299);
    expect(peer.values('flow').map(numberIn)).toEqual([1, 1, 1]);
    clock.advance(1);
    expect((await first).outcome).toBe('unacknowledged');
    peer.ack(2);
    expect((await second).outcome).toBe('acknowledged');
  });

  it('says hello when it starts, and starts its sequence anew when it restarts', async () => {
    const { mcu, peer, clock } = build({ protocol, bootMs: 50 });
    mcu.start();
    await mcu.sendPoints([{ type: 'flow', value: 1 }]);
    peer.acknowledges = false;
    const lost = mcu.sendPoints([{ type: 'flow', value: 2 }]);
    mcu.reboot();
    expect((await lost).outcome).toBe('aborted');
    peer.set({ type: 'setpoint', value: 1 });
    expect(mcu.received.filter((p) => p.subject === 'proto')).toEqual([]);
    clock.advance(50);
    const own = peer.packets.filter((p) => p.subject === '');
    expect(own.map((p) => p.sequence)).toEqual([1, 2, 3, 1]);
    expect(peer.decode(own[0] ?? { sequence: 0, subject: '', payload: new Uint8Array() })).toEqual(
      [],
    );
    expect(own[3]?.payload).toHaveLength(protocol === 'compact' ? 4 : 0);
  });

  it('does not accept packets of the other codec', () => {
    const { mcu, peer } = build({ protocol });
    const other = new Peer(pipePair()[0], protocol === 'compact' ? 'protobuf' : 'compact');
    other.send = (packet) => peer.send(packet);
    other.set({ type: 'timeSync', time: FAKE_START_NS });
    expect(peer.acks).toEqual([]);
    expect(mcu.problems.undecodable).toBe(1);
    expect(mcu.clockNs).toBe(0n);
  });
});

describe('time', () => {
  it('is 0 until timeSync has come, then the time of day', async () => {
    const { mcu, peer, clock } = build();
    await mcu.sendPoints([{ type: 'a', value: 1 }]);
    peer.set({ type: 'timeSync', time: 1_000_000_000_000_000_000n });
    clock.advance(250);
    await mcu.sendPoints([{ type: 'b', value: 1 }]);
    mcu.reboot();
    clock.advance(1000);
    await mcu.sendPoints([{ type: 'c', value: 1 }]);
    expect(peer.points.map((p) => p.time)).toEqual([0n, 1_000_000_000_250_000_000n, 0n]);
  });

  it('counts from its own start where it has no clock', async () => {
    const { mcu, peer, clock } = build({ times: 'sinceStart', bootMs: 10 });
    clock.advance(1500);
    peer.set({ type: 'timeSync', time: FAKE_START_NS });
    await mcu.sendPoints([{ type: 'a', value: 1 }]);
    mcu.reboot();
    clock.advance(40);
    await mcu.sendPoints([{ type: 'b', value: 1 }]);
    expect(peer.points.map((p) => p.time)).toEqual([1_500_000_000n, 30_000_000n]);
  });

  it('given with a point is sent unchanged', async () => {
    const { mcu, peer } = build();
    await mcu.sendPoints([{ type: 'a', value: 1, time: 42n, origin: 'o', tombstone: 1, key: 'k' }]);
    expect(peer.points).toMatchObject([{ time: 42n, origin: 'o', tombstone: 1, key: 'k' }]);
  });
});

describe('window', () => {
  it('keeps so many packets on their way, and takes acks in any order', async () => {
    const { mcu, peer } = build({ window: 3 });
    peer.acknowledges = false;
    const all = [1, 2, 3, 4, 5].map((value) => mcu.sendPoints([{ type: 'flow', value }]));
    expect(peer.values('flow').map(numberIn)).toEqual([1, 2, 3]);
    peer.ack(2);
    expect(peer.values('flow').map(numberIn)).toEqual([1, 2, 3, 4]);
    peer.ack(1);
    peer.ack(3);
    peer.ack(4);
    peer.ack(5);
    expect((await Promise.all(all)).map((r) => r.outcome)).toEqual(Array(5).fill('acknowledged'));
  });

  it('uses sequences 1 to 255, none twice at a time', async () => {
    const { mcu, peer } = build({ window: 2, retries: 1000 });
    peer.acknowledges = false;
    void mcu.sendPoints([{ type: 'stuck', value: 1 }]);
    peer.acknowledges = true;
    for (let i = 0; i < 600; i += 1) await mcu.sendPoints([{ type: 'flow', value: i + 1 }]);
    const used = peer.packets.map((p) => p.sequence).slice(1);
    expect(Math.min(...used)).toBe(2);
    expect(Math.max(...used)).toBe(255);
    expect(used).not.toContain(1);
  });
});

describe('behaviours', () => {
  it('are asked newest first, and can be taken off again', () => {
    const { mcu, peer } = build();
    const off = mcu.push(behave.neverAcknowledge());
    peer.set({ type: 'setpoint', value: 1 });
    expect(peer.acks).toEqual([]);
    mcu.push(behave.acknowledgeWrong());
    peer.set({ type: 'setpoint', value: 2 }, 'proto', 255);
    expect(peer.acks).toEqual([0]);
    off();
    mcu.push(behave.limited(behave.acknowledgeTwice(), 1));
    peer.set({ type: 'setpoint', value: 3 }, 'proto', 9);
    expect(peer.acks).toEqual([0, 9, 9]);
    peer.set({ type: 'setpoint', value: 4 }, 'proto', 10);
    expect(peer.acks).toEqual([0, 9, 9, 11]);
  });

  it('acknowledge late, once the time has come', () => {
    const { mcu, peer, clock } = build();
    mcu.push(behave.whenType('slow', behave.acknowledgeLate(300)));
    peer.set({ type: 'slow', value: 1 }, 'proto', 5);
    peer.set({ type: 'fast', value: 1 }, 'proto', 6);
    clock.advance(299);
    expect(peer.acks).toEqual([6]);
    clock.advance(1);
    expect(peer.acks).toEqual([6, 5]);
  });

  it('see points even where they are ignored, in the transcript', () => {
    const { mcu, peer } = build();
    const applied: string[] = [];
    mcu.observe({ points: (points) => applied.push(...points.map((p) => p.type)) });
    mcu.push(behave.limited(behave.ignorePoints(), 1));
    peer.set({ type: 'first', value: 1 });
    peer.set({ type: 'second', value: 1 });
    expect(applied).toEqual(['second']);
    mcu.assertReceived('first');
  });

  it('ignore acks: everything is sent again', () => {
    const { mcu, peer, clock } = build();
    mcu.push(behave.ignoreAcks());
    void mcu.sendPoints([{ type: 'flow', value: 1 }]);
    clock.advance(1000);
    expect(peer.values('flow')).toHaveLength(2);
  });
});

describe('what it received', () => {
  it('marks retransmissions, and applies them once', () => {
    const { mcu, peer } = build();
    let applied = 0;
    mcu.observe({ points: () => (applied += 1) });
    for (const sequence of [4, 4, 5]) peer.set({ type: 'setpoint', value: 1 }, 'proto', sequence);
    expect(mcu.received.map((p) => p.retransmission)).toEqual([false, true, false]);
    expect(peer.acks).toEqual([4, 4, 5]);
    expect(applied).toBe(2);
  });

  it('can be waited for, before and after it came', async () => {
    const { mcu, peer, clock } = build();
    const later = mcu.waitForSetting('setpoint', (p) => numberIn(p.value) === 2);
    peer.set({ type: 'setpoint', value: 1 });
    peer.set({ type: 'setpoint', value: 2, key: '0' });
    expect(numberIn((await later).value)).toBe(2);
    expect(numberIn((await mcu.waitForSetting('setpoint')).value)).toBe(1);
    const fresh = mcu.waitForSetting('setpoint', undefined, { fromNow: true, key: '' });
    peer.set({ type: 'setpoint', value: 3, key: 'other' });
    peer.set({ type: 'setpoint', value: 4 });
    expect(numberIn((await fresh).value)).toBe(4);
    expect(clock.pendingTimers).toBe(0);
  });

  it('says in its errors what was received instead', async () => {
    const { mcu, peer, clock } = build();
    peer.set({ type: 'mode', value: 'eco' });
    const wait = mcu.waitForSetting('setpoint', undefined, { timeoutMs: 200 });
    clock.advance(200);
    await expect(wait).rejects.toThrow(/Setting "setpoint" was not received[^]*mode = "eco"/);
    expect(() => mcu.assertReceived('setpoint')).toThrow(NotReceivedError);
    expect(() => {
      mcu.assertNotReceived('mode');
    }).toThrow(NotReceivedError);
    mcu.clearReceived();
    mcu.assertNotReceived('mode');
  });

  it('ends every wait when the device is closed', async () => {
    const { mcu, peer, clock } = build();
    peer.acknowledges = false;
    const wait = mcu.waitForTimeSync();
    const sent = mcu.sendPoints([{ type: 'flow', value: 1 }]);
    await mcu.close();
    await expect(wait).rejects.toThrow('the device was closed');
    expect((await sent).outcome).toBe('aborted');
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('bad input', () => {
  it('counts each cause, answers nothing, and goes on', () => {
    const { mcu, peer } = build({ maxFrameLength: 200 });
    const frame = encodeFrame(
      encodePacket({ sequence: 1, subject: 'proto', payload: Uint8Array.of(10, 3, 18, 1, 116) }),
    );
    const broken = Uint8Array.from(frame);
    broken[frame.length - 4] = 0x55;
    for (const bytes of [
      broken,
      Uint8Array.of(0, 9, 1, 0),
      Uint8Array.of(0, 2, 7, 0),
      encodeFrame(new Uint8Array(300).fill(3)),
      encodeFrame(encodePacket({ sequence: 1, subject: '', payload: Uint8Array.of(10, 9) })),
      encodeFrame(encodePacket({ sequence: 1, subject: 'nonsense', payload: Uint8Array.of(1) })),
    ]) {
      peer['pipe'].write(bytes);
    }
    expect(mcu.problems).toEqual({ crc: 1, malformed: 1, short: 1, oversize: 1, undecodable: 1 });
    expect(peer.acks).toEqual([]);
    peer['pipe'].write(frame);
    expect(peer.acks).toEqual([1]);
  });

  it('what comes while it restarts is not heard, nor joined to what comes after', () => {
    const { mcu, peer, clock } = build({ bootMs: 50 });
    const payload = Uint8Array.of(10, 3, 18, 1, 116);
    const frame = encodeFrame(encodePacket({ sequence: 1, subject: 'proto', payload }));
    peer['pipe'].write(frame.subarray(0, 9));
    mcu.reboot();
    peer['pipe'].write(frame.subarray(9, 20));
    clock.advance(50);
    peer['pipe'].write(frame.subarray(20));
    expect(mcu.received).toEqual([]);
    mcu.reboot();
    peer['pipe'].write(frame.subarray(0, 20));
    clock.advance(50);
    peer['pipe'].write(frame.subarray(20));
    expect(mcu.received).toEqual([]);
    peer['pipe'].write(frame);
    expect(peer.acks).toEqual([1]);
  });

  it('an empty list of points is not acknowledged', () => {
    const { mcu, peer } = build();
    peer.send({ sequence: 1, subject: 'proto', payload: new Uint8Array() });
    expect(mcu.received).toHaveLength(1);
    expect(peer.acks).toEqual([]);
  });
});

it('logs without a CRC, and raw bytes as they are', () => {
  const { mcu, peer } = build();
  mcu.sendLog('Hi there');
  mcu.sendRaw(Uint8Array.of(1, 2, 3));
  const frame = '0005016c6f67010101010101010101010101094869207468657265' + '00';
  expect(Buffer.from(peer.bytes).toString('hex')).toBe(`${frame}010203`);
});
