/**
 * The known word that is probably meant by a misspelt `word`; `undefined` if none is
 * near. A known word is near if at most two of five letters differ, or if one of the
 * two words begins with the other. Upper and lower case are equal.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const written = word.toLowerCase();
  let best: { readonly word: string; readonly distance: number } | undefined;
  for (const candidate of known) {
    const other = candidate.toLowerCase();
    const distance = editDistance(written, other);
    const shorter = Math.min(written.length, other.length);
    const allowed = Math.max(1, Math.floor(Math.max(written.length, other.length) * 0.4));
    const sameStart = shorter >= 3 && (other.startsWith(written) || written.startsWith(other));
    const near = distance <= allowed || sameStart;
    if (near && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) {
      best = { word: candidate, distance };
    }
  }
  return best?.word;
}

/** Edit distance: letters to insert, remove, replace or swap with their neighbour. */
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
