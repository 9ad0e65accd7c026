/** Simulated MCUs on a CAN bus of the lab, for the cases of test/e2e and others. */
import { afterAll, beforeAll } from 'vitest';
import { CanPipe, IsoTpPipe } from '../../../firmware-sim/can.js';
import { openCanPort } from '../../../src/cli/can-port.js';
import { ISO_TP_CLASSIC_LENGTH } from '../../../src/framing/isotp/options.js';
import { createTransport } from '../../../src/transport/transports.js';
import { clock, type Attached, type Attachment, type Line } from '../../e2e/harness.js';
import { paceFrames } from './can-pace.js';
import { KVASER, addVcan, bringDown, bringUpKvaser, removeInterface } from './can.js';

export interface CanMedium {
  readonly framing: 'cobs' | 'isotp';
  readonly fd?: boolean;
  readonly extendedIds?: boolean;
  /** The pair of controllers, the gateway on the first; otherwise a virtual bus. */
  readonly kvaser?: boolean;
}

export const VCAN = 'vcan0';

let devices = 0;

/** A device with identifiers of its own, or with those of another whose `path` the line has. */
export async function openCanLine(medium: CanMedium, line: Line = 'serial'): Promise<Attached> {
  const { framing, fd = false, extendedIds = false, kvaser = false } = medium;
  const [ours, theirs] = kvaser ? KVASER : [VCAN, VCAN];
  const again = typeof line === 'object';
  const down = again ? Number(line.linkPath) : 0x100 + 2 * devices;
  const up = down + 1;
  if (!again) devices = (devices + 1) % 128;
  const port = await openCanPort(
    { interface: theirs, txId: up, rxId: down, extendedIds, fd },
    clock,
  );
  return {
    pipe: framing === 'isotp' ? new IsoTpPipe(port, clock) : new CanPipe(port),
    transport: {
      type: 'can',
      interface: ours,
      txId: down,
      rxId: up,
      extendedIds,
      fd,
      framing,
    },
    path: String(down),
  };
}

/** For `attachTo`. The bus is there while the cases of the file run. */
export function onCan(medium: CanMedium): Attachment {
  withBus(medium);
  // What a line is made of is nothing to SIOT: one version will do.
  return {
    open: (line) => openCanLine(medium, line),
    versions: ['0.25.0'],
    ...(medium.framing === 'isotp' && medium.fd !== true
      ? { longestPacket: ISO_TP_CLASSIC_LENGTH }
      : {}),
    staysOpen: 'the bus is there without the device; settings for one that is away have a case',
  };
}

/**
 * Keeps the sockets of gateway and devices open between the cases of a file: the
 * thread of each takes seconds to start where the processor is emulated.
 */
async function keepSockets([ours, theirs]: readonly [string, string]): Promise<
  (() => Promise<void>)[]
> {
  const unused = { txId: 0x7fe, rxId: 0x7fe, extendedIds: false, fd: false };
  const gateways = createTransport(
    { type: 'can', interface: ours, ...unused, bitRateSwitch: false },
    clock,
  );
  const channel = await gateways.open({
    data: () => undefined,
    discarded: () => undefined,
    closed: () => undefined,
    warning: () => undefined,
    drained: () => undefined,
  });
  const devices = await openCanPort({ interface: theirs, ...unused }, clock);
  return [() => channel.close(), () => devices.close()];
}

/** The bus is there while the cases of the file run. */
export function withBus({ kvaser = false, fd = false }: Partial<CanMedium> = {}): void {
  const keepers: (() => unknown)[] = [];
  beforeAll(async () => {
    if (kvaser) {
      bringUpKvaser();
      keepers.push(paceFrames(KVASER));
    } else addVcan(VCAN, { fd });
    keepers.push(...(await keepSockets(kvaser ? KVASER : [VCAN, VCAN])));
  });
  afterAll(async () => {
    for (const keeper of keepers) await keeper();

    if (kvaser) bringDown(...KVASER);
    else removeInterface(VCAN);
  });
}
