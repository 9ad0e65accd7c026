/** Texts of devices and of other machines, made fit for a terminal or a log. */

/** Control characters, ends of lines, and those that make the text around them run the other way. */
const HARMFUL = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu;

/** Escapes control characters: a device's text must not send commands to the terminal, nor begin a line of its own. */
export function harmless(text: string): string {
  return text.replaceAll(HARMFUL, (control) => {
    const code = control.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, '0')}`;
  });
}
