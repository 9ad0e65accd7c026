import type { LinkStatus, PendingSetting } from '../../src/gateway/link/status.js';

/** The status of a link that talks, and of which nothing is to be told. */
export const linkStatus = (name: string, changed: Partial<LinkStatus> = {}): LinkStatus => ({
  name,
  nodeId: `node of ${name}`,
  transport: '/dev/ttyUSB0 115200 8N1',
  state: 'talks',
  rates: { pointsUp: 0, pointsDown: 0, rx: 0, tx: 0 },
  port: 'open',
  connected: true,
  echoes: false,
  node: 'alive',
  codec: 'compact',
  acknowledges: 'yes',
  counters: {},
  advice: [],
  pending: [],
  ...changed,
});

/** A setting that waits for its next try. */
export const pendingSetting = (changed: Partial<PendingSetting> = {}): PendingSetting => ({
  type: 'setpoint',
  key: '0',
  value: 4.25,
  time: '1767225600000000000',
  deleted: false,
  command: false,
  reason: 'not acknowledged while the device was heard: tried again after a pause',
  progress: 'next try in 28 s',
  ...changed,
});
