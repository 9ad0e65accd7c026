/** What is shown to people of what may be long. */

/** Of a long text, enough to know it again. `most`: characters. */
export const excerpt = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most)}…` : text;

/** The first ones of a list, and how many more there are. */
export function firstOf(list: readonly unknown[], most: number): string {
  const more = list.length - most;
  return `${list.slice(0, most).map(String).join(', ')}${more > 0 ? ` and ${String(more)} more` : ''}`;
}
