/** ISO-TP against the kernel's own, both ways. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { IsoTpTransport, type IsoTpOptions } from '../../src/framing/framings.js';
import { stMinCode } from '../../src/framing/isotp/pdu.js';
import { SystemClock } from '../../src/point/clock.js';
import { createTransport } from '../../src/transport/transports.js';
import { until } from '../support/until.js';
import { VCAN, withBus } from './support/can-line.js';
import { EXTENT } from './support/extent.js';
import { KernelIsoTp } from './support/kernel-isotp.js';
import { needsPace } from './support/machine.js';
import { Peer } from './support/system.js';

// The kernel waits a second for the next frame, and so do we.
needsPace('test/lab/can-isotp.test.ts');
withBus({ fd: true });

const clock = new SystemClock();
const [DOWN, UP] = [0x123, 0x124];

interface Ours {
  readonly packets: Buffer[];
  readonly discards: string[];
  readonly write: (packet: Uint8Array) => void;
  readonly close: () => Promise<void>;
}

interface OursOptions extends Partial<IsoTpOptions> {
  readonly fd?: boolean;
  readonly txId?: number;
  readonly rxId?: number;
}

async function ours(options: OursOptions = {}): Promise<Ours> {
  const { fd = false, txId = DOWN, rxId = UP, ...isotp } = options;
  const inner = createTransport(
    { type: 'can', interface: VCAN, txId, rxId, extendedIds: false, fd, bitRateSwitch: fd },
    clock,
  );
  const packets: Buffer[] = [];
  const discards: string[] = [];
  const discard = (cause: string): void => void discards.push(cause);
  const transport = new IsoTpTransport(
    inner,
    { blockSize: 0, stMin: 0, frameLength: fd ? 64 : 8, ...isotp },
    { clock, maxFrameLength: 4095, frame: () => undefined, discard },
  );
  const channel = await transport.open({
    data: ({ data }) => void packets.push(Buffer.from(data)),
    discarded: discard,
    closed: () => undefined,
    warning: () => undefined,
    drained: () => undefined,
  });
  return {
    packets,
    discards,
    write: (data) => void channel.write({ data }),
    close: () => channel.close(),
  };
}

/** Ours with the kernel's as its peer, which asks for the same. */
async function withPeer(
  options: OursOptions,
  talk: (us: Ours, peer: KernelIsoTp) => Promise<void>,
): Promise<void> {
  const us = await ours(options);
  try {
    const { address, padding } = options;
    const peer = new KernelIsoTp({
      interface: VCAN,
      txId: options.rxId ?? UP,
      rxId: options.txId ?? DOWN,
      fd: options.fd ?? false,
      blockSize: options.blockSize ?? 0,
      stMin: stMinCode(options.stMin ?? 0),
      ...(address === undefined ? {} : { address: { tx: address.rx, rx: address.tx } }),
      ...(padding === undefined ? {} : { padding }),
    });
    try {
      await talk(us, peer);
    } finally {
      peer.close();
    }
  } finally {
    await us.close();
  }
  expect(us.discards).toEqual([]);
}

const packetOf = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, at) => (at * 7 + length) & 255));

/** Both ways at once. */
async function exchange(length: number, us: Ours, peer: KernelIsoTp): Promise<void> {
  const packet = packetOf(length);
  const other = Buffer.from(packet).reverse();
  us.packets.length = 0;
  us.write(packet);
  await peer.send(other);
  let received: Buffer | undefined;
  const what = `${length} bytes`;
  await until(
    () => (received ??= peer.receive()) !== undefined && us.packets.length > 0,
    () => {
      const where = received === undefined ? 'in the kernel' : 'here';
      return `${what} ${where}; ${us.discards.join()}`;
    },
  );
  if (!packet.equals(received ?? Buffer.alloc(0)))
    throw new Error(`${what}: the kernel has received other bytes`);
  if (!other.equals(us.packets[0] ?? Buffer.alloc(0)))
    throw new Error(`${what}: other bytes were received here`);
}

const BLOCK_SIZES = [0, 1, 3, 8, 64, 255] as const;
const GAPS = [0, 0.1, 0.9, 1, 2] as const;
/** Each block size with each gap: 6 and 5 have no common divisor. */
const FLOWS = Array.from({ length: BLOCK_SIZES.length * GAPS.length }, (_, at) => ({
  blockSize: BLOCK_SIZES[at % BLOCK_SIZES.length] ?? 0,
  stMin: GAPS[at % GAPS.length] ?? 0,
}));
/** So many pairs talk at a time: while some wait for STmin, others have the processor. */
const PAIRS = 8;

describe.each([
  ['CAN FD', true, EXTENT.lengthStep.fd],
  ['classic CAN', false, EXTENT.lengthStep.classic],
] as const)('%s', (_, fd, step) => {
  const which = step === 1 ? 'every length' : `every length to 300, then each ${step}th`;
  it(`${which} to 4,095, both ways, with all block sizes and STmin`, async () => {
    const lengths: number[] = [];
    for (let length = 1; length <= 4095; length += length < 300 ? 1 : step) lengths.push(length);
    const flows = [...FLOWS.entries()];
    let exchanged = 0;
    const failures: unknown[] = [];
    const pair = async (number: number): Promise<void> => {
      const ids = { txId: DOWN + 2 * number, rxId: UP + 2 * number };
      for (let next = flows.shift(); next !== undefined; next = flows.shift()) {
        const [first, flow] = next;
        await withPeer({ fd, ...ids, ...flow }, async (us, peer) => {
          for (let at = first; at < lengths.length; at += FLOWS.length) {
            if (failures.length > 0) return;
            await exchange(lengths[at] ?? 0, us, peer);
            exchanged += 1;
          }
        });
      }
    };
    const keep = (error: unknown): void => void failures.push(error);
    await Promise.all(Array.from({ length: PAIRS }, (_, number) => pair(number).catch(keep)));
    expect(failures).toEqual([]);
    expect(exchanged).toBe(300 + Math.floor((4095 - 300) / step));
  }, 3_600_000);

  it('extended addressing, padded', async () => {
    const options = { fd, address: { tx: 0xa1, rx: 0xb2 }, padding: 0x55 };
    await withPeer(options, async (us, peer) => {
      for (const length of [1, 6, 7, 8, 61, 62, 63, 300]) await exchange(length, us, peer);
    });
  });
});

it('isotpsend and isotprecv', async () => {
  const us = await ours();
  onTestFinished(() => us.close());
  const receiver = new Peer('isotprecv', '-s', '124', '-d', '123', '-b', '4', '-m', '0A', VCAN);
  onTestFinished(() => receiver.stop());
  const packet = packetOf(100);
  const shown = packet.toString('hex').toUpperCase().replaceAll(/(..)/g, '$1 ').trim();
  // It does not tell when it listens.
  const again = setInterval(() => us.write(packet), 1500);
  onTestFinished(() => clearInterval(again));
  us.write(packet);
  expect((await receiver.said(/.*\n/))[0].trim().toUpperCase()).toBe(shown);
  clearInterval(again);
  const sender = new Peer('isotpsend', '-s', '124', '-d', '123', VCAN);
  sender.write(`${shown}\n`);
  sender.write();
  await until(() => us.packets.length > 0, 'the packet of isotpsend');
  expect(us.packets[0]?.equals(packet)).toBe(true);
  await sender.ended;
});
