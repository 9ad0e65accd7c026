/** Which USB devices a link of type `usb` is for. */
import type { UsbIdentity } from '../../linux/sysfs.js';

/**
 * What the identity of a device must be; what is absent may be anything. In texts
 * `*` matches any characters, also none. IDs are compared without regard to case.
 */
export interface UsbMatch {
  readonly vendorId?: string | undefined;
  readonly productId?: string | undefined;
  readonly serialNumber?: string | undefined;
  readonly manufacturer?: string | undefined;
  readonly product?: string | undefined;
  readonly interfaceNumber?: number | undefined;
}

/** The keys of {@link UsbMatch} that are texts. */
export const USB_MATCH_TEXTS = [
  'vendorId',
  'productId',
  'serialNumber',
  'manufacturer',
  'product',
] as const satisfies readonly (keyof UsbMatch & keyof UsbIdentity)[];

/** All keys of {@link UsbMatch}. */
export const USB_MATCH_KEYS = [...USB_MATCH_TEXTS, 'interfaceNumber'] as const;

/** Whether a link with this match is for this device. */
export function usbMatches(match: UsbMatch, usb: UsbIdentity): boolean {
  if (match.interfaceNumber !== undefined && match.interfaceNumber !== usb.interfaceNumber) {
    return false;
  }
  return USB_MATCH_TEXTS.every((name) => {
    const pattern = match[name];
    if (pattern === undefined) return true;
    const isId = name === 'vendorId' || name === 'productId';
    // A text that the device does not report is empty: only `*` matches it.
    return globMatches(pattern, usb[name] ?? '', isId);
  });
}

/** Whether each device that `inner` matches is also matched by `outer`. */
export function usbCovers(outer: UsbMatch, inner: UsbMatch): boolean {
  const { interfaceNumber } = outer;
  if (interfaceNumber !== undefined && interfaceNumber !== inner.interfaceNumber) return false;
  return USB_MATCH_TEXTS.every((name) => {
    const pattern = outer[name];
    const isId = name === 'vendorId' || name === 'productId';
    // NUL, which no text of a device has, stands for the stars of `inner`: only a star matches it.
    const anything = (inner[name] ?? '*').replaceAll('*', '\0');
    return pattern === undefined || globMatches(pattern, anything, isId);
  });
}

/** Without backtracking: a text from a device must not take the gateway's time. */
function globMatches(pattern: string, text: string, ignoreCase: boolean): boolean {
  const [p, t] = ignoreCase ? [pattern.toLowerCase(), text.toLowerCase()] : [pattern, text];
  const [first = '', ...rest] = p.split('*');
  if (rest.length === 0) return p === t;
  const last = rest.pop() ?? '';
  if (t.length < first.length + last.length || !t.startsWith(first) || !t.endsWith(last)) {
    return false;
  }
  let at = first.length;
  const end = t.length - last.length;
  for (const part of rest) {
    const found = t.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
