import { describe, expect, it } from 'vitest';
import { intValue, jsonValue, stringValue } from '../../src/point/point.js';
import {
  delivered,
  GATEWAY_ID,
  NODE_ID,
  point,
  put,
  startNats,
  startSiot,
  startStore,
} from './harness.js';
import { until } from '../support/until.js';

describe.each(['0.18.5', '0.22.0', '0.25.0'] as const)('SIOT %s', (version) => {
  const generation = version === '0.18.5' ? 1 : 2;

  it('gets nodes and points, and what comes back is what was sent', async () => {
    const nats = await startNats();
    const store = await startStore(nats.url, version);
    const rig = startSiot(nats);
    await until(() => rig.node.events.includes('resend'), 'made');
    expect(rig.siot.status).toEqual({ generation, store: 'answers', nats: 'connected' });
    expect(store.edges(GATEWAY_ID)).toMatchObject([
      { type: 'mcuGateway', parent: store.rootId, deleted: false },
    ]);
    expect(store.edges(NODE_ID)).toMatchObject([
      { type: 'mcu', parent: GATEWAY_ID, deleted: false },
    ]);
    expect(store.point(NODE_ID, 'description')?.text).toBe('Pump');
    put(
      rig.outbox,
      point('temp', 23.5),
      point('zero', 0),
      point('n', 0, { value: intValue(-40n) }),
      point('text', 0, { value: stringValue('Größe') }),
      point('empty', 0, { value: stringValue('') }),
      point('json', 0, { value: jsonValue('[1]') }),
      point('gone', 4, { tombstone: 1, key: 'a' }),
    );
    await until(() => delivered(rig), 'delivered');
    expect(store.point(NODE_ID, 'temp')?.number).toBe(23.5);
    expect(store.point(NODE_ID, 'gone', 'a')?.tombstone).toBe(1);
    await store.leave();
    put(rig.outbox, point('temp', 24));
    await until(() => rig.siot.status.store === 'expected', 'noticed');
    await store.comeBack();
    await until(() => rig.node.readPoints.length === 2, 'read again');
    const read = new Map(rig.node.readPoints[1]?.map((p) => [p.type, p.value]));
    expect(read.get('zero')).toEqual({ kind: 'float', number: 0 });
    expect(read.get('text')).toEqual(stringValue('Größe'));
    expect(read.get('n')).toEqual(
      version === '0.25.0' ? intValue(-40n) : { kind: 'float', number: -40 },
    );
    expect(read.get('empty')).toEqual(
      version === '0.18.5' ? { kind: 'float', number: 0 } : stringValue(''),
    );
    expect(read.get('json')).toEqual(version === '0.25.0' ? jsonValue('[1]') : stringValue('[1]'));
    await until(() => delivered(rig), 'delivered');
    expect(store.point(NODE_ID, 'temp')?.number).toBe(24);
  });

  it('has a node moved, deleted and undeleted by people', async () => {
    const nats = await startNats();
    const store = await startStore(nats.url, version);
    const rig = startSiot(nats);
    await until(() => rig.node.events.includes('resend'), 'made');
    await store.edgeAs('user', 'group', store.rootId, { nodeType: 'group' });
    await store.edgeAs('user', NODE_ID, 'group', { nodeType: 'mcu' });
    await store.edgeAs('user', NODE_ID, GATEWAY_ID, { deleted: true });
    put(rig.outbox, point('temp', 1));
    await until(() => delivered(rig), 'delivered');
    expect(store.point(NODE_ID, 'temp')?.number).toBe(1);
    await store.edgeAs('user', NODE_ID, 'group', { deleted: true });
    await until(() => rig.nodeHandle.life === 'deleted', 'deleted');
    put(rig.outbox, point('temp', 2));
    expect(delivered(rig)).toBe(true);
    await store.edgeAs('user', NODE_ID, 'group');
    await until(() => rig.nodeHandle.life === 'alive', 'alive');
    expect(rig.node.events).toEqual([
      ...['alive', 'read', 'resend'],
      ...['deleted', 'alive', 'read', 'resend'],
    ]);
    expect(store.point(NODE_ID, 'temp')?.number).toBe(1);
    expect(store.edges(NODE_ID).filter(({ deleted }) => !deleted).length).toBe(1);
  });

  it('is heard when a person sets something', async () => {
    const nats = await startNats();
    const store = await startStore(nats.url, version);
    const rig = startSiot(nats);
    await until(() => rig.node.events.includes('resend'), 'made');
    const time = await store.setAs('user', NODE_ID, 'limit', '', 7);
    await until(() => rig.node.heardPoints.length > 0, 'heard');
    expect(rig.node.heardPoints).toMatchObject([
      { type: 'limit', time, origin: 'user', value: { kind: 'float', number: 7 } },
    ]);
  });

  it('refuses for a while and loses nothing, each point in order', async () => {
    const nats = await startNats();
    const store = await startStore(nats.url, version);
    const rig = startSiot(nats);
    await until(() => rig.node.events.includes('resend'), 'made');
    store.failNext(5, 'database is locked');
    for (let n = 0; n < 50; n++) put(rig.outbox, point('temp', n), point('flow', n));
    await until(() => delivered(rig), 'delivered');
    expect(store.point(NODE_ID, 'temp')?.number).toBe(49);
    expect(store.point(NODE_ID, 'flow')?.number).toBe(49);
    expect(rig.node.droppedPoints).toEqual([]);
  });
});

describe('an update of SIOT in place', () => {
  it('is followed, with nothing lost', async () => {
    const nats = await startNats();
    const old = await startStore(nats.url, '0.18.5');
    const rig = startSiot(nats);
    await until(() => rig.node.events.includes('resend'), 'made');
    put(rig.outbox, point('temp', 1));
    await until(() => delivered(rig), 'delivered');
    await old.stop();
    const fresh = await startStore(nats.url, '0.25.0');
    put(rig.outbox, point('temp', 2));
    await until(() => rig.siot.status.generation === 2 && delivered(rig), 'followed');
    await until(() => rig.node.events.filter((event) => event === 'resend').length === 2, 'anew');
    expect(fresh.point(NODE_ID, 'temp')?.number).toBe(2);
    expect(fresh.edges(NODE_ID)).toMatchObject([{ type: 'mcu', parent: GATEWAY_ID }]);
  });
});
