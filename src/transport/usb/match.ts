/** Which USB devices a link of type `usb` is for. */
import type { UsbIdentity } from '../../linux/sysfs.js';

/**
 * What a device must say of itself; what is absent does not matter. In texts
 * `*` stands for any characters, also none. IDs are compared without regard to case.
 */
export interface UsbMatch {
  readonly vendorId?: string | undefined;
  readonly productId?: string | undefined;
  readonly serialNumber?: string | undefined;
  readonly manufacturer?: string | undefined;
  readonly product?: string | undefined;
  readonly interfaceNumber?: number | undefined;
}

export const USB_MATCH_TEXTS = [
  'vendorId',
  'productId',
  'serialNumber',
  'manufacturer',
  'product',
] as const satisfies readonly (keyof UsbMatch & keyof UsbIdentity)[];

/** All by which a USB device can be told from others. */
export const USB_MATCH_KEYS = [...USB_MATCH_TEXTS, 'interfaceNumber'] as const;

export function usbMatches(match: UsbMatch, usb: UsbIdentity): boolean {
  if (match.interfaceNumber !== undefined && match.interfaceNumber !== usb.interfaceNumber) {
    return false;
  }
  return USB_MATCH_TEXTS.every((name) => {
    const pattern = match[name];
    if (pattern === undefined) return true;
    const isId = name === 'vendorId' || name === 'productId';
    // A device that does not say is as one that says nothing: only `*` takes it.
    return globMatches(pattern, usb[name] ?? '', isId);
  });
}

/** Whether every device of `inner` is one of `outer` as well, by what they ask for. */
export function usbCovers(outer: UsbMatch, inner: UsbMatch): boolean {
  const { interfaceNumber } = outer;
  if (interfaceNumber !== undefined && interfaceNumber !== inner.interfaceNumber) return false;
  return USB_MATCH_TEXTS.every((name) => {
    const pattern = outer[name];
    const isId = name === 'vendorId' || name === 'productId';
    // Its stars stand for anything: only stars take that. No device's text has a NUL in it.
    const anything = (inner[name] ?? '*').replaceAll('*', '\0');
    return pattern === undefined || globMatches(pattern, anything, isId);
  });
}

/** Linear in both lengths times the number of stars: a device's text must not hold the gateway up. */
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
