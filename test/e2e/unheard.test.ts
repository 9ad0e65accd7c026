/** What is set in SIOT while the gateway cannot hear it. */
import { expect, it } from 'vitest';
import { numberIn } from '../../firmware-sim/points.js';
import { SLOWNESS } from '../support/slowness.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { atEnd, leavesNothingBehind, now, openDevice, withEachSiot, gatewayOf } from './harness.js';
import { until } from '../support/until.js';

leavesNothingBehind();

withEachSiot((siot) => {
  it('a setting made while the gateway alone has no NATS reaches the device afterwards, the latest only', async () => {
    const { url, token } = siot.server;
    const proxy = await TcpProxy.start({ port: Number(new URL(url).port) });
    atEnd(() => proxy.stop());
    const device = await openDevice('compact');
    const links = [{ name: 'pump', transport: device.transport }];
    const gateway = gatewayOf({ url: proxy.url, token, links });
    await gateway.start();
    await gateway.ready();
    await device.report({ type: 'hello', value: 1, time: now() });
    const client = await siot.client();
    const set = (value: number): Promise<unknown> =>
      client.set(siot.generation, gateway.nodeId(), { type: 'setpoint', value, time: now() });
    await set(5);
    await device.mcu.waitForSetting('setpoint');

    proxy.refuses = true;
    proxy.cut();
    await until(
      () => gateway.gateway.control.status().nats.state === 'connecting',
      'the connection to go',
    );
    expect(gateway.gateway.control.status().nats.problem).toMatch(/NATS|server|nothing/);
    device.mcu.clearReceived();
    await set(6);
    await set(7);
    // The device is served meanwhile: its points are acknowledged.
    await device.report({ type: 'temp', value: 1, time: now() });
    device.mcu.assertNotReceived('setpoint');
    proxy.refuses = false;
    await device.mcu.waitForSetting('setpoint', ({ value }) => numberIn(value) === 7, {
      timeoutMs: 15_000 * SLOWNESS,
    });
    const values = device.mcu.receivedPoints.filter(({ type }) => type === 'setpoint');
    expect(values.map(({ value }) => numberIn(value))).toEqual([7]);
    await until(() => gateway.link().pending.length === 0, 'nothing to be on its way');
    await gateway.stop();
  });
});
