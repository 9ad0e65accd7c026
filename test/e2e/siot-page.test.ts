/** What people do on SIOT's own page, in a browser, with SIOT's own program (SIOT_BIN). */
import { expect, it } from 'vitest';
import type { Protocol } from '../../firmware-sim/codec.js';
import { SimulatedDevice } from '../../firmware-sim/device.js';
import { numberIn, textIn } from '../../firmware-sim/points.js';
import { parseProfile } from '../../firmware-sim/profile.js';
import { mcuTimes, SLOWNESS } from '../support/slowness.js';
import {
  PROTOCOLS,
  atEnd,
  attached,
  clock,
  leavesNothingBehind,
  now,
  openDevice,
  withEachSiot,
  type NatsClient,
  type SiotPoint,
  type SiotUnderTest,
  gatewayOf,
} from './harness.js';
import type { GatewayUnderTest } from '../gateway/plant.js';
import { SiotPage, whyNoPage } from './siot-page.js';
import { VERSIONS } from './siot-server.js';
import { until } from '../support/until.js';

leavesNothingBehind();

const PUMP = `
sensors:
  - { type: flow, waveform: sine, offset: 120, amplitude: 15, periodMs: 30000, intervalMs: 1000 }
settings:
  - { type: setpoint, kind: number, initial: 4.5, min: 0, max: 100 }
  - { type: enabled, kind: boolean, initial: true }
`;

interface Pump {
  readonly transport: object;
  /** Powers it on: it reports setpoint 4.5 and enabled 1. */
  start(): Promise<void>;
  /** What is in force; a text is not, since the device reports numbers. */
  value(type: string): number | undefined;
}

const PUMPS: Readonly<Record<string, (protocol: Protocol) => Promise<Pump>>> = {
  'that reports what it has taken': async (protocol) => {
    const { pipe, transport } = await attached().open('serial');
    const profile = parseProfile(PUMP);
    const device = new SimulatedDevice(pipe, { clock, protocol, profile, ...mcuTimes });
    atEnd(() => device.close());
    return {
      transport,
      start: () => {
        device.start();
        return Promise.resolve();
      },
      value: (type) => Number(device.firmware.setting(type)),
    };
  },
  'that takes settings without a word': async (protocol) => {
    const { mcu, transport, report } = await openDevice(protocol);
    return {
      transport,
      start: () =>
        report(
          { type: 'setpoint', value: 4.5, time: now() },
          { type: 'enabled', value: 1, time: now() },
        ),
      value: (type) => {
        const last = mcu.receivedPoints.filter((point) => point.type === type).at(-1);
        return last === undefined || textIn(last.value) !== '' ? undefined : numberIn(last.value);
      },
    };
  },
};

const CASES = PROTOCOLS.flatMap((protocol) =>
  Object.keys(PUMPS).map((kind) => [protocol, kind] as const),
);

/** A pump with its gateway and SIOT, whose page is open at the link's node. */
class PumpOnThePage {
  private constructor(
    private readonly siot: SiotUnderTest,
    private readonly pump: Pump,
    private readonly gateway: GatewayUnderTest,
    private readonly client: NatsClient,
    readonly page: SiotPage,
    private readonly description: string,
  ) {}

  static async open(siot: SiotUnderTest, protocol: Protocol, kind: string): Promise<PumpOnThePage> {
    const pump = await PUMPS[kind]?.(protocol);
    if (pump === undefined) throw new Error(`there is no pump ${kind}`);
    const client = await siot.client();
    await client.listen();
    // All cases share a version's server: the page shows the nodes of the others too.
    const description = `pump ${String(now())}`;
    const { url, token, page: address = '' } = siot.server;
    const links = [{ name: 'pump', transport: pump.transport, node: { description } }];
    const gateway = gatewayOf({ url, token, links });
    await gateway.start();
    await gateway.ready();
    await pump.start();
    await client.stored(gateway.nodeId(), 'setpoint', '0', ({ number }) => number === 4.5);
    await client.stored(gateway.nodeId(), 'enabled', '0', ({ number }) => number === 1);
    const page = await SiotPage.open(address);
    await page.openNode('mcu', description);
    return new PumpOnThePage(siot, pump, gateway, client, page, description);
  }

  /** What has come from the page, oldest first. */
  edits(type: string): readonly SiotPoint[] {
    return this.client
      .pointsOn(this.siot.generation, this.gateway.nodeId())
      .filter((point) => point.type === type && point.origin !== '');
  }

  /** The device has the value, and the page shows it: by itself, and to who comes later. */
  async hasAndShows(type: string, value: number): Promise<void> {
    const { pump, gateway, client } = this;
    await until(
      () => pump.value(type) === value,
      () => `${type} of the device to be ${String(value)}; it is ${String(pump.value(type))}`,
    );
    await until(
      () => gateway.link().pending.length === 0,
      () => `settings to be acknowledged: ${JSON.stringify(gateway.link().pending)}`,
    );
    await client.stored(gateway.nodeId(), type, '0', ({ number }) => number === value);
    // What it shows by itself may be its own edit yet, until it has asked SIOT again.
    await this.page.tick();
    await this.#shows(type, value);
    await this.page.reload();
    await this.page.openNode('mcu', this.description);
    await this.#shows(type, value);
    expect(pump.value(type)).toBe(value);
  }

  async #shows(type: string, value: number): Promise<void> {
    let shown = '';
    await until(
      async () => (shown = await this.page.shown(type)) === String(value),
      () => `the page to show ${type} as ${String(value)}; it shows ${shown}`,
    );
  }
}

const TIMEOUT_MS = 90_000 * SLOWNESS;
/** Between edits: three are made within a tick of the page's clock. */
const PAUSE_MS = 400;

withEachSiot(
  (siot) => {
    it.for(CASES)(
      'sets to 0 and off on SIOT’s page: %s device %s',
      { timeout: TIMEOUT_MS },
      async ([protocol, kind]) => {
        const pump = await PumpOnThePage.open(siot, protocol, kind);
        await pump.page.edit('setpoint', '0');
        await pump.hasAndShows('setpoint', 0);
        await pump.page.edit('enabled', '0');
        await pump.hasAndShows('enabled', 0);
        // The page's own way to write 0; if it changes, this shows nothing any more.
        const [setpoint, enabled] = [...pump.edits('setpoint'), ...pump.edits('enabled')];
        expect([setpoint?.text, enabled?.text]).toEqual(['0', '0']);
      },
    );

    it.for(CASES)(
      'six edits within ten seconds on SIOT’s page, the last is in force: %s device %s',
      { timeout: TIMEOUT_MS },
      async ([protocol, kind]) => {
        const pump = await PumpOnThePage.open(siot, protocol, kind);
        const values = [20, 0, 21, 30, 0, 31];
        for (const [at, value] of values.entries()) {
          if (at % 3 === 0) await pump.page.tick();
          else await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
          await pump.page.edit('setpoint', String(value));
        }
        await pump.hasAndShows('setpoint', 31);
        const edits = pump.edits('setpoint');
        expect(edits.map(({ number }) => number)).toEqual(values);
        expect((edits[5]?.time ?? 0n) - (edits[0]?.time ?? 0n)).toBeLessThan(10_000_000_000n);
        // Otherwise a newer time has already corrected it.
        expect(edits[5]?.time).toBe(edits[4]?.time);
      },
    );
  },
  VERSIONS,
  whyNoPage,
);
