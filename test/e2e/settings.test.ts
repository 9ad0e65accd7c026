import { expect, it } from 'vitest';
import { numberIn } from '../../firmware-sim/points.js';
import { leavesNothingBehind, now, openDevice, plant, withEachSiot } from './harness.js';
import type { Plant } from './harness.js';
import { until } from '../support/until.js';

leavesNothingBehind();

/** Nothing of this link is on its way any more. */
async function settled({ gateway }: Plant): Promise<void> {
  await until(
    () => gateway.link().pending.length === 0,
    () => `settings to be acknowledged: ${JSON.stringify(gateway.link().pending)}`,
  );
}

const SECOND = 1_000_000_000n;

withEachSiot((siot) => {
  const { generation } = siot;

  it('keeps what is set while the device is away, the latest only, over a restart too', async () => {
    const all = await plant(siot, 'compact', { line: 'link' });
    const { device, gateway, set, client, nodeId } = all;
    await client.stored(nodeId, 'connected', '0', ({ number }) => number === 1);
    await device.mcu.close();
    // `connected` means that the device talks.
    await client.stored(nodeId, 'connected', '0', ({ number }) => number === 0);
    await set({ type: 'setpoint', value: 5 });
    await set({ type: 'setpoint', value: 6 });
    await set({ type: 'setpoint', value: 7 });
    await set({ type: 'mode', value: 'eco' });
    await until(
      () =>
        gateway.link().pending.filter(({ value }) => value === 7 || value === 'eco').length === 2,
      () => `both to be pending: ${JSON.stringify(gateway.link().pending)}`,
    );
    await gateway.stop();
    await gateway.start();
    await until(() => gateway.link().pending.length === 2, 'both to be pending after a restart');

    const back = await openDevice('compact', { linkPath: device.path });
    await back.mcu.waitForSetting('mode');
    await settled(all);
    const setpoints = back.mcu.receivedPoints.filter(({ type }) => type === 'setpoint');
    expect(setpoints.map(({ value }) => numberIn(value))).toEqual([7]);
    // The time comes first on every opening.
    expect(back.mcu.receivedPoints[0]?.type).toBe('timeSync');
    await back.report({ type: 'temp', value: 1, time: now() });
    await client.stored(nodeId, 'connected', '0', ({ number }) => number === 1);
  });

  it('finds what was set while the gateway was away', async () => {
    const all = await plant(siot, 'compact', { link: { commands: ['restart'] } });
    const { device, gateway, set, client, nodeId } = all;
    await set({ type: 'setpoint', value: 5 });
    await device.mcu.waitForSetting('setpoint');
    await settled(all);
    await gateway.stop();
    expect((await client.stored(nodeId, 'connected')).number).toBe(0);
    device.mcu.clearReceived();
    await set({ type: 'setpoint', value: 6 });
    await set({ type: 'restart', value: 1 });
    await gateway.start();
    await device.mcu.waitForSetting('setpoint', ({ value }) => numberIn(value) === 6);
    // It is newer than the last reading.
    await device.mcu.waitForSetting('restart');
    await settled(all);
    await gateway.stop();
    device.mcu.clearReceived();
    await gateway.start();
    await gateway.ready();
    await set({ type: 'last', value: 1 });
    await device.mcu.waitForSetting('last');
    device.mcu.assertNotReceived('restart');
    device.mcu.assertNotReceived('setpoint');
  });

  it('does not execute a command that was there before the first reading', async () => {
    const client = await siot.client();
    const nodeId = `given-${String(now())}`;
    const root = await client.rootId();
    await client.set(generation, nodeId, { type: 'restart', value: 1, time: now() });
    await client.set(generation, nodeId, { type: 'setpoint', value: 3, time: now() });
    await client.setEdge(generation, nodeId, root, [
      { type: 'tombstone', value: 0, time: now() },
      { type: 'nodeType', value: 'mcu', time: now() },
    ]);
    const { device, set } = await plant(siot, 'compact', {
      link: { node: { id: nodeId }, commands: ['restart'] },
    });
    await device.mcu.waitForSetting('setpoint', ({ value }) => numberIn(value) === 3);
    await set({ type: 'last', value: 1 });
    await device.mcu.waitForSetting('last');
    device.mcu.assertNotReceived('restart');
    // One that is given now is executed.
    await set({ type: 'restart', value: 1 });
    await device.mcu.waitForSetting('restart');
  });

  it('shows in SIOT what is in force, though reports carry later times', async () => {
    const all = await plant(siot, 'compact');
    const { device, set, client, nodeId } = all;
    await device.report({ type: 'setpoint', value: 4, time: now() });
    await client.stored(nodeId, 'setpoint', '0', ({ number }) => number === 4);
    // A person's slow clock: the store ignores it, the device must not.
    await set({ type: 'setpoint', value: 5, time: now() - 60n * SECOND });
    const point = await device.mcu.waitForSetting('setpoint');
    expect(numberIn(point.value)).toBe(5);
    const shown = await client.stored(nodeId, 'setpoint', '0', ({ number }) => number === 5);
    expect(shown.origin).toBe('');
    await settled(all);
    // The next of the same slow clock is newer than the last setting.
    await set({ type: 'setpoint', value: 6, time: now() - 59n * SECOND });
    await device.mcu.waitForSetting('setpoint', ({ value }) => numberIn(value) === 6);
    await client.stored(nodeId, 'setpoint', '0', ({ number }) => number === 6);
  });

  it('sends a number that was set as text, as SIOT’s page does, as the device reports it', async () => {
    const all = await plant(siot, 'compact');
    const { device, gateway, set, client, nodeId } = all;
    await device.report({ type: 'enabled', value: 1, time: now() });
    await client.stored(nodeId, 'enabled');
    await gateway.stop();
    await set({ type: 'enabled', value: '0' });
    // It has not reported the point in this life of the gateway.
    await gateway.start();
    const off = await device.mcu.waitForSetting('enabled');
    expect(off.value).toBe(0);
    await settled(all);
    await device.report({ type: 'enabled', value: 0, time: now() });
    await device.report({ type: 'mode', value: '1', time: now() });
    await set({ type: 'mode', value: '0' });
    expect((await device.mcu.waitForSetting('mode')).value).toBe('0');
  });

  it('does not send a setting again over a value that the device has changed itself', async () => {
    const all = await plant(siot, 'compact');
    const { device, set, client, nodeId, gateway } = all;
    await set({ type: 'setpoint', value: 99 });
    await device.mcu.waitForSetting('setpoint');
    await settled(all);
    await device.report({ type: 'setpoint', value: 8, time: now() });
    await client.stored(nodeId, 'setpoint', '0', ({ number }) => number === 8);
    // The device has changed it itself: not sent again after an opening.
    device.mcu.clearReceived();
    await gateway.stop();
    await gateway.start();
    await gateway.ready();
    await set({ type: 'last', value: 1 });
    await device.mcu.waitForSetting('last');
    device.mcu.assertNotReceived('setpoint');
  });

  it('stops the link by `disabled`, also over a restart, and starts it again', async () => {
    const { device, gateway, set, client, nodeId } = await plant(siot, 'compact');
    await set({ type: 'disabled', value: 1 });
    await until(() => gateway.link().port === 'disabled', 'the link to stop');
    await client.stored(nodeId, 'connected', '0', ({ number }) => number === 0);
    await gateway.stop();
    await gateway.start();
    expect(gateway.link().port).toBe('disabled');
    await until(() => gateway.link().node === 'alive', 'the node to be there');
    await set({ type: 'setpoint', value: 5 });
    await until(() => gateway.link().pending.length === 1, 'the setting to wait');
    expect(gateway.link().pending[0]?.reason).toContain('disabled');
    device.mcu.assertNotReceived('setpoint');

    await set({ type: 'disabled', value: 0 });
    await device.mcu.waitForSetting('setpoint');
    await gateway.opened();
    await device.report({ type: 'temp', value: 1, time: now() });
    await client.stored(nodeId, 'connected', '0', ({ number }) => number === 1);
    device.mcu.assertNotReceived('disabled');
  });

  it('publishes statistics, and resets them', async () => {
    const { device, set, client, nodeId, gateway } = await plant(siot, 'compact');
    for (let i = 0; i < 5; i += 1) await device.report({ type: 'temp', value: i, time: now() });
    const rx = await client.stored(nodeId, 'rx', '0', ({ number }) => number >= 6);
    expect(rx).toMatchObject({ origin: '', number: gateway.counter('rx') });
    expect((await client.stored(nodeId, 'tx', '0', ({ number }) => number >= 6)).origin).toBe('');
    expect((await client.stored(nodeId, 'errorCount')).number).toBe(0);
    expect((await client.stored(nodeId, 'pending')).number).toBe(0);
    await set({ type: 'rxReset', value: 1 });
    await client.stored(nodeId, 'rx', '0', ({ number }) => number === 0);
    const reset = await client.stored(nodeId, 'rxReset', '0', ({ number }) => number === 0);
    expect(reset.origin).toBe('');
    expect(gateway.counter('rx')).toBe(0);
    device.mcu.assertNotReceived('rxReset');
  });

  it('refuses to send down what is the gateway’s or its administrator’s', async () => {
    const { device, set, gateway } = await plant(siot, 'compact');
    for (const type of ['baud', 'port', 'connected', 'rx', 'debug', 'gatewayCount', 'pending']) {
      await set({ type, value: 1 });
      await set({ type, value: 2 });
    }
    await set({ type: 'last', value: 1 });
    await device.mcu.waitForSetting('last');
    const others = device.mcu.receivedPoints.map(({ type }) => type);
    expect(others.filter((type) => type !== 'timeSync')).toEqual(['last']);
    expect(gateway.counter('refusedSetting')).toBe(14);
    const warned = gateway.said.filter(({ message }) => message.includes('not sent to the device'));
    expect(warned).toHaveLength(7);
  });
});
