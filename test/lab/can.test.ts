import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../support/until.js';
import {
  KVASER,
  addVcan,
  bringDown,
  bringUpKvaser,
  canState,
  listen,
  removeInterface,
  sendFrame,
} from './support/can.js';
import type { Peer } from './support/system.js';

let peers: Peer[] = [];
const heard = async (...interfaces: string[]): Promise<Peer> => {
  const peer = await listen(...interfaces);
  peers.push(peer);
  return peer;
};
afterEach(async () => {
  for (const peer of peers) await peer.stop();
  peers = [];
});

describe('a virtual bus', () => {
  afterEach(() => removeInterface('vcan0'));

  it('carries classic frames of both kinds of identifiers', async () => {
    addVcan('vcan0');
    const bus = await heard('vcan0');
    sendFrame('vcan0', '123#DEADBEEF');
    sendFrame('vcan0', '00000123#');
    await bus.said(/vcan0 123#DEADBEEF\n.*vcan0 00000123#\n/);
  });

  it('carries FD frames of 64 bytes where its mtu is 72, and only there', async () => {
    addVcan('vcan0', { fd: true });
    const bus = await heard('vcan0');
    const payload = 'A5'.repeat(64);
    sendFrame('vcan0', `123##1${payload}`);
    // Newer kernels say with flag 4 that it is an FD frame.
    await bus.said(new RegExp(`vcan0 123##[15]${payload}\n`));
    removeInterface('vcan0');
    addVcan('vcan0');
    expect(() => sendFrame('vcan0', `123##1${payload}`)).toThrow(/not CAN FD capable/);
  });
});

describe('the pair of controllers', () => {
  beforeEach(() => bringUpKvaser());
  afterEach(() => bringDown(...KVASER));

  it('exchanges frames both ways, acknowledged', async () => {
    const [first, second] = [await heard('can0'), await heard('can1')];
    sendFrame('can0', '123#0102030405060708');
    await second.said(/can1 123#0102030405060708\n/);
    sendFrame('can1', '1ABCDEF0#FF');
    await first.said(/can0 1ABCDEF0#FF\n/);
    expect(canState('can0')).toMatchObject({ up: true, state: 'ERROR-ACTIVE', txErrors: 0 });
  });

  it('says so when an interface is down', async () => {
    bringDown('can1');
    await until(() => canState('can1').state === 'STOPPED', 'can1 to be down');
    expect(canState('can1').up).toBe(false);
    bringUpKvaser(['can1']);
    expect(canState('can1')).toMatchObject({ up: true, state: 'ERROR-ACTIVE' });
  });
});
