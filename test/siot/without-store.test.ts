import { describe, expect, it } from 'vitest';
import { MemoryOutbox } from '../../src/outbox/memory-outbox.js';
import { intValue, jsonValue, makePoint, stringValue } from '../../src/point/point.js';
import { NatsServer } from '../../src/siot/connection/nats-server.js';
import { WIRES } from '../../src/siot/wire/wires.js';
import { FakeClock } from '../support/fake-clock.js';
import { cleanup, NODE_ID, point, put, rawClient, startNats, startSiot, watch } from './harness.js';
import { until } from '../support/until.js';
import { SLOWNESS } from '../support/slowness.js';

describe('a plain nats-server', () => {
  it('gets generation 2 at once, with blank keys as 0, and confirms what it got', async () => {
    const nats = await startNats();
    const seen = await watch(await rawClient(nats), 2);
    const { outbox, siot } = startSiot(nats);
    const sent = [
      point('temp', 23.5),
      point('temp', 1, { key: 'front' }),
      point('n', 0, { value: intValue(-40n) }),
      point('j', 0, { value: jsonValue('{"a":1}'), tombstone: 1 }),
    ];
    put(outbox, ...sent);
    await until(() => outbox.lane(NODE_ID).length === 0, 'all confirmed');
    expect(seen.map(({ subject }) => subject)).toEqual([
      'p.dev-1.temp.0',
      'p.dev-1.temp.front',
      'p.dev-1.n.0',
      'p.dev-1.j.0',
    ]);
    const canonical = sent.map((p) => ({ ...p, key: p.key === '' ? '0' : p.key }));
    expect(seen.flatMap(({ points }) => points)).toEqual(canonical);
    expect(siot.status).toEqual({ generation: 2, store: 'none', nats: 'connected' });
  });

  it('gets points at once also where somebody listens to everything', async () => {
    const nats = await startNats();
    // With such a subscriber NATS does not say that nobody answers the probe.
    (await rawClient(nats)).subscribe('>', { callback: () => undefined });
    const { outbox } = startSiot(nats);
    const beforeMs = performance.now();
    put(outbox, point('temp', 1));
    await until(() => outbox.lane(NODE_ID).length === 0, 'confirmed');
    // The probe alone takes twice 2 s.
    expect(performance.now() - beforeMs).toBeLessThan(4_000 * SLOWNESS);
  });

  it('gets each of many values of one turn, also where only the newest is kept of what waits', async () => {
    const nats = await startNats();
    const seen = await watch(await rawClient(nats), 2);
    const { outbox, siot } = startSiot(nats, { store: 'none', generation: 2 });
    let superseded = 0;
    const onSuperseded = (count: number): void => void (superseded += count);
    const lane = outbox.lane(NODE_ID, { backlog: 'latest', onSuperseded });
    await until(() => siot.status.nats === 'connected', 'connected');
    for (let n = 0; n < 50; n++) put(outbox, point('temp', n));
    await until(() => lane.length === 0, 'all confirmed');
    expect([seen.length, superseded]).toEqual([50, 0]);
  });

  it('gets long and short texts of a point in their order, and more than one write has', async () => {
    const nats = await startNats();
    const seen = await watch(await rawClient(nats), 2);
    const { outbox, siot } = startSiot(nats, { store: 'none', generation: 2 });
    await until(() => siot.status.nats === 'connected', 'connected');
    const texts = Array.from({ length: 300 }, (_, n) => `${String(n)} `.repeat(1 + (n % 7) ** 4));
    put(outbox, ...texts.map((text) => point('note', 0, { value: stringValue(text) })));
    await until(() => outbox.lane(NODE_ID).length === 0, 'all confirmed');
    expect(seen.flatMap(({ points }) => points.map(({ value }) => value))).toEqual(
      texts.map(stringValue),
    );
  });

  it('gets points at once where nobody waits for them, and not with the next confirmation', async () => {
    const nats = await startNats();
    const seen = await watch(await rawClient(nats), 2);
    // The timer that asks for the next confirmation never ends.
    const { outbox, siot } = startSiot(nats, {
      clock: new FakeClock(),
      store: 'none',
      generation: 2,
    });
    await until(() => siot.status.nats === 'connected', 'connected');
    for (let n = 1; n <= 3; n++) {
      put(outbox, point('temp', n));
      await until(() => seen.length === n, `${String(n)} arrived`);
    }
  });

  it('gets generation 1 in batches where it is configured, each point once in a message', async () => {
    const nats = await startNats();
    const seen = await watch(await rawClient(nats), 1);
    const { outbox } = startSiot(nats, { generation: 1, store: 'none' });
    put(
      outbox,
      point('temp', 1),
      point('flow', 2),
      point('temp', 3, { key: '0' }),
      point('temp', 4, { key: '10' }),
      point('temp1', 5),
      point('text', 0, { value: { kind: 'string', text: 'a', number: 7 } }),
      point('json', 0, { value: jsonValue('[1]') }),
      point('int', 0, { value: intValue(-300n) }),
    );
    await until(() => outbox.lane(NODE_ID).length === 0, 'all confirmed');
    const names = seen.map(({ points }) => points.map((p) => `${p.type}/${p.key}`));
    expect(seen.every(({ subject }) => subject === 'p.dev-1')).toBe(true);
    expect(names).toEqual([
      ['temp/0', 'flow/0'],
      ['temp/0', 'temp/10'],
      ['temp1/0', 'text/0', 'json/0', 'int/0'],
    ]);
    expect(seen[2]?.points.map((p) => p.value)).toEqual([
      { kind: 'float', number: 5 },
      { kind: 'string', text: 'a', number: 7 },
      { kind: 'string', text: '[1]' },
      { kind: 'float', number: -300 },
    ]);
  });

  it('asks nothing and makes nothing with store: none', async () => {
    const nats = await startNats();
    const seen: string[] = [];
    const client = await rawClient(nats);
    client.subscribe('>', { callback: (_e, m) => void seen.push(m.subject) });
    await client.flush();
    const { outbox } = startSiot(nats, { store: 'none' });
    put(outbox, point('temp', 1));
    await until(() => outbox.lane(NODE_ID).length === 0, 'confirmed');
    expect(seen).toEqual(['p.dev-1.temp.0']);
  });

  it('loses nothing and keeps the order when it is killed and comes back', async () => {
    const first = await NatsServer.start();
    const { outbox, siot } = startSiot(first);
    cleanup(() => first.stop());
    put(outbox, point('temp', 0));
    await until(() => outbox.lane(NODE_ID).length === 0, 'connected');
    let n = 1;
    for (; n < 500; n++) put(outbox, point('temp', n));
    await first.stop('SIGKILL');
    for (; n < 1000; n++) put(outbox, point('temp', n));
    await until(() => siot.status.nats === 'connecting', 'the loss is noticed');
    const unsettled = outbox.lane(NODE_ID).length;
    expect(unsettled).toBeGreaterThanOrEqual(500);
    const second = await NatsServer.start({ port: first.port });
    cleanup(() => second.stop());
    const seen = await watch(await rawClient(second), 2);
    for (; n < 1100; n++) put(outbox, point('temp', n));
    await until(() => outbox.lane(NODE_ID).length === 0, 'all confirmed');
    const numbers = seen.flatMap(({ points }) =>
      points.map((p) => (p.value.kind === 'float' ? p.value.number : NaN)),
    );
    const wanted = Array.from({ length: 1100 }, (_, i) => i).slice(1000 - unsettled);
    expect(numbers).toEqual(wanted);
  });

  it('that is killed before it has read what it was sent has confirmed nothing of it', async () => {
    const first = await NatsServer.start();
    cleanup(() => first.stop('SIGKILL'));
    const { outbox, siot, nodeHandle } = startSiot(first, { store: 'none' });
    put(outbox, point('temp', 0));
    await until(() => outbox.lane(NODE_ID).length === 0, 'connected');
    first.signal('SIGSTOP');
    // The signal takes a moment.
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (let n = 1; n <= 100; n++) put(outbox, point('temp', n));
    nodeHandle.status([point('connected', 1)]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await first.stop('SIGKILL');
    await until(() => siot.status.nats === 'connecting', 'the loss is noticed');
    expect(outbox.lane(NODE_ID).length).toBe(100);
    const second = await NatsServer.start({ port: first.port });
    cleanup(() => second.stop());
    const seen = await watch(await rawClient(second), 2);
    await until(() => outbox.lane(NODE_ID).length === 0, 'all confirmed');
    expect(seen.map(({ subject }) => subject)).toContain('p.dev-1.connected.0');
  });

  it('gets status points before others, the latest only', async () => {
    const nats = await startNats();
    const seen = await watch(await rawClient(nats), 2);
    const { outbox, siot, nodeHandle } = startSiot(nats, {}, false);
    put(outbox, point('temp', 1), point('temp', 2));
    nodeHandle.status([point('connected', 1)]);
    nodeHandle.status([point('rx', 5), point('connected', 0)]);
    siot.start();
    await until(() => outbox.lane(NODE_ID).length === 0, 'confirmed');
    const got = seen.flatMap(({ points }) =>
      points.map((p) => [p.type, p.value.kind === 'float' && p.value.number]),
    );
    expect(got).toEqual([
      ['connected', 0],
      ['rx', 5],
      ['temp', 1],
      ['temp', 2],
    ]);
  });

  it('is heard: what others publish on the node, and not what the gateway itself does', async () => {
    const nats = await startNats();
    const client = await rawClient(nats);
    const { outbox, node, siot } = startSiot(nats);
    put(outbox, point('temp', 1));
    await until(() => outbox.lane(NODE_ID).length === 0, 'connected');
    const setting = point('limit', 4, { key: '0', origin: 'user-1' });
    client.publish('p.dev-1.limit.0', WIRES[2].encode([setting]));
    client.publish('p.dev-1.limit.0', new Uint8Array([1, 2]));
    client.publish('p.dev-2.limit.0', WIRES[2].encode([setting]));
    client.publish('p.dev-1.other.0', WIRES[2].encode([point('other', 1, { key: '0' })]));
    await until(() => node.heardPoints.length === 2, 'both heard');
    expect(node.heardPoints[0]).toEqual(setting);
    await siot.publishSetting(NODE_ID, point('limit', 5, { origin: 'me' }));
    client.publish('p.dev-1.last.0', WIRES[2].encode([point('last', 1, { key: '0' })]));
    await until(() => node.heardPoints.length === 3, 'the last');
    expect(node.heardPoints.map((p) => p.type)).toEqual(['limit', 'other', 'last']);
  });

  it('drops what cannot be put on NATS at all, and goes on', async () => {
    const nats = await startNats({ args: ['-c', '/dev/null'] });
    const { outbox, node, said } = startSiot(nats);
    put(
      outbox,
      makePoint({ type: 'a b', value: stringValue('x'), time: 1n }),
      makePoint({ type: 'huge', value: stringValue('x'.repeat(70_000)), time: 1n }),
      point('temp', 1),
    );
    await until(() => outbox.lane(NODE_ID).length === 0, 'settled');
    expect(node.droppedPoints.map(({ cause, points }) => [cause, points[0]?.type])).toEqual([
      ['unsendable', 'a b'],
      ['unsendable', 'huge'],
    ]);
    expect(said.filter(({ message }) => message.includes('dropped')).length).toBe(1);
  });

  it('publishes what is left when it stops', async () => {
    const nats = await startNats();
    const seen = await watch(await rawClient(nats), 2);
    const outbox = new MemoryOutbox({ maxBytes: 1e8 });
    const { siot } = startSiot(nats, { outbox });
    for (let n = 0; n < 20_000; n++) put(outbox, point('temp', n));
    await siot.stop(15_000);
    expect(outbox.lane(NODE_ID).length).toBe(0);
    await until(() => seen.length === 20_000, 'all of them');
    expect(() => siot.status).not.toThrow();
  });

  it('that ends before it has taken a setting makes that setting fail', async () => {
    const nats = await NatsServer.start();
    cleanup(() => nats.stop('SIGKILL'));
    const { siot } = startSiot(nats, { store: 'none' });
    await until(() => siot.status.nats === 'connected', 'connected');
    nats.signal('SIGSTOP');
    // The signal takes a moment to stop it: the first that it does not take.
    const failed = (async (): Promise<unknown> => {
      for (;;) await siot.publishSetting(NODE_ID, point('limit', 5));
    })().catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await nats.stop('SIGKILL');
    expect(String(await failed)).toContain('the connection to NATS was lost');
  });

  it('is searched for a store with growing pauses', async () => {
    const nats = await startNats();
    const client = await rawClient(nats);
    const clock = new FakeClock();
    let asked = 0;
    for (const subject of ['auth.getNatsURI', 'nodes.root.all']) {
      client.subscribe(subject, { callback: () => void (asked += 1) });
    }
    await client.flush();
    const { siot } = startSiot(nats, { clock });
    await until(() => siot.status.nats === 'connected' && asked === 1, 'asked');
    for (let ms = 0; ms < 60_000; ms += 250) {
      clock.advance(250);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    // Two questions of 2 s each, and pauses of up to 5 s.
    expect(asked).toBeGreaterThan(8);
    expect(asked).toBeLessThan(24);
  });

  it('answers requests on its own subject, as often as it likes', async () => {
    const nats = await startNats();
    const client = await rawClient(nats);
    const { siot, outbox } = startSiot(nats);
    siot.serve('status', (request, reply) => {
      reply(request);
      reply(new TextEncoder().encode('second'));
    });
    put(outbox, point('temp', 1));
    await until(() => outbox.lane(NODE_ID).length === 0, 'connected');
    const answers: string[] = [];
    client.subscribe('answers', { callback: (_e, m) => void answers.push(m.string()) });
    client.publish('mcu-gateway.gw-1.status', 'first', { reply: 'answers' });
    await until(() => answers.length === 2, 'both answers');
    expect(answers).toEqual(['first', 'second']);
  });
});
