/**
 * The word that somebody who wrote `word` probably meant; `undefined` if none
 * is near: one begins with the other, or at most two of five letters differ;
 * capitals aside.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const written = word.toLowerCase();
  const sameStart = known.find((candidate) => {
    const other = candidate.toLowerCase();
    return (
      Math.min(written.length, other.length) >= 3 &&
      (other.startsWith(written) || written.startsWith(other))
    );
  });
  if (sameStart !== undefined) return sameStart;
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  const allowed = Math.max(1, Math.floor(Math.max(word.length, best?.length ?? 0) * 0.4));
  return bestDistance <= allowed ? best : undefined;
}

/** Letters to insert, take out, replace or swap with their neighbour. */
function editDistance(a: string, b: string): number {
  const columns = b.length + 1;
  const rows: number[][] = [Array.from({ length: columns }, (_, column) => column)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? 0;
  for (let i = 1; i <= a.length; i += 1) {
    rows.push([i]);
    for (let j = 1; j < columns; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let distance = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, at(i - 2, j - 2) + 1);
      }
      rows[i]?.push(distance);
    }
  }
  return at(a.length, b.length);
}
