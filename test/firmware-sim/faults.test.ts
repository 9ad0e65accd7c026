import { describe, expect, it } from 'vitest';
import { SimulatedDevice, type DeviceOptions } from '../../firmware-sim/device.js';
import { FAULT_HELP, FaultSpecError, NO_FAULTS, parseFaults } from '../../firmware-sim/faults.js';
import { FaultyPipe } from '../../firmware-sim/faulty-pipe.js';
import { pipePair } from '../../firmware-sim/pipe.js';
import { SeededRandom } from '../../firmware-sim/random.js';
import { FakeClock } from '../support/fake-clock.js';
import { Peer } from './peer.js';

describe('parseFaults', () => {
  it('reads all of them', () => {
    expect(
      parseFaults(
        'flip=1e-4, drop=1e-5,dup=0.001,delay=0.1/50ms,split=0.5,merge=0.3,lose-acks=0.1,' +
          'rx-flip=1e-3,rx-lose-acks=1,rx-delay=0.2,echo=30s,reboot=60s,clock1970,refuse-files,babble=10s/2s,silent=5m',
      ),
    ).toEqual({
      tx: { flip: 1e-4, drop: 1e-5, dup: 0.001, delay: 0.1, delayMs: 50, split: 0.5, merge: 0.3 },
      rx: { ...NO_FAULTS.rx, flip: 1e-3, delay: 0.2 },
      loseAcks: 0.1,
      rxLoseAcks: 1,
      echoAfterMs: 30_000,
      rebootMs: 60_000,
      clock1970: true,
      refuseFiles: true,
      babble: { everyMs: 10_000, forMs: 2000 },
      silent: { everyMs: 300_000, forMs: 5000 },
      mistake: undefined,
    });
    expect(parseFaults('no-crc,flip=0.1').mistake).toBe('no-crc');
    expect(parseFaults('')).toEqual(NO_FAULTS);
  });

  it.each([
    ['split=0.5,flap=1', /"flap=1" is not known; there are flip, rx-flip, .*clock1970/],
    ['rx-reboot=5s', /"rx-reboot=5s" is not known/],
    ['flip=2', /"flip=2" is wrong: flip takes a probability from 0 to 1/],
    ['flip', /"flip" is wrong: flip takes a probability/],
    ['rx-drop=', /"rx-drop=" is wrong: rx-drop takes a probability/],
    ['flip=NaN', /is wrong/],
    ['reboot=60', /"reboot=60" is wrong: reboot takes a time such as 500ms, 60s, 5m or 1h/],
    ['babble=1s/2s/3s', /is wrong: babble takes a time/],
    ['silent=0s', /is wrong/],
    ['delay=0.5/x', /is wrong: delay takes .* longest delay/],
    ['echo=yes', /"echo=yes" is wrong: echo takes nothing, or a time such as/],
    ['rx-echo', /"rx-echo" is not known/],
    ['clock1970=yes', /clock1970 takes nothing/],
    ['toString=1', /is not known/],
  ])('names the part of "%s" that is wrong, and what is allowed', (spec, message) => {
    expect(() => parseFaults(spec)).toThrow(FaultSpecError);
    expect(() => parseFaults(spec)).toThrow(message);
  });

  it('has help for each', () => {
    expect(FAULT_HELP.split('\n')).toHaveLength(25);
  });
});

function line(spec: string, seed = 3) {
  const clock = new FakeClock();
  const [near, far] = pipePair();
  const pipe = new FaultyPipe(near, parseFaults(spec), new SeededRandom(seed), clock);
  const arrived: number[][] = [];
  far.onData = (bytes) => arrived.push([...bytes]);
  const received: number[][] = [];
  pipe.onData = (bytes) => received.push([...bytes]);
  return { clock, pipe, far, arrived, received };
}

const block = (n: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => i & 0xff);

describe('FaultyPipe', () => {
  it('without faults passes everything at once', () => {
    const { pipe, far, arrived, received } = line('');
    pipe.write(block(300));
    far.write(Uint8Array.of(1));
    expect(arrived).toEqual([[...block(300)]]);
    expect(received).toEqual([[1]]);
  });

  it('flips single bits, about as often as asked', () => {
    const { pipe, arrived } = line('flip=0.1');
    pipe.write(block(10_000));
    const turned = (arrived[0] ?? []).map((byte, i) => byte ^ (i & 0xff)).filter((d) => d !== 0);
    expect(turned.length).toBe(pipe.damage.tx.flipped);
    expect(turned.length).toBeGreaterThan(900);
    expect(turned.length).toBeLessThan(1100);
    expect(turned.every((difference) => (difference & (difference - 1)) === 0)).toBe(true);
  });

  it('drops and duplicates', () => {
    const { pipe, arrived } = line('drop=0.1,dup=0.2');
    pipe.write(block(10_000));
    const { dropped, duplicated } = pipe.damage.tx;
    expect(dropped).toBeGreaterThan(900);
    expect(duplicated).toBeGreaterThan(1600);
    expect(arrived[0]).toHaveLength(10_000 - dropped + duplicated);
  });

  it.each(['split=0.5', 'merge=0.5', 'delay=0.5', 'split=0.5,merge=0.4,delay=0.3/100ms'])(
    '%s: other pieces at other times, the same bytes in the same order',
    (spec) => {
      const { pipe, clock, arrived } = line(spec);
      const sent: number[] = [];
      for (let i = 0; i < 200; i += 1) {
        const bytes = [i & 0xff, 1, 2, 3];
        sent.push(...bytes);
        pipe.write(Uint8Array.from(bytes));
        clock.advance(i % 7);
      }
      clock.advance(1000);
      expect(arrived.flat()).toEqual(sent);
      expect(Math.max(...Object.values(pipe.damage.tx))).toBeGreaterThan(50);
      expect(clock.pendingTimers).toBe(0);
    },
  );

  it('faults of one direction leave the other alone', () => {
    const { pipe, far, arrived, received } = line('rx-drop=1');
    far.write(Uint8Array.of(1, 2));
    pipe.write(Uint8Array.of(3));
    expect(received.flat()).toEqual([]);
    expect(arrived).toEqual([[3]]);
  });

  it('passes nothing while muted', () => {
    const { pipe, far, arrived, received } = line('');
    pipe.muted = true;
    pipe.write(block(3));
    far.write(block(3));
    expect([...arrived, ...received]).toEqual([]);
  });
});

async function run(spec: string, ms: number, options: Partial<DeviceOptions> = {}) {
  const clock = new FakeClock();
  const [near, far] = pipePair();
  const notices: string[] = [];
  const device = new SimulatedDevice(near, {
    clock,
    protocol: 'compact',
    faults: parseFaults(spec),
    notice: (what) => notices.push(`${String(clock.monotonicMs())} ${what}`),
    ...options,
  });
  const peer = new Peer(far, 'compact');
  device.start();
  for (let t = 0; t < ms; t += 500) {
    peer.set({ type: 'setpoint', value: 1 + (t % 3000) / 1000 });
    await clock.advanceAsync(500);
  }
  const timersLeft = async (): Promise<number> => {
    await device.close();
    return clock.pendingTimers;
  };
  return { device, peer, notices, clock, timersLeft };
}

const ALL =
  'flip=1e-3,drop=1e-3,dup=1e-3,delay=0.05,split=0.3,merge=0.2,lose-acks=0.2,' +
  'rx-flip=1e-3,rx-split=0.2,rx-lose-acks=0.1,reboot=9s,babble=8s/200ms,silent=7s/1s';

describe('SimulatedDevice with faults', () => {
  it('repeats itself to the byte with the same seed, and does not with another', async () => {
    const first = await run(ALL, 60_000, { seed: 42 });
    const again = await run(ALL, 60_000, { seed: 42 });
    const other = await run(ALL, 60_000, { seed: 43 });
    expect(first.peer.bytes.length).toBeGreaterThan(10_000);
    expect(Buffer.compare(Buffer.from(again.peer.bytes), Buffer.from(first.peer.bytes))).toBe(0);
    expect(again.notices).toEqual(first.notices);
    expect(Buffer.compare(Buffer.from(other.peer.bytes), Buffer.from(first.peer.bytes))).not.toBe(
      0,
    );
    for (const what of ['restarts', 'babbling', 'silent']) {
      expect(first.notices.some((notice) => notice.includes(what))).toBe(true);
    }
  });

  it('leaves no timer behind', async () => {
    const { timersLeft } = await run(ALL, 20_000, { seed: 5 });
    expect(await timersLeft()).toBe(0);
  });

  it('switching one fault on leaves the draws of the others as they were', async () => {
    const without = await run('reboot=9s', 60_000, { seed: 42 });
    const withMore = await run('reboot=9s,silent=7s,flip=1e-3', 60_000, { seed: 42 });
    const reboots = (notices: string[]) => notices.filter((n) => n.includes('restarts'));
    expect(reboots(withMore.notices)).toEqual(reboots(without.notices));
    expect(reboots(without.notices).length).toBeGreaterThan(2);
  });

  it('lose-acks loses acks only', async () => {
    const { peer, device } = await run('lose-acks=1', 5000);
    expect(peer.acks).toEqual([]);
    expect(peer.values('flow').length).toBeGreaterThan(3);
    expect(device.firmware.setting('setpoint')).not.toBe(4.2);
  });

  it('rx-lose-acks makes it send again', async () => {
    const { peer } = await run('rx-lose-acks=1', 5000);
    const own = peer.packets.filter((p) => p.subject === '');
    expect(new Set(own.map((p) => p.sequence)).size).toBeLessThan(own.length);
  });

  it('mend ends all faults: each packet comes, is acknowledged, and once', async () => {
    const spec = 'flip=0.01,rx-flip=0.01,drop=0.01,lose-acks=0.9,rx-lose-acks=0.9,silent=2s/2s';
    const { peer, device, clock } = await run(spec, 20_000);
    device.mend();
    await clock.advanceAsync(10_000);
    peer.packets.length = 0;
    const damaged = JSON.stringify(device.line.damage);
    peer.set({ type: 'setpoint', value: 7 });
    await clock.advanceAsync(10_000);
    expect(JSON.stringify(device.line.damage)).toBe(damaged);
    expect(device.firmware.setting('setpoint')).toBe(7);
    expect(peer.acks).toHaveLength(1);
    const own = peer.packets.filter(({ subject }) => subject === '');
    expect(new Set(own.map(({ sequence }) => sequence)).size).toBe(own.length);
    await device.close();
  });

  it('silence: nothing comes, and afterwards it goes on', async () => {
    const { peer, notices, clock } = await run('silent=5s/3s', 20_000);
    expect(notices.length).toBeGreaterThan(1);
    expect(clock.monotonicMs()).toBe(20_000);
    expect(peer.values('flow').length).toBeLessThan(18);
    expect(peer.values('flow').length).toBeGreaterThan(5);
  });

  it('babble: noise and valid packets, as fast as it can', async () => {
    const { peer } = await run('babble=2s/500ms', 10_000);
    expect(peer.values('babble').length).toBeGreaterThan(100);
    expect(peer.bytes.length).toBeGreaterThan(10_000);
  });

  it('echo: what is sent to it comes back too, also while it is muted', () => {
    const { pipe, arrived, received, far, clock } = line('echo');
    far.write(Uint8Array.of(1, 2, 3));
    pipe.muted = true;
    far.write(Uint8Array.of(4));
    pipe.mend();
    far.write(Uint8Array.of(5));
    pipe.write(Uint8Array.of(6));
    expect(arrived).toEqual([[1, 2, 3], [4], [5], [6]]);
    expect(received).toEqual([[1, 2, 3], [5]]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('echo=T: from then on, through the same bad line as what the device sends', async () => {
    const { pipe, arrived, far, clock } = line('echo=2s,flip=1');
    far.write(Uint8Array.of(0));
    clock.advance(2_000);
    far.write(Uint8Array.of(0, 0));
    expect(arrived).toHaveLength(1);
    for (const byte of arrived[0]!) expect([1, 2, 4, 8, 16, 32, 64, 128]).toContain(byte);
    await pipe.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it('clock1970: times count from its own start, whatever timeSync says', async () => {
    const { peer, device, clock } = await run('clock1970', 2000);
    peer.set({ type: 'timeSync', time: clock.wallNs() });
    await clock.advanceAsync(3000);
    const last = peer.points.findLast((point) => point.type === 'flow');
    expect(last?.time).toBeGreaterThan(4_000_000_000n);
    expect(last?.time).toBeLessThan(6_000_000_000n);
    await device.close();
  });
});
