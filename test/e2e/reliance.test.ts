/**
 * What users rely on, and what Simple IoT's own serial client does not do: it
 * sends nothing again, forgets settings made while a port is closed, and closes
 * the port on a noise frame of three bytes. Real ports, and no store that would
 * say a setting again.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ignoreAcks, ignorePoints, limited, whenType } from '../../firmware-sim/behaviours.js';
import { numberIn } from '../../firmware-sim/points.js';
import { SiotStore } from '../siot-store/siot-store.js';
import { Cli } from '../support/cli.js';
import { connectTo, useNats } from '../support/nats.js';
import { SLOWNESS } from '../support/slowness.js';
import {
  atEnd,
  attached,
  find,
  leavesNothingBehind,
  now,
  openClient,
  openDevice,
  type Device,
  type Line,
  gatewayOf,
} from './harness.js';
import { until } from '../support/until.js';

leavesNothingBehind();
const nats = useNats();

async function station(line: Line = 'serial') {
  // Within the 5 s in which the gateway takes what comes again for the same packet.
  const again = { ackTimeoutMs: 2_000, retries: 3 * SLOWNESS };
  const device = await openDevice('compact', line, again);
  const client = await openClient(nats.url);
  await client.listen();
  const gateway = gatewayOf({
    url: nats.url,
    siot: { store: 'none' },
    links: [{ name: 'pump', transport: linkOf(device) }],
  });
  await gateway.start();
  await gateway.opened();
  await until(() => gateway.gateway.control.status().nats.state === 'connected', 'NATS');
  await device.report({ type: 'temp', value: 1, time: now() });
  const nodeId = gateway.nodeId();
  const set = (type: string, value: number): Promise<void> =>
    client.setUnanswered(2, nodeId, { type, value, time: now() });
  return { device, client, gateway, nodeId, set };
}
const isOpen = (daemon: Cli): Promise<unknown> => daemon.said(/"port is open"/);
const linkOf = (device: Device): object => device.transport;

describe('as Simple IoT’s serial client does not', () => {
  it('it sends again what a device has not acknowledged, and takes a repeated packet once', async () => {
    const { device, client, gateway, nodeId, set } = await station();
    device.mcu.push(whenType('setpoint', limited(ignorePoints(), 2)));
    await set('setpoint', 5);
    const { value } = await until(
      () =>
        device.mcu.received.filter(({ points }) => points[0]?.type === 'setpoint')[2]?.points[0],
      'the third transmission',
    );
    expect(numberIn(value)).toBe(5);
    await until(() => gateway.link().pending.length === 0, 'its acknowledgement');
    device.mcu.push(limited(ignoreAcks(), 1));
    await device.report({ type: 'twice', value: 7, time: now() });
    await until(() => find(client.pointsOn(2, nodeId), 'twice'), 'the point');
    // More often where the machine is slow and acknowledges late.
    await until(() => gateway.counter('duplicate') > 0, 'the second transmission');
    expect(client.pointsOn(2, nodeId).filter(({ type }) => type === 'twice')).toHaveLength(1);
  });

  it('it keeps settings that are made while the port is closed, says why they wait, and sends the latest', async (context) => {
    const { staysOpen } = attached();
    if (staysOpen !== undefined) context.skip(staysOpen);
    const { device, gateway, set } = await station('link');
    await device.mcu.close();
    await until(() => gateway.link().port === 'closed', 'the port to be gone');
    await set('setpoint', 1);
    await set('setpoint', 2);
    const [pending] = await until(
      () => gateway.link().pending.some(({ value }) => value === 2) && gateway.link().pending,
      'the setting to wait',
    );
    expect(pending?.reason).toMatch(/^the port is not open: .+/);
    const again = await openDevice('compact', { linkPath: device.path });
    expect(numberIn((await again.mcu.waitForSetting('setpoint')).value)).toBe(2);
    again.mcu.assertNotReceived('setpoint', ({ value }) => numberIn(value) === 1);
    await until(() => gateway.link().pending.length === 0, 'its acknowledgement');
  });

  it('it keeps the port open on a noise frame of three bytes, counts it, and hears the next', async () => {
    const { device, client, gateway, nodeId } = await station();
    for (const noise of [
      [0, 0x31, 0x32, 0x33, 0],
      [0, 2, 1, 0],
      [0, 4, 9, 9, 9, 0],
      [0x55, 0xaa, 0],
    ]) {
      device.mcu.sendRaw(Uint8Array.from(noise));
    }
    await device.report({ type: 'after', value: 8, time: now() });
    await until(() => find(client.pointsOn(2, nodeId), 'after'), 'the point after it');
    expect(gateway.counter('errorCount')).toBeGreaterThanOrEqual(4);
    expect(gateway.link().port).toBe('open');
    expect(gateway.said.filter(({ message }) => message === 'port is open')).toHaveLength(1);
  });
});

describe('kill -9', () => {
  it(
    'loses no point that was acknowledged while SIOT was away',
    async () => {
      const store = await SiotStore.start({ nats: nats.url, version: '0.25.0' });
      atEnd(() => store.stop());
      const device = await openDevice('compact');
      const id = 'killed-pump';
      const file = gatewayOf({
        url: nats.url,
        links: [{ name: 'pump', transport: device.transport, protocol: 'compact', node: { id } }],
      });
      const config = join(file.folder, 'gateway.yaml');
      writeFileSync(config, JSON.stringify(file.document));
      const runs = (): Cli => new Cli(['run', '-c', config, '--log-format', 'json']);
      let daemon = runs();
      await isOpen(daemon);
      const report = (value: number): Promise<void> =>
        device.report({ type: 'temp', key: String(value), value, time: now() });
      await report(0);
      await store.waitForPoint(id, 'temp', '0');
      await store.leave();
      // Two runs, each killed right after the last acknowledgement.
      let value = 0;
      for (const last of [40, 80]) {
        while (value < last) await report((value += 1));
        daemon.child.kill('SIGKILL');
        expect(await daemon.ended).toBe(null);
        daemon = runs();
        await isOpen(daemon);
      }
      await store.comeBack();
      for (let key = 1; key <= value; key += 1) {
        const { number } = await store.waitForPoint(id, 'temp', String(key));
        expect(number).toBe(key);
      }
      daemon.child.kill('SIGTERM');
      expect(await daemon.ended).toBe(0);
    },
    60_000 * SLOWNESS,
  );

  it(
    'loses no setting that was accepted, also without a store that would send it again',
    async () => {
      const device = await openDevice('compact');
      const file = gatewayOf({
        url: nats.url,
        siot: { store: 'none' },
        links: [{ name: 'pump', transport: device.transport, protocol: 'compact' }],
      });
      const config = join(file.folder, 'gateway.yaml');
      writeFileSync(config, JSON.stringify(file.document));
      const client = await connectTo(nats.url);
      atEnd(() => client.close());
      const off = device.mcu.push(whenType('setpoint', ignorePoints()));
      const runs = (): Cli => new Cli(['run', '-c', config, '--log-format', 'json']);
      for (const value of [1, 2, 3]) {
        const daemon = runs();
        const [, id = ''] = await daemon.said(/"gateway":"([-0-9a-f]+)"/);
        await isOpen(daemon);
        const inbox = `_INBOX.kill.${String(value)}.${id}`;
        client.subscribe(inbox, {
          callback: (_error, message) => {
            if (message.string().includes('"accepted"')) daemon.child.kill('SIGKILL');
          },
        });
        const asked = {
          link: 'pump',
          type: 'setpoint',
          key: String(value),
          value: { kind: 'float', number: value },
        };
        // Until somebody listens.
        const asking = setInterval(() => {
          client.publish(`mcu-gateway.${id}.set`, JSON.stringify(asked), { reply: inbox });
        }, 100);
        await daemon.ended;
        clearInterval(asking);
      }
      off();
      device.mcu.clearReceived();
      const last = runs();
      for (const value of [1, 2, 3]) {
        await device.mcu.waitForSetting('setpoint', undefined, { key: String(value) });
      }
      last.child.kill('SIGTERM');
      expect(await last.ended).toBe(0);
    },
    60_000 * SLOWNESS,
  );
});
