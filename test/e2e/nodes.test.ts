import { expect, it } from 'vitest';
import { find, leavesNothingBehind, now, plant, withEachSiot } from './harness.js';
import { until } from '../support/until.js';

leavesNothingBehind();

withEachSiot((siot) => {
  const { generation } = siot;
  /** Live or dead, an edge of a node. */
  const edge = (alive: boolean, nodeType?: string) => [
    { type: 'tombstone', value: alive ? 0 : 1, time: now() },
    ...(nodeType === undefined ? [] : [{ type: 'nodeType', value: nodeType, time: now() }]),
  ];

  it('makes a node for the gateway and one for each link, with descriptions', async () => {
    const { client, gateway, nodeId } = await plant(siot, 'compact', {
      link: { node: { description: 'Pump controller' } },
    });
    const own = await client.node(gateway.id);
    expect(own).toMatchObject({ type: 'mcuGateway', parent: await client.rootId() });
    expect(find(own.points, 'description')?.text).toBe('boiler room');
    expect(find(own.points, 'versionApp')?.text).toBe('1.2.3');
    const link = await client.node(nodeId);
    expect(link).toMatchObject({ type: 'mcu', parent: gateway.id });
    expect(find(link.points, 'description')?.text).toBe('Pump controller');
    // A UUIDv5 of the gateway's ID and the link's name.
    expect(nodeId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('keeps a person’s description, and all IDs, over a restart', async () => {
    const { client, gateway, nodeId, set, device } = await plant(siot, 'compact');
    const id = gateway.id;
    await set({ type: 'description', value: 'The old pump' });
    await gateway.stop();
    await gateway.start();
    await gateway.ready();
    await device.report({ type: 'after', value: 1, time: now() });
    await client.stored(nodeId, 'after');
    expect(gateway.id).toBe(id);
    expect(gateway.nodeId()).toBe(nodeId);
    expect((await client.stored(nodeId, 'description')).text).toBe('The old pump');
    expect(await client.nodes(`all.${nodeId}`)).toHaveLength(1);
    // What it is called in SIOT is no business of the device.
    device.mcu.assertNotReceived('description');
  });

  it('shows a person’s description, not what the device reports after its restart, until it is emptied', async () => {
    const { client, gateway, nodeId, set, device } = await plant(siot, 'compact', {
      link: { node: { description: 'From the configuration' } },
    });
    const shown = (text: string) =>
      client.stored(nodeId, 'description', '0', (point) => point.text === text);
    const restarts = async (text: string, ...times: bigint[]) => {
      const started = new Promise<void>((resolve) => {
        const off = device.mcu.observe({
          started: () => {
            off();
            resolve();
          },
        });
      });
      device.mcu.reboot();
      await started;
      for (const time of [0n, ...times]) {
        await device.report({ type: 'description', value: text, time });
      }
      // Published in their order: what comes after it is there.
      await device.report({ type: 'after', value: text, time: now() });
      await client.stored(nodeId, 'after', '0', (point) => point.text === text);
    };
    // A description from the configuration is the gateway's own, not a person's.
    await restarts('Pump controller');
    await shown('Pump controller');
    await set({ type: 'description', value: 'The old pump' });
    await restarts('Pump controller 2', now());
    await shown('The old pump');
    expect(gateway.counter('givenDescription')).toBe(2);

    await gateway.stop();
    await gateway.start();
    await gateway.ready();
    await restarts('Pump controller 3');
    await shown('The old pump');

    await set({ type: 'description', value: '' });
    expect(await shown('Pump controller 3')).toMatchObject({ origin: '' });
    await restarts('Pump controller 4');
    await shown('Pump controller 4');
    // A removed one as well.
    await set({ type: 'description', value: 'Mine' });
    await restarts('Pump controller 5');
    await shown('Mine');
    await set({ type: 'description', value: 'Mine', tombstone: 1 });
    await shown('Pump controller 5');
  });

  it('reads a person’s description that was given while the gateway was away', async () => {
    const { client, gateway, nodeId, set, device } = await plant(siot, 'protobuf');
    await gateway.stop();
    await set({ type: 'description', value: 'The old pump' });
    await gateway.start();
    await gateway.ready();
    await device.report({ type: 'description', value: 'Pump controller' });
    await device.report({ type: 'after', value: 1, time: now() });
    await client.stored(nodeId, 'after');
    expect((await client.stored(nodeId, 'description')).text).toBe('The old pump');
    // Emptied while it is away: what the device said last is still known.
    await gateway.stop();
    await set({ type: 'description', value: '' });
    await gateway.start();
    await client.stored(nodeId, 'description', '0', ({ text }) => text === 'Pump controller');
  });

  it('takes the node and its parent that the configuration names', async () => {
    const first = await plant(siot, 'compact', {
      link: { node: { id: `given-${String(now())}`, type: 'pumpController' } },
    });
    expect(await first.client.node(first.nodeId)).toMatchObject({
      id: first.nodeId,
      type: 'pumpController',
      parent: first.gateway.id,
    });
  });

  it('lets people move a node, and mirror it', async () => {
    const { client, gateway, nodeId, device, set } = await plant(siot, 'compact');
    const root = await client.rootId();
    await client.setEdge(generation, nodeId, root, edge(true, 'mcu'));
    expect(await client.nodes(`all.${nodeId}`)).toHaveLength(2);
    await device.report({ type: 'mirrored', value: 1, time: now() });
    await client.stored(nodeId, 'mirrored');

    await client.setEdge(generation, nodeId, gateway.id, edge(false));
    await device.report({ type: 'moved', value: 1, time: now() });
    await client.stored(nodeId, 'moved');
    await gateway.stop();
    await gateway.start();
    await gateway.ready();
    await device.report({ type: 'again', value: 1, time: now() });
    await client.stored(nodeId, 'again');
    await set({ type: 'setpoint', value: 1 });
    await device.mcu.waitForSetting('setpoint');
    const nodes = await client.nodes(`all.${nodeId}`);
    expect(nodes.map(({ parent }) => parent)).toEqual([root]);
  });

  it('never restores a node that somebody deleted, and goes on when it is undeleted', async () => {
    const { client, gateway, nodeId, device } = await plant(siot, 'compact');
    await device.report({ type: 'temp', value: 1, time: now() });
    await client.stored(nodeId, 'temp');
    await client.setEdge(generation, nodeId, gateway.id, edge(false));
    await until(() => gateway.link().node === 'deleted', 'the deletion to be noticed');
    expect(gateway.link().advice.join()).toContain('deleted');

    const from = client.pointsOn(generation, nodeId).length;
    // Acknowledged, counted and dropped, though the link stays open.
    await device.report({ type: 'temp', value: 2, time: now() });
    await device.report({ type: 'temp', value: 3, time: now() });
    expect(gateway.counter('nodeDeleted')).toBe(2);
    expect(gateway.link().port).toBe('open');
    // Over a restart as well, after which the gateway has to find it out again.
    await gateway.stop();
    await gateway.start();
    await until(() => gateway.link().node === 'deleted', 'the deletion to be noticed again');
    await gateway.opened();
    await device.report({ type: 'temp', value: 4, time: now() });
    expect(await client.nodes(`all.${nodeId}`)).toHaveLength(0);
    const published = client.pointsOn(generation, nodeId).slice(from);
    expect(published.map(({ type }) => type)).not.toContain('temp');

    await client.setEdge(generation, nodeId, gateway.id, edge(true));
    await until(() => gateway.link().node === 'alive', 'the node to live again');
    // The newest of each point, also of those that were dropped.
    const newest = await client.stored(nodeId, 'temp', '0', ({ number }) => number !== 1);
    expect(newest.number).toBe(4);
    await device.report({ type: 'after', value: 5, time: now() });
    await client.stored(nodeId, 'after');
  });

  it('lets a person undelete a node that was mirrored, also one that was deleted before a restart', async () => {
    const { client, gateway, nodeId, device } = await plant(siot, 'compact');
    const undelete = () => gateway.gateway.control.undelete({ link: 'pump' });
    const root = await client.rootId();
    await client.setEdge(generation, nodeId, root, edge(true, 'mcu'));
    await device.report({ type: 'temp', value: 1, time: now() });
    await client.stored(nodeId, 'temp');
    expect(await undelete()).toMatchObject({ state: 'refused' });
    for (const parent of [gateway.id, root]) {
      await client.setEdge(generation, nodeId, parent, edge(false));
    }
    await until(() => gateway.link().node === 'deleted', 'the deletion to be noticed');
    expect(gateway.link().advice.join()).toContain('siot-mcu undelete pump');
    await device.report({ type: 'temp', value: 2, time: now() });

    await gateway.stop();
    await gateway.start();
    await until(() => gateway.link().node === 'deleted', 'the deletion to be noticed again');
    await gateway.opened();
    await device.report({ type: 'temp', value: 3, time: now() });
    const reply = await undelete();
    const parents = reply.state === 'undeleted' ? reply.parents : [];
    expect(parents.map((parent) => parent.nodeId).sort()).toEqual([gateway.id, root].sort());
    expect(parents.filter(({ hidden }) => hidden !== undefined)).toEqual([]);
    expect(parents.find((parent) => parent.nodeId === gateway.id)?.description).toBe('boiler room');
    expect(gateway.link().node).toBe('alive');
    const nodes = await client.nodes(`all.${nodeId}`);
    expect(nodes.map(({ parent, type }) => [parent, type]).sort()).toEqual(
      [
        [gateway.id, 'mcu'],
        [root, 'mcu'],
      ].sort(),
    );
    const newest = await client.stored(nodeId, 'temp', '0', ({ number }) => number !== 1);
    expect(newest.number).toBe(3);
    await device.report({ type: 'after', value: 4, time: now() });
    await client.stored(nodeId, 'after');
  });

  it('says what to do when its own node is deleted, and lets a person undelete that', async () => {
    const { client, gateway, nodeId } = await plant(siot, 'compact');
    const { control } = gateway.gateway;
    const root = await client.rootId();
    const remedy = 'siot-mcu undelete --gateway';
    await client.setEdge(generation, gateway.id, root, edge(false));
    await until(
      () => control.status().siot.problem?.includes(remedy),
      'the deletion to be noticed',
    );
    expect(await client.nodes(`${root}.${gateway.id}`)).toEqual([]);
    // Below it the link's node is not deleted.
    const refused = await control.undelete({ link: 'pump' });
    expect(refused.state === 'refused' ? refused.reason : '').toContain(remedy);
    expect(await control.undelete({ gateway: true })).toMatchObject({
      state: 'undeleted',
      parents: [{ nodeId: root }],
    });
    expect(await client.nodes(`${root}.${gateway.id}`)).toHaveLength(1);
    expect(await client.nodes(`${gateway.id}.${nodeId}`)).toHaveLength(1);
    expect(control.status().siot.problem).toBeUndefined();
  });

  it('marks the node of a link that has left the configuration, until it is back', async () => {
    const { client, gateway, nodeId, device } = await plant(siot, 'compact');
    const { document } = gateway;
    const isAt =
      (value: number) =>
      ({ number }: { readonly number: number }): boolean =>
        number === value;
    await client.stored(nodeId, 'connected', '0', isAt(1));
    await gateway.reload({ ...document, links: [] });
    await client.stored(nodeId, 'gatewayRemoved', '0', isAt(1));
    await client.stored(nodeId, 'connected', '0', isAt(0));
    await gateway.reload(document);
    await client.stored(nodeId, 'gatewayRemoved', '0', isAt(0));
    await gateway.ready();
    await device.report({ type: 'after', value: 1, time: now() });
    await client.stored(nodeId, 'connected', '0', isAt(1));

    await gateway.stop();
    gateway.document = { ...document, links: [] };
    await gateway.start();
    await client.stored(nodeId, 'gatewayRemoved', '0', isAt(1));
  });
});
