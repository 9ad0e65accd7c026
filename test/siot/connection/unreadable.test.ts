/** A node that SIOT cannot list, as when it, or another in the same answer, has grown too large. */
import { describe, expect, it } from 'vitest';
import { numberOf } from '../../../src/point/point.js';
import { FakeClock } from '../../support/fake-clock.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import {
  cleanup,
  NODE_ID,
  nodeRecord,
  startNats,
  startSiot,
  startStore,
  type Rig,
} from '../harness.js';
import { until } from '../../support/until.js';

const said = (rig: Rig, level: string, text: string): number =>
  rig.said.filter((line) => line.level === level && line.message.includes(text)).length;

describe.each(['0.18.5', '0.25.0'] as const)('a node that SIOT %s cannot list', (version) => {
  it('is reported, still heard, and read with all that was set meanwhile once this is possible', async () => {
    const nats = await startNats();
    const clock = new FakeClock();
    const store = await startStore(nats.url, version, { clock });
    const proxy = await TcpProxy.start({ port: nats.port });
    cleanup(() => proxy.stop());
    const rig = startSiot(proxy, { clock });
    const pass = async (isOver: () => boolean, withinMs: number): Promise<void> => {
      for (let ms = 0; ms < withinMs && !isOver(); ms += 250) {
        clock.advance(250);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      expect(isOver()).toBe(true);
    };
    await until(() => rig.node.events.includes('resend'), 'made');
    const reads = (): number => rig.node.readPoints.length;
    const before = reads();

    proxy.refuses = true;
    proxy.cut();
    await until(() => rig.siot.status.nats === 'connecting', 'away');
    await store.setAs('user-1', NODE_ID, 'limit', '0', 7);
    store.silent.add(NODE_ID);
    proxy.refuses = false;
    await pass(() => rig.siot.status.store === 'answers', 10_000);
    await pass(() => rig.siot.status.storeProblem !== undefined, 60_000);
    expect(rig.siot.status.storeProblem).toBe(
      `the node of pump (${NODE_ID}) cannot be read: SIOT did not answer in time: what was set in SIOT while ` +
        'the gateway could not hear it waits there until it can',
    );
    expect(reads()).toBe(before);
    // What is set now is heard.
    await store.setAs('user-1', NODE_ID, 'mode', '0', 3);
    await until(() => rig.node.heardPoints.some(({ type }) => type === 'mode'), 'heard');
    await pass(() => said(rig, 'debug', 'the node could not be read') > 1, 240_000);
    expect(said(rig, 'warn', 'the node could not be read')).toBe(1);

    store.silent.delete(NODE_ID);
    await pass(() => reads() > before, 60_000);
    const read = rig.node.readPoints.at(-1) ?? [];
    const numbers = ['limit', 'mode'].map((type) => {
      const found = read.find((point) => point.type === type);
      return found === undefined ? undefined : numberOf(found.value);
    });
    expect(numbers).toEqual([7, 3]);
    expect(rig.siot.status.storeProblem).toBeUndefined();
    expect(said(rig, 'info', 'the node can be read again')).toBe(1);
  });

  it('is one of several, and is not reported any more once its link has gone', async () => {
    const nats = await startNats();
    const clock = new FakeClock();
    const store = await startStore(nats.url, version, { clock });
    const rig = startSiot(nats, { clock, remembered: { generation: store.generation } }, false);
    store.silent.add(NODE_ID);
    store.silent.add('dev-2');
    const spec = { id: 'dev-2', type: 'mcu', description: '', name: 'second' };
    const second = rig.siot.addNode(spec, nodeRecord());
    rig.siot.start();
    const problem = (): string => rig.siot.status.storeProblem ?? '';
    for (let ms = 0; ms < 60_000 && !problem().includes('(and 1 more)'); ms += 250) {
      clock.advance(250);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(problem()).toContain(`the node of pump (${NODE_ID}) (and 1 more) cannot be read`);
    const removed = [rig.nodeHandle.remove(), second.remove()];
    await until(() => problem() === '', 'nothing to be shown');
    clock.advance(5_000);
    await Promise.all(removed);
  });
});
