import { describe, expect, it } from 'vitest';
import { ignorePoints, neverAcknowledge, whenType } from '../../../../firmware-sim/index.js';
import type { Control, GatewayStatus } from '../../../../src/gateway/control/control.js';
import type { PointsReply } from '../../../../src/gateway/control/verbs/points-request.js';
import { VerbServer } from '../../../../src/gateway/control/nats/verb-server.js';
import { SystemClock, type Clock } from '../../../../src/point/clock.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { useNats } from '../../../support/nats.js';
import { tempDir } from '../../../support/temp-dir.js';
import { GatewayUnderTest, asker, float, openDevice, startStore } from '../../plant.js';
import { until } from '../../../support/until.js';

const nats = useNats();

async function rig(more: object = {}, withStore = true, clock: Clock = new SystemClock()) {
  const store = withStore ? await startStore(nats) : undefined;
  const device = await openDevice();
  const link = {
    name: 'pump',
    transport: device.transport,
    protocol: 'compact',
    commands: ['restart'],
    ackTimeoutMs: 20,
    ...more,
  };
  const document = { nats: { servers: nats.url }, siot: { store: withStore ? 'auto' : 'none' } };
  const gateway = await new GatewayUnderTest(
    tempDir(),
    { ...document, links: [link] },
    { clock },
  ).start();
  await until(
    () =>
      gateway.link('pump').port === 'open' &&
      gateway.gateway.control.status().nats.state === 'connected',
    'the gateway',
  );
  if (withStore) await gateway.ready('pump');
  await device.report('temp', 1);
  await until(() => gateway.link('pump').acknowledges === 'yes', 'the first ack');
  const ask = await asker(nats, gateway.id);
  return { store, device, gateway, ask, link, document, nodeId: gateway.nodeId('pump') };
}

const ended = (states: readonly string[]): boolean =>
  states.some((state) => state !== 'accepted' && state !== 'waiting');

const acknowledged = { state: 'acknowledged', by: 'device' };

describe('points', () => {
  it('says what the configuration and the device say of the points, page by page', async () => {
    const points = Object.fromEntries(
      Array.from({ length: 600 }, (_, at) => [`t${at}`, { name: 'n'.repeat(100), unit: 'bar' }]),
    );
    const { ask, device, gateway } = await rig({ points });
    const said = { type: 'pointInfo', key: 'flow', value: { json: '{"unit":"l/min"}' } };
    const before = gateway.link('pump').pointsVersion;
    expect((await device.mcu.sendPoints([said])).outcome).toBe('acknowledged');
    expect(gateway.link('pump').pointsVersion).not.toBe(before);
    const control = gateway.gateway.control.pointInfo({ link: 'pump' });
    expect(await ask.request('points', JSON.stringify({ link: 'pump' }))).toEqual(control);
    const from = JSON.stringify({ link: 'pump', from: 600 });
    const next = (await ask.request('points', from)) as PointsReply;
    expect(next).toMatchObject({ state: 'points', points: [{ type: 'flow', unit: 'l/min' }] });
    expect(await ask.request('points', JSON.stringify({ link: 'x' }))).toMatchObject({
      state: 'refused',
    });
    expect(await ask.request('points', 'x')).toMatchObject({ state: 'refused' });
  });
});

describe('status', () => {
  it('says how the gateway and its links are', async () => {
    const { ask, gateway, nodeId, device } = await rig();
    const status = (await ask.request('status')) as GatewayStatus;
    const now = JSON.parse(JSON.stringify(gateway.gateway.control.status())) as GatewayStatus;
    // Time passes between the two.
    const still = ({ gateway: { uptimeMs: _, ...identity }, links, ...rest }: GatewayStatus) => ({
      ...rest,
      identity,
      links: links.map(({ heardMs: _heardMs, ...link }) => link),
    });
    expect(still(status)).toEqual(still(now));
    expect(status).toMatchObject({
      gateway: { id: gateway.id, description: 'cellar-pi', version: '1.2.3' },
      siot: { generation: 2, store: 'answers' },
      nats: { state: 'connected' },
      links: [
        {
          name: 'pump',
          nodeId,
          transport: `${device.pipe.path} 115200 8N1`,
          state: 'talks',
          port: 'open',
          connected: true,
          node: 'alive',
          codec: 'compact',
          acknowledges: 'yes',
          pending: [],
          advice: [],
        },
      ],
    });
  });

  it('refuses a point beyond maxPoints of the link before SIOT gets it', async () => {
    const { store, ask, nodeId } = await rig({ maxPoints: 1 });
    const first = ask.set('pump', 'limit', float(1));
    await until(() => ended(first.states()), 'the first');
    const second = ask.set('pump', 'other', float(1));
    await until(() => ended(second.states()), 'the second');
    expect(second.replies).toMatchObject([
      { state: 'refused', reason: expect.stringContaining('raise maxPoints') as string },
    ]);
    expect(store?.point(nodeId, 'other')).toBeUndefined();
    const again = ask.set('pump', 'limit', float(2));
    await until(() => ended(again.states()), 'the first again');
    expect(again.last()).toMatchObject(acknowledged);
  });

  it('tells what is pending, and why', async () => {
    const { ask, gateway, device } = await rig({ ackTimeoutMs: 2_000 });
    device.mcu.push(ignorePoints());
    const { states } = ask.set(
      'pump',
      'limit',
      { kind: 'int', integer: '9223372036854775807' },
      'k',
    );
    await until(() => states().includes('waiting'), 'the setting to wait');
    expect(gateway.link('pump').pending).toMatchObject([
      {
        type: 'limit',
        key: 'k',
        value: '9223372036854775807',
        deleted: false,
        command: false,
        reason: 'sent, waiting for the acknowledgement',
        progress: 'transmission 1 of 4',
      },
    ]);
  });
});

describe('set', () => {
  it.each([
    ['a number', float(21.5), 21.5],
    ['a whole number', { kind: 'int', integer: '-7' }, -7n],
    ['text', { kind: 'string', text: 'auto' }, 'auto'],
    ['JSON', { kind: 'json', text: '{"a":1}' }, { json: '{"a":1}' }],
    ['no value', { kind: 'none' }, undefined],
  ])('brings %s to the store and to the device', async (_what, value, received) => {
    const { ask, gateway, store, device, nodeId } = await rig();
    const { replies, states } = ask.set('pump', 'limit', value, 'k');
    await until(
      () => ended(states()),
      () => `the end: ${states().join()}`,
    );
    expect(states()[0]).toBe('accepted');
    expect(states().at(-1)).toBe('acknowledged');
    // It may have been acknowledged before it was safe on disk.
    expect(
      states()
        .slice(1, -1)
        .filter((state) => state !== 'waiting'),
    ).toEqual([]);
    const point = await device.mcu.waitForSetting('limit', undefined, { key: 'k' });
    expect(point.value).toEqual(received);
    expect(store?.point(nodeId, 'limit', 'k')).toMatchObject({ origin: gateway.id });
    expect(replies[0]).toEqual({ state: 'accepted', time: String(point.time) });
    expect(String(store?.point(nodeId, 'limit', 'k')?.time)).toBe(String(point.time));
  });

  it('works without a store', async () => {
    const { ask, device } = await rig({}, false);
    const { states } = ask.set('pump', 'limit', float(3));
    await until(() => ended(states()), 'the end');
    expect(states().at(-1)).toBe('acknowledged');
    await device.mcu.waitForSetting('limit');
  });

  it.each([
    [
      'an unknown link',
      'valve',
      'limit',
      float(1),
      '',
      'there is no link "valve" (there are: pump)',
    ],
    ['a point of the gateway', 'pump', 'baud', float(1), '', 'baud belongs to the gateway'],
    ['a statistic', 'pump', 'gatewayCount', float(1), '', 'gatewayCount belongs to the gateway'],
    ['the description', 'pump', 'description', float(1), '', 'description is not sent to a device'],
    ['an empty type', 'pump', '', float(1), '', 'type and key must be subject tokens'],
    ['a type with a dot', 'pump', 'a.b', float(1), '', 'type and key must be subject tokens'],
    ['a key with a wildcard', 'pump', 'a', float(1), '*', 'type and key must be subject tokens'],
    [
      'too long a key',
      'pump',
      'a',
      float(1),
      'x'.repeat(256),
      'type and key must be subject tokens',
    ],
    ['disabled with a key', 'pump', 'disabled', float(1), 'x', 'disabled has no key'],
    ['NaN', 'pump', 'limit', float(Number.NaN), '', 'the request is not understood'],
    [
      'too large an integer',
      'pump',
      'limit',
      { kind: 'int', integer: '9223372036854775808' },
      '',
      'the request is not understood',
    ],
    [
      'no integer',
      'pump',
      'limit',
      { kind: 'int', integer: '1.5' },
      '',
      'the request is not understood',
    ],
    ['no JSON at all', '', '', '{', '', 'the request is not understood'],
    ['an empty request', '', '', '', '', 'the request is not understood'],
  ])('refuses %s', async (_what, link, type, value, key, reason) => {
    const { ask, device, gateway } = await rig({}, false);
    const { replies } = ask.set(link, type, value, key);
    await until(() => replies.length > 0, 'a reply');
    expect(replies).toEqual([
      { state: 'refused', reason: expect.stringContaining(reason) as string },
    ]);
    expect(gateway.link('pump').pending).toEqual([]);
    expect(device.mcu.receivedPoints.filter((point) => point.type !== 'timeSync')).toEqual([]);
  });

  it('refuses what the store refuses, with its words', async () => {
    const { ask, store, device } = await rig();
    store?.failNext(1, 'database or disk is full');
    const { replies } = ask.set('pump', 'limit', float(1));
    await until(() => replies.length > 0, 'a reply');
    expect(replies).toMatchObject([{ state: 'refused' }]);
    expect(JSON.stringify(replies)).toContain('database or disk is full');
    device.mcu.assertNotReceived('limit');
  });

  it('does not say refused where only the answer of the store is lost: the device gets the setting', async () => {
    const real = new SystemClock();
    const impatient: Clock = {
      wallNs: () => real.wallNs(),
      monotonicMs: () => real.monotonicMs(),
      // The time for which the gateway waits for a store.
      setTimer: (ms, fn) => real.setTimer(ms === 20_000 ? 500 : ms, fn),
    };
    const { ask, store, device, nodeId } = await rig({}, true, impatient);
    store?.loseReplies(true);
    const { replies } = ask.set('pump', 'restart', float(1));
    await until(() => store?.point(nodeId, 'restart') !== undefined, 'the store');
    store?.loseReplies(false);
    await until(() => replies.length > 0, 'a reply');
    expect(replies).toEqual([
      {
        state: 'unconfirmed',
        reason: 'SIOT did not answer in time: if it has the setting, the device gets it',
      },
    ]);
    await device.mcu.waitForSetting('restart');
  });

  it('says when a newer setting has taken its place', async () => {
    const { ask, store, device, nodeId } = await rig();
    const off = device.mcu.push(ignorePoints());
    const first = ask.set('pump', 'limit', float(1));
    await until(() => first.states().includes('waiting'), 'the first to wait');
    await store?.setAs('user-1', nodeId, 'limit', '', 2);
    await until(() => ended(first.states()), 'the end of the first');
    expect(first.last()).toEqual({
      state: 'replaced',
      reason: 'a newer setting has taken its place',
    });
    off();
    // It may have been taken for silent meanwhile.
    await device.report('temp', 2);
    await device.mcu.waitForSetting('limit', ({ value }) => value === 2);
  });

  it('says when a command was not confirmed, and never sends it again', async () => {
    const { ask, device, gateway } = await rig();
    const off = device.mcu.push(whenType('restart', neverAcknowledge()));
    const { states, last } = ask.set('pump', 'restart', float(1));
    await until(() => ended(states()), 'the end');
    expect(last()?.state).toBe('unconfirmed');
    off();
    const sent = (): number =>
      device.mcu.received.filter(({ points }) => points.some(({ type }) => type === 'restart'))
        .length;
    const before = sent();
    expect(before).toBeGreaterThanOrEqual(1);
    await gateway.restart();
    await until(() => gateway.link('pump').port === 'open', 'the port');
    await device.report('temp', 2);
    device.mcu.sendHello();
    await device.report('temp', 3);
    const next = ask.set('pump', 'other', float(1));
    await until(() => ended(next.states()), 'the next setting');
    expect(sent()).toBe(before);
  });

  it('switches the link off and on, also after a switch by a clock that is ahead', async () => {
    const { ask, gateway, device, store, nodeId } = await rig();
    const ahead = new SystemClock().wallNs() + 3_600_000_000_000n;
    await store?.setAs('user-1', nodeId, 'disabled', '', 1, { time: ahead });
    await until(() => gateway.link('pump').port === 'disabled', 'the link to be off');
    await until(() => !device.pipe.present, 'the port to be released');
    const waiting = ask.set('pump', 'limit', float(1));
    await until(() => waiting.states().includes('waiting'), 'the setting to wait');
    expect(waiting.last()).toEqual({ state: 'waiting', reason: 'the link is disabled in SIOT' });
    const on = ask.set('pump', 'disabled', float(0));
    await until(() => ended(on.states()), 'the answer');
    expect(on.replies.slice(1)).toEqual([{ state: 'acknowledged', by: 'gateway' }]);
    await until(() => ended(waiting.states()), 'the setting to arrive');
    expect(waiting.last()).toMatchObject(acknowledged);
    expect(gateway.link('pump').port).toBe('open');
  });

  it('follows a setting only until its link is replaced, and then says where to look', async () => {
    const { ask, gateway, device, document, link } = await rig();
    const off = device.mcu.push(ignorePoints());
    const { states, last } = ask.set('pump', 'limit', float(1));
    await until(() => states().includes('waiting'), 'the setting to wait');
    await gateway.reload({ ...document, links: [{ ...link, ackTimeoutMs: 30 }] });
    await until(() => ended(states()), 'an end');
    expect(last()?.state).toBe('unconfirmed');
    // The setting itself is still on its way.
    off();
    await device.mcu.waitForSetting('limit', ({ value }) => value === 1);
  });

  it('does not lose a setting when the link is changed before the store answers', async () => {
    const { ask, gateway, device, store, document, link } = await rig();
    store?.delayReplies(300);
    const { states } = ask.set('pump', 'limit', float(5));
    await until(() => store?.point(gateway.nodeId('pump'), 'limit') !== undefined, 'the store');
    await gateway.reload({ ...document, links: [{ ...link, ackTimeoutMs: 30 }] });
    await device.mcu.waitForSetting('limit', ({ value }) => value === 5);
    await until(() => ended(states()), 'an end');
    // It is followed no further than its link.
    expect(['acknowledged', 'unconfirmed']).toContain(states().at(-1));
    expect(store?.point(gateway.nodeId('pump'), 'limit')?.number).toBe(5);
  });
});

describe('the server of the verbs', () => {
  it('can be stopped again and started anew, but not once the gateway is being stopped', () => {
    type Handler = (request: Uint8Array, reply: (answer: Uint8Array) => void) => void;
    const served = new Map<string, Handler>();
    const current = {
      maxPayload: undefined,
      serve: (verb: string, handler: Handler) => {
        served.set(verb, handler);
        return () => void served.delete(verb);
      },
    };
    const asked: AbortSignal[] = [];
    const control: Pick<Control, 'set' | 'setRefusal'> = {
      set: (_request, _answered, until) => Promise.resolve(void asked.push(until)),
      setRefusal: () => undefined,
    };
    const request = Buffer.from(
      JSON.stringify({ link: 'pump', type: 'limit', key: '', value: { kind: 'none' } }),
    );
    const ask = (): void => served.get('set')?.(request, () => undefined);
    const server = new VerbServer({ current }, control as Control, new FakeClock());
    const now = (): [number, ...boolean[]] => [served.size, ...asked.map(({ aborted }) => aborted)];
    server.start();
    ask();
    expect([...served.keys()]).toEqual([
      'status',
      'set',
      'points',
      'logs',
      'restarts',
      'confirm',
      'file',
      'undelete',
    ]);
    expect(now()).toEqual([8, false]);
    server.stop();
    server.stop();
    expect(now()).toEqual([0, true]);
    server.start();
    ask();
    expect(now()).toEqual([8, true, false]);
    server.prepareStop();
    server.start();
    expect(now()).toEqual([0, true, true]);
    server.stop();
  });
});
