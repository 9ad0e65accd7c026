/** ISO-TP against the kernel's own, both ways. */
import { afterEach, describe, expect, it } from 'vitest';
import { createFraming, type IsoTpOptions } from '../../src/framing/framings.js';
import { stMinCode } from '../../src/framing/isotp-pdu.js';
import { SystemClock } from '../../src/point/clock.js';
import { createTransport } from '../../src/transport/transports.js';
import type { Channel } from '../../src/transport/transport.js';
import { until } from '../e2e/until.js';
import { VCAN, withBus } from './support/can-line.js';
import { EXTENT } from './support/extent.js';
import { KernelIsoTp } from './support/kernel-isotp.js';
import { Peer } from './support/system.js';

withBus({ fd: true });

const clock = new SystemClock();
const [DOWN, UP] = [0x123, 0x124];
let endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.reverse()) await end();
  endings = [];
});

interface Ours {
  readonly channel: Channel;
  readonly packets: Buffer[];
  readonly discards: string[];
}

async function ours(isotp: Partial<IsoTpOptions> = {}, fd = false): Promise<Ours> {
  const options = { blockSize: 0, stMin: 0, frameLength: fd ? 64 : 8, ...isotp };
  const framing = createFraming({ framing: 'isotp', isotp: options });
  const inner = createTransport(
    {
      type: 'can',
      interface: VCAN,
      txId: DOWN,
      rxId: UP,
      extendedIds: false,
      fd,
      bitRateSwitch: fd,
    },
    clock,
  );
  const packets: Buffer[] = [];
  const discards: string[] = [];
  const discard = (cause: string): void => void discards.push(cause);
  const transport = framing.over?.(inner, { clock, maxFrameLength: 4095, discard });
  if (transport === undefined) throw new Error('ISO-TP talks by itself');
  const deframer = framing.createDeframer(
    { frame: (bytes) => void packets.push(Buffer.from(bytes)), discard },
    4095,
  );
  const channel = await transport.open({
    data: (chunk) => deframer.push(chunk),
    discarded: discard,
    closed: () => undefined,
    warning: () => undefined,
    drained: () => undefined,
  });
  endings.push(() => channel.close());
  return { channel, packets, discards };
}

function kernel(options: Partial<ConstructorParameters<typeof KernelIsoTp>[0]> = {}): KernelIsoTp {
  const peer = new KernelIsoTp({
    interface: VCAN,
    txId: UP,
    rxId: DOWN,
    fd: false,
    blockSize: 0,
    stMin: 0,
    ...options,
  });
  endings.push(() => peer.close());
  return peer;
}

const packetOf = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, at) => (at * 7 + length) & 255));

/** As `until`, in steps as small as there are: there are thousands of packets. */
async function soon(done: () => boolean, what: () => string): Promise<void> {
  const end = clock.monotonicMs() + 30_000;
  while (!done()) {
    if (clock.monotonicMs() > end) throw new Error(`waited in vain for ${what()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Both ways at once. */
async function exchange(length: number, us: Ours, peer: KernelIsoTp): Promise<void> {
  const packet = packetOf(length);
  const other = Buffer.from(packet).reverse();
  us.packets.length = 0;
  us.channel.write(packet);
  await peer.send(other);
  let received: Buffer | undefined;
  const what = `${length} bytes`;
  await soon(
    () => (received ??= peer.receive()) !== undefined,
    () => `${what} in the kernel`,
  );
  await soon(
    () => us.packets.length > 0,
    () => `${what} here; ${us.discards.join()}`,
  );
  if (!packet.equals(received ?? Buffer.alloc(0)))
    throw new Error(`${what}: the kernel has others`);
  if (!other.equals(us.packets[0] ?? Buffer.alloc(0))) throw new Error(`${what}: here are others`);
}

const SIZES = [0, 1, 3, 8, 64, 255] as const;
const GAPS = [0, 0.1, 0.9, 1, 2] as const;

describe.each([
  ['CAN FD', true, EXTENT.lengthStep.fd],
  ['classic CAN', false, EXTENT.lengthStep.classic],
] as const)('%s', (_, fd, step) => {
  const which = step === 1 ? 'every length' : `every length to 300, then each ${step}th`;
  it(`${which} to 4,095, both ways, with all block sizes and STmin`, async () => {
    let length = 1;
    let exchanged = 0;
    const next = (): number => length + (length < 300 ? 1 : step);
    for (let round = 0; length <= 4095; round += 1) {
      const blockSize = SIZES[round % SIZES.length] ?? 0;
      // Time between frames for short packets only: long ones would take minutes.
      const stMin = length < 400 ? (GAPS[round % GAPS.length] ?? 0) : 0;
      const us = await ours({ blockSize, stMin }, fd);
      const peer = kernel({ fd, blockSize, stMin: stMinCode(stMin) });
      for (let turn = 0; turn < 30 && length <= 4095; turn += 1, length = next()) {
        await exchange(length, us, peer);
        exchanged += 1;
      }
      expect(us.discards).toEqual([]);
      for (const end of endings.reverse()) await end();
      endings = [];
    }
    expect(exchanged).toBe(300 + Math.floor((4095 - 300) / step));
  }, 3_600_000);

  it('extended addressing, padded', async () => {
    const us = await ours({ address: { tx: 0xa1, rx: 0xb2 }, padding: 0x55 }, fd);
    const peer = kernel({ fd, address: { tx: 0xb2, rx: 0xa1 }, padding: 0xaa });
    for (const length of [1, 6, 7, 8, 61, 62, 63, 300]) await exchange(length, us, peer);
    expect(us.discards).toEqual([]);
  });
});

it('isotpsend and isotprecv', async () => {
  const us = await ours();
  const receiver = new Peer('isotprecv', '-s', '124', '-d', '123', '-b', '4', '-m', '0A', VCAN);
  endings.push(() => receiver.stop());
  const packet = packetOf(100);
  const shown = packet.toString('hex').toUpperCase().replaceAll(/(..)/g, '$1 ').trim();
  // It says nothing when it listens.
  const again = setInterval(() => us.channel.write(packet), 1500);
  endings.push(() => clearInterval(again));
  us.channel.write(packet);
  expect((await receiver.said(/.*\n/))[0].trim().toUpperCase()).toBe(shown);
  clearInterval(again);
  const sender = new Peer('isotpsend', '-s', '124', '-d', '123', VCAN);
  sender.write(`${shown}\n`);
  sender.write();
  await until(() => us.packets.length > 0, 'the packet of isotpsend');
  expect(us.packets[0]?.equals(packet)).toBe(true);
  await sender.ended;
});
