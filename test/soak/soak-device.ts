/** A device of a soak: counts, so that each point is one of a kind, and tells the journal. */
import {
  machineClock,
  numberIn,
  parseFaults,
  parseProfile,
  PluggablePipe,
  PtyPipe,
  SimulatedDevice,
  TcpPipe,
  type PointLike,
} from '../../firmware-sim/index.js';
import type { Journal, Named, Value } from './journal.js';
import type { DevicePlan } from './plan.js';

/** Settings of each device, all numbers: s0, s1, … */
export const SETTINGS = 20;
/** Numbers, too: those on which somebody sets long texts. */
export const FLOODED: readonly string[] = ['flood0', 'flood1', 'flood2', 'flood3', 'flood4'];
/** The one command. */
export const COMMAND = 'pulse';

/** Of a device: a gateway takes 20,000 distinct points, and a reply of the store 1 MiB. */
const MOST_ONCE = 2_600;
const MOST_COUNTS = 1_500;
const VALUES_A_NAME = 3;
/** Deaf after a restart for so long that what was meant for its last life has passed. */
const BOOT_MS = 400;

/** Shorter than usual: more happens in a minute. */
const ACK_TIMEOUT_MS = 300;

const PROFILE = parseProfile(
  JSON.stringify({
    uptime: { intervalMs: 5_000, everyPacket: true },
    settings: [...Array.from({ length: SETTINGS }, (_, i) => `s${i}`), ...FLOODED].map((type) => ({
      type,
      kind: 'number',
    })),
    commands: [{ type: COMMAND }],
  }),
);

export class SoakDevice {
  readonly node: string;
  readonly #socket = new PluggablePipe();
  readonly #device: SimulatedDevice;
  #tcp: TcpPipe | undefined;
  #packet = 0;
  #epoch = 0;
  #counting = true;
  #sending: Promise<void> = Promise.resolve();

  constructor(
    readonly plan: DevicePlan,
    seed: number,
    private readonly linkPath: string,
    private readonly durationMs: number,
    private readonly journal: Journal,
  ) {
    this.node = `soak-${plan.name}`;
    this.#device = new SimulatedDevice(this.#socket, {
      clock: machineClock,
      protocol: plan.protocol,
      times: plan.times,
      profile: PROFILE,
      faults: parseFaults(plan.faults),
      seed,
      bootMs: BOOT_MS,
      ackTimeoutMs: ACK_TIMEOUT_MS,
      transcriptLimit: 100,
      events: {
        setting: (type, key, _asked, applied) => this.#applied({ type, key }, numberIn(applied)),
      },
    });
    const { mcu } = this.#device;
    if (!plan.acknowledges)
      mcu.push({ name: 'mute', onSend: ({ subject }) => (subject === 'ack' ? 'drop' : undefined) });
    mcu.observe({
      started: () => {
        this.#epoch += 1;
        journal.add({ kind: 'started', device: plan.name });
      },
      clockSet: () => (this.#epoch += 1),
      points: (points) => {
        for (const { type, key, value } of points) {
          if (type === COMMAND) this.#applied({ type, key }, numberIn(value));
        }
      },
    });
  }

  /** For the configuration. */
  get transport(): object {
    if (this.#tcp === undefined) return { type: 'serial', path: this.linkPath };
    return { type: 'tcp', ...this.#tcp.address };
  }

  /** What was done to its bytes, both ways. */
  get damage(): number {
    const { tx, rx } = this.#device.line.damage;
    return [tx, rx].reduce(
      (sum, { flipped, dropped, duplicated }) => sum + flipped + dropped + duplicated,
      0,
    );
  }

  get unacknowledged(): number {
    return this.#device.mcu.unacknowledged;
  }

  inForce({ type, key }: Named): Value | undefined {
    const value = this.#device.firmware.setting(type, key);
    return typeof value === 'boolean' ? Number(value) : value;
  }

  async start(): Promise<void> {
    await this.#plug();
    this.#device.start();
    this.#sending = this.#count();
  }

  reboot(): void {
    this.#device.mcu.reboot();
  }

  /** Its cable is pulled, and after a while there is another in its place. */
  async replug(wait: () => Promise<void>): Promise<void> {
    const { name } = this.plan;
    this.journal.add({ kind: 'down', what: 'line', device: name });
    if (this.#tcp === undefined) await this.#socket.unplug();
    else this.#tcp.hangUp();
    await wait();
    if (this.#tcp === undefined) await this.#plug();
    else this.#tcp.hangUp();
    this.journal.add({ kind: 'up', what: 'line', device: name });
  }

  async silence(wait: () => Promise<void>): Promise<void> {
    const { name } = this.plan;
    this.journal.add({ kind: 'down', what: 'voice', device: name });
    this.#device.line.muted = true;
    await wait();
    this.#device.line.muted = false;
    this.journal.add({ kind: 'up', what: 'voice', device: name });
  }

  /** No more faults, and no more points. Resolves when the last has ended. */
  async calm(): Promise<void> {
    this.#device.mend();
    this.#counting = false;
    await this.#sending;
  }

  async close(): Promise<void> {
    this.#counting = false;
    await this.#device.close();
    await this.#sending;
  }

  async #plug(): Promise<void> {
    if (this.plan.line === 'pty') {
      const pipe = await PtyPipe.open({ linkPath: this.linkPath });
      // The gateway itself would hold its own line open when it is pulled.
      if (!pipe.alone) throw new Error('the optional package koffi is missing: npm ci');
      await this.#socket.plug(pipe);
      return;
    }
    this.#tcp = await TcpPipe.open({ host: '127.0.0.1', port: 0 });
    await this.#socket.plug(this.#tcp);
  }

  async #count(): Promise<void> {
    const { name, everyMs } = this.plan;
    while (this.#counting) {
      this.#packet += 1;
      const packet = this.#packet;
      const points = this.#points(packet);
      this.journal.add({ kind: 'sent', device: name, packet, points });
      const uptime = { type: 'uptime', value: Math.floor(this.#device.mcu.uptimeMs / 1000) };
      const { outcome, transmissions } = await this.#device.mcu.sendPoints([uptime, ...points]);
      this.journal.add({ kind: 'ended', device: name, packet, outcome, transmissions });
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }

  /**
   * `once` has a name for each packet: nothing covers up its loss. `count` goes
   * on under a name for some packets, and shows whether the newest wins. A name
   * has times of one kind and of one clock, so that the order is known.
   */
  #points(packet: number): (PointLike & { key: string; value: number; time: bigint })[] {
    const time = this.#device.mcu.now();
    const expected = this.durationMs / this.plan.everyMs;
    const each = Math.max(VALUES_A_NAME, Math.ceil(expected / MOST_COUNTS));
    const points = [];
    if (expected <= MOST_ONCE) points.push({ type: 'once', key: `${packet}`, value: packet, time });
    // Since when it counts, and so its order over lives of the gateway, only the gateway knows.
    if (this.plan.times !== 'sinceStart') {
      const key = `${this.plan.times === 'zero' ? '' : `${this.#epoch}-`}${Math.floor(packet / each)}`;
      points.push({ type: 'count', key, value: packet, time });
    }
    return points;
  }

  #applied(point: Named, value: Value): void {
    this.journal.add({ kind: 'applied', device: this.plan.name, ...point, value });
  }
}
