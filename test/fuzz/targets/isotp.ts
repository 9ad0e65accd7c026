/** Packets over the frames of a CAN bus. */
import { IsoTp } from '../../../firmware-sim/isotp.js';
import { IsoTpConnection } from '../../../src/framing/isotp/isotp.js';
import type { IsoTpOptions } from '../../../src/framing/isotp/options.js';
import { FakeClock } from '../../support/fake-clock.js';
import { agree, must, type FuzzTarget } from '../target.js';

const MAX_PACKET = 600;
const MOST_STEPS = 200;
/** For each direction one timeout, and one gap between frames. */
const MOST_TIMERS = 4;

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/**
 * The input is a script: what the device's frames are, and when.
 *
 * ```
 *  0 n bytes[n]    a frame with this data, at most as long as the bus has them
 *  1 t             t² ms go by
 *  2 n             we send a packet of n × 3 bytes
 *  3               the controller takes frames again
 * ```
 */
function arbitrary(script: Uint8Array, options: IsoTpOptions): void {
  const clock = new FakeClock();
  const connection = new IsoTpConnection(
    {
      write: (frame) => {
        must(frame.length <= options.frameLength, 'a frame that the bus does not have');
        return (frame.length & 7) !== 5;
      },
      packet: (bytes) => {
        must(bytes.length > 0 && bytes.length <= MAX_PACKET, `a packet of ${bytes.length} bytes`);
        bytes.fill(0xaa);
      },
      discard: (_cause, length) => must(length >= 0, 'less than nothing was discarded'),
      ready: () => undefined,
    },
    options,
    clock,
    MAX_PACKET,
  );
  let at = 0;
  const byte = (): number => script[at++] ?? 0;
  for (let step = 0; step < MOST_STEPS && at < script.length; step += 1) {
    switch (byte() & 3) {
      case 0: {
        const length = byte() % (options.frameLength + 1);
        connection.receive(script.slice(at, (at += length)));
        break;
      }
      case 1:
        clock.advance(byte() ** 2);
        break;
      case 2:
        connection.send(new Uint8Array(byte() * 3 + 1).fill(step));
        break;
      default:
        connection.drained();
    }
    must(clock.pendingTimers <= MOST_TIMERS, `${clock.pendingTimers} timers`);
  }
  connection.reset();
  agree('timers left', clock.pendingTimers, 0);
}

/** What one side sends the other gets, whole and in order, between us and the simulated device. */
function honest(packets: readonly Uint8Array[], frameLength: 8 | 64): void {
  const clock = new FakeClock();
  const [up, down]: [string[], string[]] = [[], []];
  const device = new IsoTp(
    {
      frameLength,
      send: (frame) => void clock.setTimer(0, () => ours.receive(Uint8Array.from(frame))),
      packet: (bytes) => void down.push(hexOf(bytes)),
    },
    clock,
  );
  const ours = new IsoTpConnection(
    {
      write: (frame) => {
        const copy = Uint8Array.from(frame);
        clock.setTimer(0, () => device.frame(copy));
        return true;
      },
      packet: (bytes) => void up.push(hexOf(bytes)),
      discard: (cause) => must(false, `discarded on a good bus: ${cause}`),
      ready: () => undefined,
    },
    { blockSize: 4, stMin: 0, frameLength },
    clock,
    4_000,
  );
  for (const packet of packets) {
    device.send(packet);
    ours.send(packet);
    clock.advance(20_000);
  }
  const sent = packets.map(hexOf);
  agree('up', up, sent);
  agree('down', down, sent);
}

export const isoTpTarget: FuzzTarget = {
  name: 'isotp',
  files: [
    'src/framing/isotp/isotp.ts',
    'src/framing/isotp/pdu.ts',
    'src/framing/isotp/receiver.ts',
    'src/framing/isotp/sender.ts',
  ],
  maxLength: 900,
  words: [
    Uint8Array.of(0, 3, 0x30, 0, 0),
    Uint8Array.of(0, 8, 0x10, 20, 1, 2, 3, 4, 5, 6),
    Uint8Array.of(0, 8, 0x21, 7, 8, 9, 10, 11, 12, 13),
    Uint8Array.of(2, 40),
    Uint8Array.of(1, 40),
  ],
  corpus: () => [
    Uint8Array.from([0, 4, 3, 10, 11, 12]),
    Uint8Array.from([
      0, 8, 0x10, 20, 1, 2, 3, 4, 5, 6, 0, 8, 0x21, 7, 8, 9, 10, 11, 12, 13, 0, 8, 0x22, 14, 15, 16,
      17, 18, 19, 20,
    ]),
    Uint8Array.from([2, 20, 0, 3, 0x30, 2, 5, 1, 4, 0, 3, 0x30, 0, 0, 1, 100]),
    Uint8Array.from([2, 20, 0, 3, 0x31, 0, 0, 0, 3, 0x32, 0, 0]),
  ],
  check: (input) => {
    const flow = { blockSize: (input[0] ?? 0) & 3, stMin: (input[1] ?? 0) & 7 };
    arbitrary(input, { ...flow, frameLength: 8 });
    arbitrary(input, { ...flow, frameLength: 64, padding: 0xcc });
    arbitrary(input, { ...flow, frameLength: 8, address: { tx: 1, rx: 0 } });
    if (input.length < 2) return;
    honest(
      [input, input.subarray(0, 7), input.subarray(0, input.length / 2)].filter(
        ({ length }) => length > 0,
      ),
      8,
    );
    honest([input.subarray(0, 62), input], 64);
  },
};
