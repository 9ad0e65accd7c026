/**
 * What firmware on Zephyr prints when it starts, each a line:
 *
 * ```
 *  *** Booting Zephyr OS build v3.7.0 ***
 *  *** Booting nRF Connect SDK v3.1.0-6c6e5b32496e ***      nRF Connect SDK, then:
 *  *** Using Zephyr OS v4.1.99-1612683d4010 ***
 *  *** Booting MCUboot v2.1.0 ***                           a boot loader before it
 * ```
 *
 * A reset cuts off the line that was being printed: the banner stands behind its rest.
 */
const MARK = '*** ';
const BANNER = /\*\*\* (?:Booting |Using Zephyr OS)/;
const QUOTED = /"(?:\\.|[^"\\])*"/g;

/** Whether a line says that the device starts, outside a text between quotes. Hot. */
export function saysStart(line: string): boolean {
  if (!line.includes(MARK) || !BANNER.test(line)) return false;
  return BANNER.test(line.replaceAll(QUOTED, ''));
}
