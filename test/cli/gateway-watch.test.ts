import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GatewayWatch, type WatchedGateway } from '../../src/cli/gateway-watch.js';
import { CliError } from '../../src/cli/errors.js';
import { textLine } from '../../src/cli/watch-lines.js';
import { floatValue, makePoint } from '../../src/point/point.js';
import type { Incoming } from '../../src/siot/connection/connection.js';
import { WIRES } from '../../src/siot/wire/wires.js';
import type { LinkStatus } from '../../src/gateway/link/status.js';
import { linkStatus, pendingSetting } from '../support/link-status.js';

const SETTING = pendingSetting({ reason: 'sent, waiting for the acknowledgement' });
const PUMP = linkStatus('pump');

type Reply = Awaited<ReturnType<WatchedGateway['status']>>;

/** A gateway that answers as the test says; what is told of it is in `lines`. */
interface Watched {
  say(pump: Partial<LinkStatus>): void;
  silent: boolean;
  readonly lines: string[];
  hear: Parameters<WatchedGateway['subscribe']>[1];
}

function watched(): Watched {
  let looks = 0;
  let pump = PUMP;
  const lines: string[] = [];
  const gateway: Watched = {
    say: (next) => void (pump = { ...PUMP, ...next }),
    silent: false,
    lines,
    hear: () => undefined,
  };
  const reply = (): Reply => ({
    gateway: {
      id: 'id',
      description: '',
      version: '',
      uptimeMs: 0,
      outbox: { points: 0, bytes: 0 },
    },
    nats: { state: 'connected', server: 'here:4222' },
    siot: { generation: 2, store: 'answers' },
    links: [{ ...pump, counters: { rx: (looks += 1) } }],
  });
  const watch = new GatewayWatch(
    {
      connected: true,
      problem: '',
      status: () =>
        gateway.silent
          ? Promise.reject(new CliError('no gateway answers'))
          : Promise.resolve(reply()),
      subscribe: (_subject, heard) => {
        gateway.hear = heard;
        return () => undefined;
      },
      pointInfo: () =>
        Promise.resolve({ state: 'points', points: [{ type: 'flow', unit: 'l/min' }] }),
    },
    undefined,
    {
      heard: (event) => void lines.push(textLine(event)),
      looked: () => undefined,
      lost: () => undefined,
    },
  );
  void watch.run();
  return gateway;
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('watch in a pipe', () => {
  it('has a line for a pending setting when it begins, when its reason changes, and at its end', async () => {
    const gateway = watched();
    await vi.advanceTimersByTimeAsync(3_000);
    const before = gateway.lines.splice(0);
    expect(before).toHaveLength(3);
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      gateway.say({ pending: [{ ...SETTING, progress: `transmission ${attempt} of 4` }] });
      await vi.advanceTimersByTimeAsync(1_000);
    }
    for (let seconds = 30; seconds > 0; seconds -= 1) {
      const reason = 'not acknowledged while the device was heard: tried again after a pause';
      gateway.say({ pending: [{ ...SETTING, reason, progress: `next try in ${seconds} s` }] });
      await vi.advanceTimersByTimeAsync(1_000);
    }
    gateway.say({});
    await vi.advanceTimersByTimeAsync(3_000);
    expect(gateway.lines).toEqual([
      'pump: pending: setpoint = 4.25: sent, waiting for the acknowledgement',
      'pump: pending: setpoint = 4.25: not acknowledged while the device was heard: tried again after a pause',
      'pump: no longer pending: setpoint',
    ]);
  });

  it('has the unit of a point behind its value, once the gateway says that something is known', async () => {
    const gateway = watched();
    await vi.advanceTimersByTimeAsync(1_000);
    gateway.say({ pointsVersion: '1' });
    await vi.advanceTimersByTimeAsync(2_000);
    gateway.lines.length = 0;
    const point = makePoint({ type: 'flow', value: floatValue(1.5) });
    gateway.hear({ subject: 'p.node.flow.0', data: WIRES[2].encode([point]) } as Incoming);
    expect(gateway.lines).toEqual([expect.stringMatching(/pump ▲ flow = 1\.5 l\/min$/)]);
  });

  it('says once that the gateway does not answer, and that it does again', async () => {
    const gateway = watched();
    await vi.advanceTimersByTimeAsync(1_000);
    gateway.lines.length = 0;
    gateway.silent = true;
    await vi.advanceTimersByTimeAsync(5_000);
    gateway.silent = false;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(gateway.lines).toEqual(['no gateway answers', 'the gateway answers again']);
  });
});
