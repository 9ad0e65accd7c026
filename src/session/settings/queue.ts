/**
 * The settings that wait to be sent, one for each point: a newer one takes the
 * place of the one before it, so that a point that changes fast keeps no other
 * waiting (docs/contract.md, "On every opening").
 */
import type { Setting } from './setting.js';
import { restoredBy } from './states.js';

/** `retry`: it was set aside, and is tried once. `wait`: until then, monotonic ms. */
type NextSetting =
  | { readonly kind: 'send' | 'retry'; readonly setting: Setting }
  | { readonly kind: 'wait'; readonly untilMs: number };

/** The settings of one device that wait. */
export class SettingQueue {
  /** By what settings of one point have in common. */
  readonly #waiting = new Map<object, Setting>();

  get size(): number {
    return this.#waiting.size;
  }

  all(): Iterable<Setting> {
    return this.#waiting.values();
  }

  has(setting: Setting): boolean {
    return this.#waiting.get(setting.slot) === setting;
  }

  /** Takes the place of the one before it, if that still waits; else the last. */
  add(setting: Setting): void {
    this.#waiting.set(setting.slot, setting);
  }

  /** Behind all others, in place of the one before it. */
  addLast(setting: Setting): void {
    this.#waiting.delete(setting.slot);
    this.#waiting.set(setting.slot, setting);
  }

  delete(setting: Setting): void {
    if (this.has(setting)) this.#waiting.delete(setting.slot);
  }

  /** `undefined`: none waits that can be sent. */
  next(nowMs: number): NextSetting | undefined {
    let untilMs = Number.POSITIVE_INFINITY;
    let due: Setting | undefined;
    for (const setting of this.#waiting.values()) {
      const { life } = setting;
      switch (life.name) {
        case 'pending':
        case 'noted':
        case 'sent':
          return { kind: 'send', setting };
        case 'setAside':
          if (life.untilMs <= nowMs) due ??= setting;
          else untilMs = Math.min(untilMs, life.untilMs);
          break;
        default:
        // It cannot be sent now.
      }
    }
    if (due !== undefined) return { kind: 'retry', setting: due };
    return untilMs < Number.POSITIVE_INFINITY ? { kind: 'wait', untilMs } : undefined;
  }

  /** Whether any that is sent again after a restart is still on its way for the first time. */
  get restoring(): boolean {
    for (const { life } of this.#waiting.values()) {
      if ((life.name === 'pending' || life.name === 'sent') && restoredBy(life) !== undefined) {
        return true;
      }
    }
    return false;
  }
}
