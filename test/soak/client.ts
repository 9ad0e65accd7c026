/** A person, or a program, that changes settings all the time, and gives commands. */
import type { SeededRandom } from '../../firmware-sim/random.js';
import type { SiotStore } from '../siot-store/siot-store.js';
import type { Journal } from './journal.js';
import { COMMAND, SETTINGS, type SoakDevice } from './soak-device.js';

const EVERY_MS = 120;
const AGAIN_MS = 300;
/** Of all settings, those that change at about the same time. */
const AT_ONCE = 5;
const COMMANDS = 0.1;

export class SettingClient {
  readonly #busy = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  #stopping = false;
  #abandoned = false;
  #value = 0;
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

  /** Until the store says that it has it. */
  async #set(device: SoakDevice, type: string, value: number): Promise<void> {
    while (!this.#abandoned) {
      try {
        await this.store.setAs('soak', device.node, type, '0', value);
        this.journal.add({ kind: 'set', device: device.plan.name, type, key: '0', value });
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
