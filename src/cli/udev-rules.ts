/** The rules that `siot-mcu udev` prints. */
import type { LinkConfig } from '../gateway/config/config.js';
import type { PortInfo } from '../transport/serial/ports.js';
import { USB_MATCH_TEXTS, type UsbMatch } from '../transport/usb/match.js';

const GROUP = 'siot-mcu';

/** Attribute of the USB device in sysfs, for each text of a match. */
const ATTRIBUTES = {
  vendorId: 'idVendor',
  productId: 'idProduct',
  serialNumber: 'serial',
  manufacturer: 'manufacturer',
  product: 'product',
} as const;

/** The lines of a rules file, and the links that have no rule, with the reason. */
interface UdevRules {
  readonly lines: readonly string[];
  /** Links that no rule can be made for. */
  readonly without: readonly { readonly link: string; readonly why: string }[];
}

/**
 * Makes rules for the links that have a USB device. `ports`: the ports that are plugged
 * in; they show which device the path of a `serial` link means. `deviceOf` returns the
 * device file that a path leads to.
 */
export function udevRules(
  links: readonly LinkConfig[],
  ports: readonly PortInfo[],
  deviceOf: (path: string) => string = (path) => path,
): UdevRules {
  const lines = [
    '# Made by `siot-mcu udev`. Behind 60-serial.rules, which finds out the interface number,',
    '# and before 77-mm-*.rules, so that ModemManager leaves the devices alone.',
  ];
  const without: { link: string; why: string }[] = [];
  for (const { name, transport } of links) {
    if (transport.type === 'usb') lines.push('', ...rule(name, transport));
    if (transport.type !== 'serial') continue;
    const device = deviceOf(transport.path);
    const usb = ports.find(
      ({ path, byId, byPath }) => path === device || [path, byId, byPath].includes(transport.path),
    )?.usb;
    if (usb === undefined) {
      without.push({
        link: name,
        why: `${transport.path} is no USB device that is plugged in now`,
      });
    } else {
      const { vendorId, productId, serialNumber, interfaceNumber } = usb;
      lines.push('', ...rule(name, { vendorId, productId, serialNumber, interfaceNumber }, true));
    }
  }
  return { lines, without };
}

/** `literal`: the texts come from a device; a `*` in them is not a wildcard. */
function rule(link: string, match: UsbMatch, literal = false): string[] {
  const conditions = ['SUBSYSTEM=="tty"', 'SUBSYSTEMS=="usb"'];
  for (const name of USB_MATCH_TEXTS) {
    const text = match[name];
    if (text === undefined) continue;
    // `*` alone also matches a device that has no such text. A condition of udev would not: so there is none.
    if (!literal && /^\*+$/.test(text)) continue;
    const isId = name === 'vendorId' || name === 'productId';
    const value = udevPattern(isId ? text.toLowerCase() : text, literal);
    conditions.push(`ATTRS{${ATTRIBUTES[name]}}=="${value}"`);
  }
  if (match.interfaceNumber !== undefined) {
    const number = match.interfaceNumber.toString(16).padStart(2, '0');
    conditions.push(`ENV{ID_USB_INTERFACE_NUM}=="${number}"`);
  }
  const word = link.replaceAll(/[^A-Za-z0-9_.-]/g, '_');
  const actions = [
    `GROUP="${GROUP}"`,
    'MODE="0660"',
    'ENV{ID_MM_DEVICE_IGNORE}="1"',
    `SYMLINK+="${GROUP}/${word}-$env{ID_USB_INTERFACE_NUM}-$env{ID_PATH_TAG}"`,
  ];
  const named = [...conditions, 'ENV{ID_SERIAL_SHORT}=="?*"'];
  return [
    `# link ${JSON.stringify(link)}`,
    [...conditions, ...actions].join(', '),
    // A second link by the serial number, if the device has one.
    [...named, `SYMLINK+="${GROUP}/${word}-$env{ID_SERIAL_SHORT}-$env{ID_USB_INTERFACE_NUM}"`].join(
      ', ',
    ),
  ];
}

/** A text as a pattern of udev. Of udev's wildcards only `*` is a wildcard here; the others are escaped. */
function udevPattern(text: string, literal: boolean): string {
  return text.replaceAll(/["\\[\]?|*\p{Cc}]/gu, (sign) => {
    if (sign === '*') return literal ? '[*]' : '*';
    // The other characters cannot be written literally in a rule: `?`, which is any single character, replaces them.
    return '[]?'.includes(sign) ? `[${sign}]` : '?';
  });
}
