/** A word of a command that people are told to type, in quotes where a shell would read it otherwise. */
export const commandWord = (word: string): string =>
  /^[\w.:@%+/][\w.:@%+/-]*$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
