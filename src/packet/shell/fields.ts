/**
 * Fields of a line of the shell protocol (docs/siot.md, 3.2). Two readers split such a
 * line, and differ: SIOT's, which reads what a device prints, and the tokenizer of
 * Zephyr's shell, which reads commands.
 *
 * |                | SIOT                      | Zephyr                              |
 * |----------------|---------------------------|-------------------------------------|
 * | takes          | UTF-8                     | printable ASCII, and drops the rest |
 * | between fields | spaces, tabs              | white space                         |
 * | quotes         | `"`                       | `"`, `'`                            |
 * | in quotes      | `\r`, `\n`, `\t`; `\` and any other character is that character | `\"`, `\0ooo`, `\xhh` only |
 * | outside        | `\` is itself             | `\` and a character is that character |
 *
 * What is written here is what both read alike.
 */

/** Why a text cannot be a field of a command: both readers would not read it alike. */
export type FieldProblem = 'backslash' | 'controlCharacter' | 'notAscii';

const MEANT_BY: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t' };

/** The fields of a line, as SIOT reads it. `undefined`: a quote has no end. */
export function splitFields(line: string): string[] | undefined {
  const fields: string[] = [];
  let field: string | undefined;
  let quoted = false;
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at);
    if (quoted && char === '\\') {
      at += 1;
      if (at >= line.length) return undefined;
      const next = line.charAt(at);
      field = `${field ?? ''}${MEANT_BY[next] ?? next}`;
    } else if (char === '"') {
      quoted = !quoted;
      field ??= '';
    } else if (!quoted && (char === ' ' || char === '\t')) {
      if (field !== undefined) fields.push(field);
      field = undefined;
    } else {
      field = `${field ?? ''}${char}`;
    }
  }
  if (quoted) return undefined;
  if (field !== undefined) fields.push(field);
  return fields;
}

// eslint-disable-next-line no-control-regex -- control characters are what it finds
const CONTROL = /[\u0000-\u001f\u007f]/;
const NOT_ASCII = /[^\u0020-\u007e]/;

/** Why a text cannot be a field; `undefined`: it can. */
export function fieldProblem(text: string): FieldProblem | undefined {
  if (CONTROL.test(text)) return 'controlCharacter';
  if (NOT_ASCII.test(text)) return 'notAscii';
  return text.includes('\\') ? 'backslash' : undefined;
}

/** A text without a {@link fieldProblem} as a field of a command. */
export function quoteField(text: string): string {
  return text === '' || /[ "']/.test(text) ? `"${text.replaceAll('"', '\\"')}"` : text;
}
