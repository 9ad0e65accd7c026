import { SLOWNESS } from './slowness.js';

const LOOK_EVERY_MS = 5;

/**
 * The first truthy answer; it is asked for again and again, and says what it was
 * waiting for when none comes in time. What `look` throws ends the waiting.
 */
export async function until<T>(
  look: () => T | Promise<T>,
  what: string | (() => string),
  withinMs = 10_000,
): Promise<NonNullable<Exclude<T, false>>> {
  const limitMs = withinMs * SLOWNESS;
  const end = performance.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) {
      return found as NonNullable<Exclude<T, false>>;
    }
    if (performance.now() > end) {
      const said = typeof what === 'string' ? what : what();
      throw new Error(`waited ${String(limitMs)} ms in vain for ${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
