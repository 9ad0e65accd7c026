import { describe, expect, it } from 'vitest';
import { CanPipe, IsoTpPipe, type CanPort } from '../../firmware-sim/can.js';
import { encodeFrame } from '../../firmware-sim/cobs.js';
import { IsoTpEnd } from '../support/isotp-bus.js';
import { FakeClock } from '../support/fake-clock.js';
import { toHex } from './vectors.js';

class FakePort implements CanPort {
  onFrame: ((data: Uint8Array) => void) | undefined;
  onPeer: ((present: boolean) => void) | undefined;
  line: (data: Uint8Array) => void = () => undefined;
  readonly sent: string[] = [];
  constructor(readonly frameLength: 8 | 64 = 8) {}
  send(data: Uint8Array): void {
    this.sent.push(toHex(data));
    this.line(data);
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

const count = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => (at * 3) & 255);

describe('the bytes of a UART on CAN', () => {
  it('are cut into frames; those of CAN FD are filled with zeros', () => {
    const classic = new FakePort();
    new CanPipe(classic).write(count(10));
    expect(classic.sent).toEqual(['000306090c0f1215', '181b']);
    const fd = new FakePort(64);
    new CanPipe(fd).write(count(9));
    expect(fd.sent).toEqual(['000306090c0f121518000000']);
  });
});

describe("the device's ISO-TP against the gateway's, which knows nothing of it", () => {
  it.each([
    [8, 0, 0],
    [8, 1, 0],
    [8, 8, 5],
    [64, 0, 0],
    [64, 3, 1],
  ] as const)('frames of %d bytes, blocks of %d, %d ms apart', (frameLength, blockSize, stMin) => {
    const clock = new FakeClock();
    const port = new FakePort(frameLength);
    const longest = frameLength > 8 ? 65_535 : 4095;
    const gateway = new IsoTpEnd(clock, { frameLength, blockSize, stMin }, longest);
    const device = new IsoTpPipe(port, clock, { blockSize, stMin });
    const later = (what: () => void): void => void clock.setTimer(0.1, what);
    port.line = (data) => {
      const copy = Uint8Array.from(data);
      later(() => gateway.connection.receive(copy));
    };
    gateway.line = (frame) => {
      later(() => port.onFrame?.(frame));
    };
    const heard: string[] = [];
    device.onData = (bytes) => void heard.push(toHex(bytes));
    for (const length of [1, 7, 8, 62, 63, 200, 4095, 4096, longest]) {
      if (length > longest) continue;
      const packet = count(length);
      // Both ways at once.
      device.write(encodeFrame(packet));
      gateway.connection.send(packet);
      clock.advance(20_000);
      expect(gateway.packets.splice(0).map(toHex)).toEqual([toHex(packet)]);
      expect(heard.splice(0)).toEqual([toHex(encodeFrame(packet))]);
    }
    expect(gateway.discards).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  it.each([
    [8, 4095],
    [64, 65_535],
  ] as const)('frames of %d bytes: none longer than %d bytes', (frameLength, longest) => {
    const clock = new FakeClock();
    const port = new FakePort(frameLength);
    const device = new IsoTpPipe(port, clock);
    device.write(encodeFrame(count(longest + 1)));
    expect(port.sent).toEqual([]);
    // A first frame of the gateway's, with the escape length: what is too long is refused.
    const first = new Uint8Array(frameLength);
    first.set([0x10, 0, 0, 1, 0, 0]);
    port.onFrame?.(first);
    expect(port.sent).toEqual(['320000']);
  });

  it('a packet that gets no flow control is given up, and the next goes out', () => {
    const clock = new FakeClock();
    const port = new FakePort();
    const device = new IsoTpPipe(port, clock);
    device.write(encodeFrame(count(20)));
    device.write(encodeFrame(count(3)));
    expect(port.sent).toHaveLength(1);
    clock.advance(1000);
    expect(port.sent).toHaveLength(2);
  });
});
