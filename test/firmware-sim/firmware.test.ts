import { describe, expect, it } from 'vitest';
import { Firmware } from '../../firmware-sim/firmware.js';
import { SimulatedMcu } from '../../firmware-sim/mcu.js';
import { pipePair } from '../../firmware-sim/pipe.js';
import { numberIn, textIn } from '../../firmware-sim/points.js';
import { parseProfile } from '../../firmware-sim/profile.js';
import { PUMP_CONTROLLER_YAML } from '../../firmware-sim/pump-controller.js';
import { SeededRandom } from '../../firmware-sim/random.js';
import { Waveform, WAVEFORMS } from '../../firmware-sim/waveform.js';
import { FakeClock } from '../support/fake-clock.js';
import { Peer } from './peer.js';

function build(protocol: 'protobuf' | 'compact' = 'compact', yaml = PUMP_CONTROLLER_YAML) {
  const clock = new FakeClock();
  const [device, gateway] = pipePair();
  const mcu = new SimulatedMcu(device, { protocol, clock, hello: false, bootMs: 10 });
  const firmware = new Firmware(mcu, parseProfile(yaml), new SeededRandom(1));
  return { clock, mcu, firmware, peer: new Peer(gateway, protocol) };
}

describe.each(['protobuf', 'compact'] as const)('pump controller, %s', (protocol) => {
  it('announces at its start what its points are, before any value, in packets that fit', async () => {
    const { mcu, peer, clock } = build(protocol);
    mcu.start();
    await clock.advanceAsync(10);
    const told = peer.points.filter(({ type }) => type === 'pointInfo');
    expect(peer.points.slice(0, told.length)).toEqual(told);
    const infos = Object.fromEntries(
      told.map(({ key, value }) => [key, JSON.parse(textIn(value)) as object]),
    );
    expect(infos).toEqual({
      flow: { kind: 'number', name: 'Flow', unit: 'l/min', writable: false },
      pressure: { kind: 'number', name: 'Pressure', unit: 'bar', writable: false },
      'temperature/motor': {
        kind: 'number',
        name: 'Motor temperature',
        unit: '°C',
        writable: false,
      },
      setpoint: { kind: 'number', name: 'Pressure to hold', unit: 'bar', min: 0.5, max: 8 },
      enabled: { kind: 'switch' },
      mode: { kind: 'text', values: ['auto', 'manual', 'eco'] },
      label: { kind: 'text' },
    });
    for (const { payload } of peer.packets) expect(payload.length).toBeLessThan(1_000);
  });

  it('announces nothing where its profile says so, or has nothing new to tell', async () => {
    for (const yaml of [
      `announce: false\n${PUMP_CONTROLLER_YAML}`,
      'settings: [{type: a, kind: number, min: 1, initial: 1}]',
    ]) {
      const { mcu, peer, clock } = build(protocol, yaml);
      mcu.start();
      await clock.advanceAsync(10);
      expect(peer.values('pointInfo')).toEqual([]);
    }
  });

  it('sends a point with a scale as a whole number, and takes its setting so', async () => {
    const { mcu, peer, clock, firmware } = build(
      protocol,
      'settings: [{type: a, kind: number, initial: 23.5, scale: 0.1}]\n' +
        'sensors: [{type: b, offset: 0.29, scale: 0.01}]',
    );
    mcu.start();
    await clock.advanceAsync(1_000);
    expect([peer.values('a'), peer.values('b')]).toEqual([[235], [29]]);
    peer.set({ type: 'a', value: 241 });
    await clock.advanceAsync(10);
    expect(firmware.setting('a')).toBe(24.1);
    expect(peer.values('a')).toEqual([235, 241]);
  });

  it('reports at its start what is in force', async () => {
    const { mcu, peer, clock } = build(protocol);
    mcu.start();
    await clock.advanceAsync(10);
    expect(peer.values('description')).toEqual(['Pump controller']);
    expect(peer.values('setpoint').map(numberIn)[0]).toBeCloseTo(4.2, 5);
    expect(peer.values('enabled')).toEqual([1]);
    expect(peer.values('mode')).toEqual(['auto']);
    expect(peer.values('label')).toEqual(['Pump 1']);
  });

  it('reads its sensors, and reports uptime in seconds and a log line now and then', async () => {
    const { mcu, peer, clock } = build(protocol);
    mcu.start();
    await clock.advanceAsync(60_000);
    expect(peer.values('flow')).toHaveLength(60);
    expect(peer.values('temperature')).toHaveLength(30);
    expect(peer.values('uptime').slice(0, 3)).toEqual([5, 10, 15]);
    const logs = peer.packets.filter((p) => p.subject === 'log');
    expect(logs.map((p) => Buffer.from(p.payload).toString())).toEqual(['pump running']);
    const flow = peer.values('flow').map(numberIn);
    expect(Math.max(...flow)).toBeLessThanOrEqual(120 + 15 + 0.81);
    expect(Math.max(...flow)).toBeGreaterThan(130);
    expect(Math.min(...flow)).toBeLessThan(110);
  });

  it.each([
    ['setpoint', 3.5, 3.5],
    ['setpoint', 99, 8],
    ['setpoint', -1, 0.5],
    ['setpoint', 0, 0.5],
    ['setpoint', 7n, 7],
    ['enabled', 1, 1],
    ['enabled', 2, 0],
    ['mode', 'eco', 'eco'],
    ['mode', 'turbo', 'auto'],
    ['label', 'x'.repeat(40), 'x'.repeat(32)],
  ] as const)('%s set to %s is %s, and is reported so', async (type, asked, applied) => {
    const { mcu, peer, clock } = build(protocol);
    mcu.start();
    await clock.advanceAsync(0);
    const before = peer.values(type).length;
    peer.set({ type, key: '0', value: asked, time: 5n });
    await clock.advanceAsync(0);
    const reports = peer.values(type).slice(before);
    // protobuf leaves 0 out.
    expect(reports.map((v) => v ?? 0)).toEqual([applied]);
  });

  it('restarts on its command, after the ack, and keeps only what is persisted', async () => {
    const { mcu, peer, clock, firmware } = build(protocol);
    mcu.start();
    peer.set({ type: 'setpoint', value: 2 });
    peer.set({ type: 'label', value: 'Pump 7' });
    await clock.advanceAsync(12_000);
    expect(firmware.setting('setpoint')).toBe(2);
    const sequence = peer.set({ type: 'restart', value: 1 });
    expect(peer.acks.at(-1)).toBe(sequence);
    await clock.advanceAsync(100);
    expect(mcu.uptimeMs).toBeLessThan(100);
    expect(firmware.setting('setpoint')).toBe(4.2);
    expect(firmware.setting('label')).toBe('Pump 7');
    expect(peer.values('label').at(-1)).toBe('Pump 7');
    await clock.advanceAsync(5000);
    expect(peer.values('uptime')).toEqual([5, 10, 5]);
  });

  it('panics on a command whose action that is: it prints a dump and restarts', async () => {
    const yaml = 'commands: [{ type: crash, action: panic }]';
    const clock = new FakeClock();
    const [device, gateway] = pipePair();
    const written: Uint8Array[] = [];
    const mcu = new SimulatedMcu(device, { protocol, clock, bootMs: 10 });
    new Firmware(mcu, parseProfile(yaml), new SeededRandom(1));
    const peer = new Peer(gateway, protocol);
    const write = device.write.bind(device);
    device.write = (bytes) => {
      written.push(bytes);
      write(bytes);
    };
    mcu.start();
    peer.set({ type: 'crash', value: 1 });
    await clock.advanceAsync(1_000);
    const text = Buffer.concat(written).toString('latin1');
    expect(text).toMatch(/Guru Meditation Error.*\r\n[^]*\r\nRebooting\.\.\.\r\n/);
    expect(mcu.uptimeMs).toBeLessThan(1_000);
  });

  it('does not restart twice for one command that came twice', async () => {
    const { mcu, peer, clock } = build(protocol);
    mcu.start();
    let starts = 0;
    mcu.observe({ started: () => (starts += 1) });
    peer.set({ type: 'restart', value: 1 }, 'proto', 9);
    peer.set({ type: 'restart', value: 1 }, 'proto', 9);
    await clock.advanceAsync(200);
    expect(starts).toBe(1);
  });
});

describe('firmware', () => {
  it('says its uptime first in every packet, where its profile wants it so', async () => {
    const yaml = 'uptime: {everyPacket: true}\nsettings: [{type: mode, kind: text, initial: auto}]';
    const { mcu, peer, clock } = build('compact', yaml);
    mcu.start();
    await clock.advanceAsync(3_000);
    peer.set({ type: 'mode', value: 'manual' });
    await clock.advanceAsync(10);
    expect(peer.points.map(({ type, value }) => [type, value])).toEqual([
      ['uptime', 0],
      ['mode', 'auto'],
      ['uptime', 3],
      ['mode', 'manual'],
    ]);
  });

  it('ignores what it does not know, NaN, and what was removed', async () => {
    const { mcu, peer, clock, firmware } = build();
    mcu.start();
    await clock.advanceAsync(0);
    for (const point of [
      { type: 'unknown', value: 1 },
      { type: 'setpoint', key: 'other', value: 1 },
      { type: 'setpoint', value: Number.NaN },
      { type: 'setpoint', value: 'five' },
      { type: 'setpoint', value: 1, tombstone: 1 },
      { type: 'label', value: 5 },
      { type: 'restart', value: 0 },
    ]) {
      peer.set(point);
    }
    await clock.advanceAsync(500);
    expect(peer.acks).toHaveLength(7);
    expect(firmware.setting('setpoint')).toBe(4.2);
    expect(firmware.setting('label')).toBe('Pump 1');
    expect(mcu.uptimeMs).toBeGreaterThanOrEqual(500);
  });

  it('repeats a report until somebody acknowledges it, with the newest value', async () => {
    const { mcu, peer, clock, firmware } = build('compact', 'settings: [{type: a, kind: number}]');
    peer.acknowledges = false;
    mcu.start();
    await clock.advanceAsync(20_000);
    expect(peer.values('a').length).toBeGreaterThan(6);
    firmware.turn('a', 5);
    await clock.advanceAsync(10_000);
    peer.acknowledges = true;
    await clock.advanceAsync(10_000);
    expect(peer.values('a').at(-1)).toBe(5);
    const count = peer.packets.length;
    await clock.advanceAsync(60_000);
    expect(peer.packets).toHaveLength(count);
  });

  it('does not queue readings that nobody takes', async () => {
    const { mcu, peer, clock } = build();
    peer.acknowledges = false;
    mcu.start();
    await clock.advanceAsync(600_000);
    expect(mcu.unacknowledged).toBeLessThan(6);
  });
});

describe.each(['protobuf', 'compact'] as const)('after a timeSync, %s', (protocol) => {
  const timeSync = { type: 'timeSync', time: 1_767_323_045_000_000_000n };
  const ALL = ['description', 'setpoint', 'enabled', 'mode', 'label']
    .concat(['flow', 'pressure', 'temperature', 'uptime'])
    .concat(Array.from({ length: 7 }, () => 'pointInfo'))
    .sort();

  /** Started, and all that it says by itself has been said. */
  async function started(yaml?: string) {
    const rig = build(protocol, yaml);
    rig.mcu.start();
    await rig.clock.advanceAsync(10);
    let seen = rig.peer.points.length;
    /** Types reported since the last call. */
    const take = (): string[] => {
      const types = rig.peer.points.slice(seen).map(({ type }) => type);
      seen = rig.peer.points.length;
      return types;
    };
    return { ...rig, take };
  }

  it('it reports all its points once, in ordinary packets', async () => {
    const { peer, clock, take } = await started();
    peer.set(timeSync);
    await clock.advanceAsync(10);
    expect(take().sort()).toEqual(ALL);
    expect(peer.points.at(-1)?.time).toBeGreaterThanOrEqual(timeSync.time);
    await clock.advanceAsync(900);
    expect(take()).toEqual([]);
  });

  it('it does so at most once a minute; earlier ones are answered together when the minute is over', async () => {
    const { peer, clock, take, mcu } = await started(
      'description: x\nsettings: [{type: a, kind: number}]',
    );
    for (let second = 0; second < 50; second += 10) {
      peer.set(timeSync);
      await clock.advanceAsync(10_000);
    }
    expect(take()).toEqual(['description', 'a']);
    await clock.advanceAsync(9_990);
    expect(take()).toEqual([]);
    await clock.advanceAsync(20);
    expect(take()).toEqual(['description', 'a']);
    await clock.advanceAsync(120_000);
    expect(take()).toEqual([]);
    // A restart ends the minute.
    peer.set(timeSync);
    await clock.advanceAsync(10);
    expect(take()).toEqual(['description', 'a']);
    mcu.reboot();
    await clock.advanceAsync(20);
    take();
    peer.set(timeSync);
    await clock.advanceAsync(10);
    expect(take()).toEqual(['description', 'a']);
  });

  it('it reports nothing where its profile says so, like firmware without this function', async () => {
    const { peer, clock, take } = await started(
      'reportAllMs: 0\nsettings: [{type: a, kind: number}]',
    );
    peer.set(timeSync);
    await clock.advanceAsync(100_000);
    expect(take()).toEqual([]);
  });

  it('a setting that changes while a report waits to be sent is reported with its new value only', async () => {
    const { peer, clock, mcu } = await started();
    peer.acknowledges = false;
    // Its sensors' packet is on its way, without an ack; the report waits behind it.
    await clock.advanceAsync(1_000);
    peer.set(timeSync);
    expect(mcu.unacknowledged).toBeGreaterThan(1);
    const from = peer.points.length;
    peer.set({ type: 'label', value: 'Pump 7' });
    peer.set({ type: 'setpoint', value: 7 });
    peer.acknowledges = true;
    await clock.advanceAsync(5_000);
    const after = peer.points.slice(from);
    const values = (type: string) =>
      new Set(after.filter((p) => p.type === type).map((p) => p.value));
    expect([...values('label')]).toEqual(['Pump 7']);
    expect([...values('setpoint')]).toEqual([7]);
  });

  it('what was sent, and whose ack got lost, is not sent again once a setting has changed it', async () => {
    const { peer, clock } = await started('settings: [{type: a, kind: number, initial: 5}]');
    peer.acknowledges = false;
    peer.set(timeSync);
    const last = () => peer.packets.findLast(({ subject }) => subject === '')?.sequence;
    const sequence = last();
    await clock.advanceAsync(1_100);
    // As long as it is so: the same bytes again.
    expect(last()).toBe(sequence);
    expect(peer.values('a').slice(-2)).toEqual([5, 5]);
    const from = peer.values('a').length;
    peer.set({ type: 'a', value: 7 });
    expect(peer.acks).toHaveLength(2);
    await clock.advanceAsync(1_100);
    expect(peer.values('a').slice(from)).toEqual([7]);
    expect(last()).not.toBe(sequence);
    // A late ack of the old value leaves the new one to be acknowledged.
    peer.ack(sequence ?? 0);
    peer.acknowledges = true;
    await clock.advanceAsync(10_000);
    const values = peer.values('a').slice(from);
    expect(values.length).toBeGreaterThan(1);
    for (const value of values) expect(value).toBe(7);
  });
});

describe('waveforms', () => {
  it.each(WAVEFORMS)('%s stays between its ends, and repeats with its seed', (waveform) => {
    const options = { waveform, offset: 10, amplitude: 4, periodMs: 1000, noise: 0 };
    const sample = () => {
      const wave = new Waveform(options, new SeededRandom(7));
      return Array.from({ length: 200 }, (_, i) => wave.at(i * 37));
    };
    const values = sample();
    expect(values).toEqual(sample());
    const reach = waveform === 'constant' ? 0 : 4;
    expect(Math.max(...values)).toBeLessThanOrEqual(10 + reach);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(10 - reach);
    if (waveform !== 'constant') {
      expect(Math.max(...values)).toBeGreaterThan(13);
      expect(Math.min(...values)).toBeLessThan(7);
    }
  });

  it('start in the middle and rise', () => {
    for (const waveform of ['sine', 'triangle', 'sawtooth'] as const) {
      const wave = new Waveform(
        { waveform, offset: 0, amplitude: 1, periodMs: 1000, noise: 0 },
        new SeededRandom(1),
      );
      expect(wave.at(0)).toBe(0);
      expect(wave.at(100)).toBeGreaterThan(0.15);
      expect(wave.at(900)).toBeLessThan(-0.15);
    }
  });
});
