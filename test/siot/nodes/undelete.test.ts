/** A node that somebody deleted lives again: on the stand-in for each version of SIOT. */
import { describe, expect, it } from 'vitest';
import { SystemClock } from '../../../src/point/clock.js';
import { undeleteCommand } from '../../../src/siot/siot.js';
import { until } from '../../support/until.js';
import {
  delivered,
  GATEWAY_ID,
  NODE_ID,
  point,
  put,
  startNats,
  startSiot,
  startStore,
  warnings,
} from '../harness.js';

const HOUR_NS = 3_600_000_000_000n;
const now = (): bigint => new SystemClock().wallNs();

describe.each(['0.18.5', '0.22.0', '0.25.0'] as const)('SIOT %s', (version) => {
  async function made() {
    const nats = await startNats();
    const store = await startStore(nats.url, version);
    const rig = startSiot(nats);
    await until(() => rig.node.events.includes('resend'), 'made');
    return {
      ...rig,
      rig,
      store,
      nats,
      remove: async (parent: string, time?: bigint) => {
        await store.edgeAs('user', NODE_ID, parent, {
          deleted: true,
          ...(time === undefined ? {} : { time }),
        });
      },
      isDeleted: () => until(() => rig.nodeHandle.life === 'deleted', 'deleted'),
      liveParents: () =>
        store
          .edges(NODE_ID)
          .filter(({ deleted }) => !deleted)
          .map(({ parent }) => parent)
          .sort(),
    };
  }

  it('lives again below its parent; the newest of each point is published again, and what comes after it', async () => {
    const { siot, rig, store, node, nodeHandle, remove, isDeleted } = await made();
    await remove(GATEWAY_ID);
    await isDeleted();
    expect(warnings(rig).join()).toContain('until it lives again: siot-mcu undelete pump');
    put(rig.outbox, point('temp', 1));
    await until(() => delivered(rig), 'dropped');
    node.events.length = 0;
    expect(await siot.undelete(NODE_ID)).toEqual({
      state: 'undeleted',
      parents: [{ id: GATEWAY_ID, description: 'boiler room' }],
    });
    expect(nodeHandle.life).toBe('alive');
    expect(node.events).toEqual(['alive', 'read', 'resend']);
    put(rig.outbox, point('temp', 2));
    expect((await store.waitForPoint(NODE_ID, 'temp')).number).toBe(2);
    // Another look, of the node's own edges, does not find it deleted.
    await store.edgeAs('user', NODE_ID, GATEWAY_ID);
    expect(await siot.undelete(NODE_ID)).toEqual({ state: 'alive' });
    expect(node.events).toEqual(['alive', 'read', 'resend']);
  });

  it('lives again below all nodes where it was mirrored, and not where it was moved away long before', async () => {
    const { siot, store, remove, isDeleted, liveParents } = await made();
    for (const group of ['one', 'two']) {
      await store.edgeAs('user', group, store.rootId, { nodeType: 'group' });
      await store.edgeAs('user', NODE_ID, group, { nodeType: 'mcu' });
    }
    await store.setAs('user', 'one', 'description', '', 'First floor');
    // Two days ahead, by a wrong clock: what makes it live has to be later.
    const ahead = now() + 48n * HOUR_NS;
    await remove(GATEWAY_ID, ahead - 2n * HOUR_NS);
    await remove('one', ahead - 60_000_000_000n);
    await remove('two', ahead);
    await isDeleted();
    const result = await siot.undelete(NODE_ID);
    expect(result.state).toBe('undeleted');
    const parents = result.state === 'undeleted' ? [...result.parents] : [];
    expect(parents.sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
      { id: 'one', description: 'First floor' },
      { id: 'two', description: '' },
    ]);
    expect(liveParents()).toEqual(['one', 'two']);
  });

  it('says which node above it is deleted, so that nobody sees it', async () => {
    const { siot, store, remove, isDeleted, nodeHandle } = await made();
    await store.edgeAs('user', GATEWAY_ID, store.rootId, { deleted: true });
    await remove(GATEWAY_ID);
    await isDeleted();
    const hiddenBy = { id: GATEWAY_ID, description: 'boiler room' };
    expect(await siot.undelete(NODE_ID)).toEqual({
      state: 'undeleted',
      parents: [{ ...hiddenBy, hiddenBy }],
    });
    expect(nodeHandle.life).toBe('alive');
    expect(await siot.undelete(NODE_ID)).toEqual({ state: 'alive', hiddenBy });
    // The gateway's own.
    expect(siot.status.storeProblem).toContain('siot-mcu undelete --gateway');
    const root = await siot.undelete(GATEWAY_ID);
    expect(root).toMatchObject({ state: 'undeleted', parents: [{ id: store.rootId }] });
    expect(siot.status.storeProblem).toBeUndefined();
    expect(await siot.undelete(NODE_ID)).toEqual({ state: 'alive' });
  });

  it('is not made where SIOT has none', async () => {
    const { siot, store } = await made();
    const late = siot.addNode(
      { id: 'dev-9', type: 'mcu', description: '', name: 'late' },
      { heard: () => undefined, read: () => undefined, life: () => undefined },
    );
    await until(() => late.life === 'alive', 'its node');
    await store.edgeAs('user', GATEWAY_ID, store.rootId, { deleted: true });
    await until(() => siot.status.storeProblem !== undefined, 'noticed');
    siot.addNode(
      { id: 'dev-10', type: 'mcu', description: '', name: 'later' },
      { heard: () => undefined, read: () => undefined, life: () => undefined },
    );
    expect(await siot.undelete('dev-10')).toEqual({ state: 'absent' });
    expect(store.edges('dev-10')).toEqual([]);
  });

  it('says that SIOT has gone, or refuses', async () => {
    const { siot, store, remove, isDeleted, liveParents } = await made();
    await remove(GATEWAY_ID);
    await isDeleted();
    store.failNext(1, 'database is locked');
    expect(await siot.undelete(NODE_ID)).toEqual({
      state: 'failed',
      why: 'database is locked',
      maybe: false,
    });
    expect(liveParents()).toEqual([]);
    await store.leave();
    expect(await siot.undelete(NODE_ID)).toMatchObject({
      state: 'failed',
      why: 'SIOT does not answer',
    });
  });
});

describe('without a store', () => {
  it('says that nothing keeps nodes', async () => {
    const nats = await startNats();
    const { siot } = startSiot(nats, { store: 'none' });
    expect(await siot.undelete(NODE_ID)).toMatchObject({ why: 'there is no connection to NATS' });
    await until(() => siot.status.nats === 'connected', 'connected');
    expect(await siot.undelete(NODE_ID)).toMatchObject({
      state: 'failed',
      why: 'there is no SIOT here: nothing keeps nodes, and so none is deleted',
    });
  });

  it('says that SIOT, which was there before, does not answer', async () => {
    const nats = await startNats();
    const { siot } = startSiot(nats, { remembered: { generation: 2 } });
    await until(() => siot.status.nats === 'connected', 'connected');
    expect(await siot.undelete(NODE_ID)).toMatchObject({ why: 'SIOT does not answer' });
  });
});

it('names the command as a shell takes it', () => {
  expect(undeleteCommand('boards-0000:00:14.0-usb2-1')).toBe(
    'siot-mcu undelete boards-0000:00:14.0-usb2-1',
  );
  expect(undeleteCommand('pump & "fan"')).toBe(`siot-mcu undelete 'pump & "fan"'`);
  expect(undeleteCommand("Anna's")).toBe(String.raw`siot-mcu undelete 'Anna'\''s'`);
  expect(undeleteCommand('--gateway')).toBe(`siot-mcu undelete '--gateway'`);
});
