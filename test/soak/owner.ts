/**
 * Somebody who writes on a link's node as its owner, with a blank origin: points of
 * the device's, and `connected`. Nothing of it may go down to the device, and what
 * the device says later is what SIOT shows.
 */
import type { SiotStore } from '../siot-store/siot-store.js';
import type { Journal, Named } from './journal.js';
import { SETTINGS, type SoakDevice } from './soak-device.js';

/** No device and no client has such values. */
const FIRST_VALUE = -1_000_000;
/** Steps of the client's settings that must be over: nobody sets them any more. */
const SETTLED_STEPS = 4;
const AT_ONCE = 5;

export class ForeignOwner {
  #value = FIRST_VALUE;

  constructor(
    private readonly store: SiotStore,
    private readonly durationMs: number,
    private readonly journal: Journal,
  ) {}

  /** Once each; what the bus does not take is not written. */
  async write(device: SoakDevice): Promise<void> {
    const { name } = device.plan;
    const names: Named[] = [
      { type: 'connected', key: '0' },
      { type: 'uptime', key: '0' },
    ];
    const last = this.journal.of('sent').findLast((entry) => entry.device === name);
    for (const { type, key } of last?.points ?? []) names.push({ type, key });
    const settled = this.#settled();
    if (settled !== undefined) names.push({ type: settled, key: '0' });
    for (const { type, key } of names) {
      const value = (this.#value -= 1);
      // Before it is written: it may be there though no receipt comes.
      this.journal.add({ kind: 'owner', device: name, type, key, value });
      await this.store.setAs('', device.node, type, key, value).catch(() => undefined);
    }
  }

  /** A setting that the client changes no more. */
  #settled(): string | undefined {
    const progress = Math.min(1, this.journal.nowMs / this.durationMs);
    const first = Math.floor(progress * (SETTINGS - AT_ONCE));
    return first < SETTLED_STEPS ? undefined : `s${first - SETTLED_STEPS}`;
  }
}
