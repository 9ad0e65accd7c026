import type { Protocol } from '../../../firmware-sim/codec.js';
import { SimulatedDevice } from '../../../firmware-sim/device.js';
import { parseFaults } from '../../../firmware-sim/faults.js';
import type { BytePipe } from '../../../firmware-sim/pipe.js';
import { SessionHarness } from '../../support/session-harness.js';

/** A simulated device at a session, joined both ways. Its clock wants `advanceAsync`. */
export function simulated(faults: string, protocol: Protocol, seed = 1): SessionHarness {
  const harness = new SessionHarness({ device: protocol });
  const { clock } = harness;
  const pipe: BytePipe = {
    onData: undefined,
    onPeer: undefined,
    write: (bytes) => harness.bytes(Uint8Array.from(bytes)),
    close: () => Promise.resolve(),
  };
  harness.onAck = (frame) => pipe.onData?.(frame);
  harness.acks = ({ frame }) => {
    clock.setTimer(0, () => pipe.onData?.(Buffer.from(frame, 'hex')));
    return undefined;
  };
  const device = new SimulatedDevice(pipe, { clock, protocol, faults: parseFaults(faults), seed });
  harness.open();
  device.start();
  return harness;
}
