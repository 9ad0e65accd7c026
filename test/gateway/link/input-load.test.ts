import { describe, expect, it } from 'vitest';
import { InputLoad } from '../../../src/gateway/link/input-load.js';

const WINDOW_MS = 250;
const MOST = { bytes: 10_000, ms: 50 };

/** A load in windows one after the other. */
function windows() {
  const limited: boolean[] = [];
  const load = new InputLoad({ inputLimited: (is) => void limited.push(is) });
  let nowMs = 0;
  /** Ends a window in which the link was heard with that. */
  const end = (bytes: number, ms: number): void => {
    load.hear(nowMs);
    load.use(bytes, ms, 1);
    silent(WINDOW_MS);
  };
  /** Windows in which it was not heard. */
  const silent = (forMs: number): void => {
    for (let ms = 0; ms < forMs; ms += WINDOW_MS) {
      nowMs += WINDOW_MS;
      load.endWindow(nowMs, WINDOW_MS, MOST, false);
    }
  };
  const isQuiet = (): boolean => load.isQuiet(nowMs);
  return { load, limited, end, silent, isQuiet, now: () => nowMs };
}

describe('a link is quiet', () => {
  it.for([
    { bytes: 2_500, ms: 25, quiet: true },
    { bytes: 2_600, ms: 1, quiet: false },
    { bytes: 100, ms: 26, quiet: false },
  ])('by bytes and time: $bytes bytes in $ms ms', ({ bytes, ms, quiet }) => {
    const { end, isQuiet } = windows();
    end(bytes, ms);
    end(bytes, ms);
    expect(isQuiet()).toBe(false);
    end(bytes, ms);
    expect(isQuiet()).toBe(quiet);
    end(9_000, 45);
    expect(isQuiet()).toBe(false);
  });

  it('for three of its usual intervals of silence, which bursts do not make shorter', () => {
    const { end, silent, isQuiet } = windows();
    for (let n = 0; n < 3; n++) {
      silent(9_000);
      for (let burst = 0; burst < 2; burst++) end(100, 1);
    }
    silent(13_000);
    expect(isQuiet()).toBe(true);
    silent(2_000);
    expect(isQuiet()).toBe(false);
  });

  it('for a minute of silence at most', () => {
    const { end, silent, isQuiet } = windows();
    for (let n = 0; n < 4; n++) {
      silent(50_000);
      end(100, 1);
    }
    silent(59_000);
    expect(isQuiet()).toBe(true);
    silent(1_500);
    expect(isQuiet()).toBe(false);
  });

  it('only while it is not limited itself', () => {
    const { load, limited, end, isQuiet, now } = windows();
    load.hold(now());
    for (let n = 0; n < 4; n++) end(100, 1);
    expect([limited, isQuiet()]).toEqual([[true], false]);
  });
});

describe('a link is limited', () => {
  it('when its input was held for half of each of four windows', () => {
    const { load, limited, silent, now } = windows();
    for (let n = 0; n < 8; n++) {
      load.hold(now());
      load.release(now() + 124);
      silent(WINDOW_MS);
    }
    for (let n = 0; n < 3; n++) {
      load.hold(now());
      load.release(now() + 125);
      silent(WINDOW_MS);
    }
    expect(limited).toEqual([]);
    load.hold(now());
    silent(WINDOW_MS);
    expect(limited).toEqual([true]);
  });
});
