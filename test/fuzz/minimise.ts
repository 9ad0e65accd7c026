/** Makes an input that shows something as short and as plain as it gets. */

/** Looks at most so often whether it still shows. */
const MOST_TRIES = 4_000;

export async function minimise(
  input: Uint8Array,
  shows: (input: Uint8Array) => Promise<boolean>,
): Promise<Uint8Array> {
  let best = input;
  let tries = 0;
  const better = async (candidate: Uint8Array): Promise<boolean> => {
    if (tries >= MOST_TRIES) return false;
    tries += 1;
    if (!(await shows(Uint8Array.from(candidate)))) return false;
    best = candidate;
    return true;
  };
  for (let shorter = true; shorter && tries < MOST_TRIES;) {
    const before = best.length;
    for (let piece = 2 ** Math.ceil(Math.log2(best.length + 1)); piece >= 1; piece /= 2) {
      for (let at = 0; at < best.length;) {
        const without = Uint8Array.from([...best.subarray(0, at), ...best.subarray(at + piece)]);
        if (!(await better(without))) at += piece;
      }
    }
    shorter = best.length < before;
  }
  for (let at = 0; at < best.length; at += 1) {
    for (const plain of [0, 0x30, 0x61]) {
      if (best[at] === plain) break;
      const candidate = Uint8Array.from(best);
      candidate[at] = plain;
      if (await better(candidate)) break;
    }
  }
  return best;
}
