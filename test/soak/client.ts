/** A person, or a program, that changes settings all the time, and gives commands. */
import type { SeededRandom } from '../../firmware-sim/random.js';
import type { SiotStore } from '../siot-store/siot-store.js';
import { NS_PER_MS, NS_PER_S, SystemClock } from '../../src/point/clock.js';
import type { ClientClock, Journal } from './journal.js';
import { COMMAND, SETTINGS, type SoakDevice } from './soak-device.js';

const EVERY_MS = 120;
const AGAIN_MS = 300;
/** Of all settings, those that change at about the same time. */
const AT_ONCE = 5;
const COMMANDS = 0.1;
/** Of the commands, and of the settings that clients with good and with bad clocks set. */
const FAR = 0.4;
const YEARS_NS = 10n * 365n * 24n * 3_600n * NS_PER_S;
const TICK_NS = 4_000n * NS_PER_MS;

/** Some settings are set by turns by clients whose clocks are years apart, some by one whose clock ticks slowly. */
function clockOf(type: string, random: SeededRandom): ClientClock {
  const kind = type === COMMAND ? 1 : Number(type.slice(1)) % 4;
  if (kind === 1) return random.chance(FAR) ? 'far' : 'good';
  return kind === 3 ? 'slow' : 'good';
}

export class SettingClient {
  readonly #busy = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  #stopping = false;
  #abandoned = false;
  #value = 0;
  readonly #clock = new SystemClock();
  #loop: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: SiotStore,
    private readonly devices: readonly SoakDevice[],
    private readonly random: SeededRandom,
    private readonly durationMs: number,
    private readonly journal: Journal,
  ) {}

  start(): void {
    this.#loop = this.#run();
  }

  /** Nothing is asked for any more. */
  abandon(): void {
    this.#stopping = true;
    this.#abandoned = true;
  }

  /** What was asked for and not taken yet is asked for until it is. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#loop;
    await Promise.all(this.#running);
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const device = this.devices[this.random.below(this.devices.length)];
      const type = this.random.chance(COMMANDS) ? COMMAND : this.#someSetting();
      if (device !== undefined) this.#begin(device, type);
      await sleep(EVERY_MS);
    }
  }

  /**
   * Some change now, and never again: so that the last change of each comes at a
   * bad moment, and no later one covers up that it was lost.
   */
  #someSetting(): string {
    const progress = Math.min(1, this.journal.nowMs / this.durationMs);
    const first = Math.floor(progress * (SETTINGS - AT_ONCE));
    return `s${first + this.random.below(AT_ONCE)}`;
  }

  #begin(device: SoakDevice, type: string): void {
    const name = `${device.node} ${type}`;
    if (this.#busy.has(name)) return;
    this.#busy.add(name);
    this.#value += 1;
    const setting = this.#set(device, type, this.#value).finally(() => {
      this.#busy.delete(name);
      this.#running.delete(setting);
    });
    this.#running.add(setting);
  }

  #now(clock: ClientClock): bigint {
    const now = this.#clock.wallNs();
    if (clock === 'far') return now + YEARS_NS;
    return clock === 'slow' ? now - (now % TICK_NS) : now;
  }

  /** Until the store says that it has it. */
  async #set(device: SoakDevice, type: string, value: number): Promise<void> {
    const clock = clockOf(type, this.random);
    while (!this.#abandoned) {
      try {
        await this.store.setAs('soak', device.node, type, '0', value, { time: this.#now(clock) });
        this.journal.add({ kind: 'set', device: device.plan.name, type, key: '0', value, clock });
        return;
      } catch {
        // It may have it all the same. Whoever gives a command does not give it twice.
        if (type === COMMAND) return;
        await sleep(AGAIN_MS);
      }
    }
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
