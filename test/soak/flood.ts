/**
 * Somebody who sets long texts on a link's node, many and fast: too long for any
 * device, and more than a gateway could keep. The memory stays level meanwhile,
 * other promises are kept, and what is set when the flood is over arrives.
 */
import type { SiotStore } from '../siot-store/siot-store.js';
import type { Journal } from './journal.js';
import { FLOODED, type SoakDevice } from './soak-device.js';

/** Bytes: generation 2 has room for no longer ones, and one of each type fits into a reply of SIOT. */
const LONG = 60_000;
/** 18 MB, where the settings of a link have 4 MiB. */
const ROUNDS = 60;
const AGAIN_MS = 300;

export class SettingFlood {
  #value = 0;
  readonly #busy = new Set<string>();

  constructor(
    private readonly store: SiotStore,
    private readonly journal: Journal,
    private readonly signal: AbortSignal,
  ) {}

  /** Resolves when the store has the short values that end it. */
  async write(device: SoakDevice): Promise<void> {
    if (this.#busy.has(device.node)) return;
    this.#busy.add(device.node);
    for (let round = 0; round < ROUNDS; round++) {
      const text = String.fromCharCode(97 + (round % 26)).repeat(LONG);
      // What the bus does not take is lost, as it is for everybody.
      await Promise.all(
        FLOODED.map((type) =>
          this.store.setAs('soak', device.node, type, '0', text).catch(() => undefined),
        ),
      );
    }
    await Promise.all(FLOODED.map((type) => this.#end(device, type)));
    this.#busy.delete(device.node);
  }

  async #end({ node, plan }: SoakDevice, type: string): Promise<void> {
    this.#value += 1;
    const value = this.#value;
    while (!this.signal.aborted) {
      try {
        await this.store.setAs('soak', node, type, '0', value);
        this.journal.add({ kind: 'set', device: plan.name, type, key: '0', value });
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }
}
