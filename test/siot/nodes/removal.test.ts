/** A link that leaves the configuration: what it has left is delivered, and then nothing is kept of it. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { OutboxLane } from '../../../src/outbox/outbox.js';
import { FakeClock } from '../../support/fake-clock.js';
import { point, rawClient, nodeRecord, startNats, startSiot, watch } from '../harness.js';
import type { Rig } from '../harness.js';
import { ScriptedStore } from '../scripted-store.js';
import { until } from '../../support/until.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const BOARD = { id: 'dev-9', type: 'mcu', description: 'Board', name: 'board' };

/** Adds a link, has it publish, and removes it. Nothing here keeps hold of its lane. */
async function comeAndGo(rig: Rig, count: number): Promise<WeakRef<OutboxLane>> {
  const node = rig.siot.addNode(BOARD, nodeRecord());
  const lane = rig.outbox.lane(BOARD.id);
  for (let n = 0; n < count; n++) lane.put([point('temp', n)], () => undefined);
  node.status([point('connected', 1)]);
  await node.remove();
  return new WeakRef(lane);
}

async function collected(lane: WeakRef<OutboxLane>): Promise<void> {
  // What a promise or a timer of this turn still references is free in the next.
  await until(() => {
    collect();
    return lane.deref() === undefined;
  }, 'its lane to be let go of');
}

describe('a link that is removed', () => {
  it('leaves nothing behind with a store', async () => {
    const nats = await startNats();
    const store = await ScriptedStore.start(await rawClient(nats), 2);
    const rig = startSiot(nats);
    await until(() => rig.node.events.includes('resend'), 'made');
    const lane = await comeAndGo(rig, 20);
    expect(store.numbers('temp')).toEqual(Array.from({ length: 20 }, (_, n) => n));
    await collected(lane);
  });

  it('leaves nothing behind without one', async () => {
    const nats = await startNats();
    const seen = await watch(await rawClient(nats), 2);
    const rig = startSiot(nats, { store: 'none' });
    await until(() => rig.siot.status.nats === 'connected', 'connected');
    const lane = await comeAndGo(rig, 20);
    await until(() => seen.length === 21, 'all of them');
    await collected(lane);
  });

  it('while SIOT is away has its points delivered when it is back, and then leaves nothing', async () => {
    const nats = await startNats();
    const client = await rawClient(nats);
    const rig = startSiot(nats, { remembered: { generation: 2 } });
    await until(() => rig.siot.status.nats === 'connected', 'connected');
    const lane = await comeAndGo(rig, 20);
    expect(lane.deref()?.length).toBe(20);
    const store = await ScriptedStore.start(client, 2);
    await until(() => store.numbers('temp').length === 20, 'delivered');
    expect(store.numbers('temp')).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(store.numbers('connected')).toEqual([1]);
    await collected(lane);
  });

  it('and comes again meanwhile is kept: what it is to get is decided anew', async () => {
    const nats = await startNats();
    const client = await rawClient(nats);
    const clock = new FakeClock();
    const rig = startSiot(nats, { remembered: { generation: 2 }, clock });
    await until(() => rig.siot.status.nats === 'connected', 'connected');
    await comeAndGo(rig, 5);
    const again = nodeRecord();
    const node = rig.siot.addNode(BOARD, again);
    rig.outbox.lane(BOARD.id).put([point('temp', 5)], () => undefined);
    const store = await ScriptedStore.start(client, 2);
    const leftMs = clock.monotonicMs();
    await until(() => {
      if (clock.monotonicMs() < leftMs + 700) clock.advance(10);
      return rig.outbox.lane(BOARD.id).length === 0 && node.life === 'alive';
    }, 'delivered');
    expect(store.numbers('temp')).toEqual([0, 1, 2, 3, 4, 5]);
    store.publishEdge(BOARD.id, 'gw-1', 1);
    await client.flush();
    await until(() => {
      if (clock.monotonicMs() < leftMs + 900) clock.advance(10);
      return node.life === 'deleted';
    }, 'deleted');
    // The gateway looks for what removed links have left.
    clock.advance(1_000);
    rig.outbox.lane(BOARD.id).put([point('temp', 6)], () => undefined);
    expect(again.droppedPoints.map(({ cause }) => cause)).toEqual(['nodeDeleted']);
  });

  it('and comes again before it is gone keeps its lane', async () => {
    const nats = await startNats();
    const store = await ScriptedStore.start(await rawClient(nats), 2);
    const rig = startSiot(nats);
    await until(() => rig.node.events.includes('resend'), 'made');
    const first = rig.siot.addNode(BOARD, nodeRecord());
    await until(() => first.life === 'alive', 'made');
    store.answer = () => undefined;
    rig.outbox.lane(BOARD.id).put([point('temp', 1)], () => undefined);
    await until(() => store.unanswered.length === 1, 'on its way');
    const removed = first.remove();
    rig.siot.addNode(BOARD, nodeRecord());
    const lane = rig.outbox.lane(BOARD.id);
    store.unanswered[0]?.respond();
    await removed;
    expect([...rig.outbox.lanes()]).toContain(lane);
    store.answer = () => '';
    lane.put([point('temp', 2)], () => undefined);
    await until(() => lane.length === 0, 'delivered');
  });

  it('before its node was read has its points delivered at once', async () => {
    const nats = await startNats();
    const store = await ScriptedStore.start(await rawClient(nats), 2);
    const rig = startSiot(nats);
    await until(() => rig.node.events.includes('resend'), 'made');
    store.answerQuery = () => undefined;
    await comeAndGo(rig, 3);
    expect(store.numbers('temp')).toEqual([0, 1, 2]);
    expect(store.numbers('connected')).toEqual([1]);
  });
});
