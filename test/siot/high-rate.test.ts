/** Where high-rate samples go: `phrup.<X>.<node of the link>` (docs/siot.md, 2.5). */
import type { NatsConnection } from '@nats-io/transport-node';
import { describe, expect, it } from 'vitest';
import { until } from '../support/until.js';
import { NODE_ID, nodeRecord, rawClient, startNats, startSiot, startStore } from './harness.js';

const SAMPLES = new Uint8Array(48).fill(7);

async function heardBy(client: NatsConnection): Promise<{ subject: string; bytes: number[] }[]> {
  const heard: { subject: string; bytes: number[] }[] = [];
  client.subscribe('phrup.>', {
    callback: (_error, { subject, data }) => void heard.push({ subject, bytes: [...data] }),
  });
  await client.flush();
  return heard;
}

describe('high-rate samples', () => {
  it('go to siot.parent as they are, without a store too', async () => {
    const nats = await startNats();
    const heard = await heardBy(await rawClient(nats));
    const { nodeHandle } = startSiot(nats, { parent: 'group-1' });
    nodeHandle.stream(SAMPLES);
    await until(() => heard.length > 0, 'the samples');
    expect(heard).toEqual([{ subject: `phrup.group-1.${NODE_ID}`, bytes: [...SAMPLES] }]);
  });

  it.each(['0.18.5', '0.25.0'] as const)(
    'go to the root node of SIOT %s, by its ID',
    async (version) => {
      const nats = await startNats();
      const heard = await heardBy(await rawClient(nats));
      const store = await startStore(nats.url, version);
      const { nodeHandle } = startSiot(nats);
      // Before anything is known of SIOT.
      nodeHandle.stream(SAMPLES);
      await until(() => heard.length > 0, 'the samples');
      expect(heard[0]?.subject).toBe(`phrup.${store.rootId}.${NODE_ID}`);
    },
  );

  it('go to `root` where there is no SIOT that could say which node that is', async () => {
    const nats = await startNats();
    const heard = await heardBy(await rawClient(nats));
    const { nodeHandle } = startSiot(nats, { store: 'none' });
    nodeHandle.stream(SAMPLES);
    await until(() => heard.length > 0, 'the samples');
    expect(heard[0]?.subject).toBe(`phrup.root.${NODE_ID}`);
  });

  it('go to highRateNode where it is given', async () => {
    const nats = await startNats();
    const heard = await heardBy(await rawClient(nats));
    const { siot } = startSiot(nats, { parent: 'group-1' });
    const spec = { id: 'dev-2', type: 'mcu', description: '', name: 'two', highRateNode: 'db-1' };
    siot.addNode(spec, nodeRecord()).stream(SAMPLES);
    await until(() => heard.length > 0, 'the samples');
    expect(heard[0]?.subject).toBe('phrup.db-1.dev-2');
  });

  it('that do not fit into the budget while NATS is away are told, and the newest arrive', async () => {
    const nats = await startNats();
    const heard = await heardBy(await rawClient(nats));
    const { siot } = startSiot(nats, { parent: 'group-1', highRateBytes: 10 * (48 + 128) }, false);
    const dropped: number[] = [];
    const spec = { id: 'dev-2', type: 'mcu', description: '', name: 'two' };
    const node = siot.addNode(spec, {
      ...nodeRecord(),
      streamDropped: (packets) => void dropped.push(packets),
    });
    for (let n = 0; n < 25; n++) node.stream(new Uint8Array(48).fill(n));
    expect(dropped).toHaveLength(15);
    siot.start();
    await until(() => heard.length === 10, 'what was kept');
    expect(heard.map(({ bytes }) => bytes[0])).toEqual([15, 16, 17, 18, 19, 20, 21, 22, 23, 24]);
  });
});
