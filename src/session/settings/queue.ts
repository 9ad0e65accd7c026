/**
 * The settings that wait to be sent, one for each point: a newer one takes the
 * place of the one before it, so that a point that changes fast keeps no other
 * waiting (docs/contract.md, "On every opening").
 */
import type { Setting } from './setting.js';

const ASIDE_FIRST_MS = 10_000;
const ASIDE_LONGEST_MS = 600_000;

/** `retry`: it was set aside, and is tried once. `wait`: until then, monotonic ms. */
export type NextSetting =
  | { readonly kind: 'send' | 'retry'; readonly setting: Setting }
  | { readonly kind: 'wait'; readonly untilMs: number };

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
    return this.#waiting.get(setting.turn) === setting;
  }

  /** Takes the place of the one before it, if that still waits; else the last. */
  add(setting: Setting): void {
    this.#waiting.set(setting.turn, setting);
  }

  /** Behind all others, in place of the one before it. */
  addLast(setting: Setting): void {
    this.#waiting.delete(setting.turn);
    this.#waiting.set(setting.turn, setting);
  }

  /** False: it was not waiting. */
  delete(setting: Setting): boolean {
    return this.has(setting) && this.#waiting.delete(setting.turn);
  }

  /** Not acknowledged while others were: one transmission a try from now on, at growing intervals. */
  setAside(setting: Setting, nowMs: number): void {
    setting.asidePauseMs =
      setting.asidePauseMs === 0
        ? ASIDE_FIRST_MS
        : Math.min(setting.asidePauseMs * 2, ASIDE_LONGEST_MS);
    setting.asideUntilMs = nowMs + setting.asidePauseMs;
    this.addLast(setting);
  }

  /** None is set aside any more. */
  takeBack(): void {
    for (const setting of this.#waiting.values()) setting.asidePauseMs = 0;
  }

  /** Nor is any too large, or unfit for the codec, as far as is known. */
  takeBackAll(): void {
    for (const setting of this.#waiting.values()) {
      setting.asidePauseMs = 0;
      setting.problem = undefined;
    }
  }

  /** `undefined`: none waits that can be sent. */
  next(nowMs: number): NextSetting | undefined {
    let untilMs = Number.POSITIVE_INFINITY;
    let due: Setting | undefined;
    for (const setting of this.#waiting.values()) {
      if (setting.problem !== undefined) continue;
      if (setting.asidePauseMs === 0) return { kind: 'send', setting };
      if (setting.asideUntilMs <= nowMs) due ??= setting;
      else untilMs = Math.min(untilMs, setting.asideUntilMs);
    }
    if (due !== undefined) return { kind: 'retry', setting: due };
    return untilMs < Number.POSITIVE_INFINITY ? { kind: 'wait', untilMs } : undefined;
  }

  /** Whether any that is sent again after a restart is still on its way for the first time. */
  get restoring(): boolean {
    for (const setting of this.#waiting.values()) {
      if (setting.restoring && setting.asidePauseMs === 0 && setting.problem === undefined) {
        return true;
      }
    }
    return false;
  }
}
