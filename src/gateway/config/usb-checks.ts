/** Checks of links of type `usb` that need more than one key. */
import {
  USB_MATCH_KEYS,
  USB_MATCH_TEXTS,
  usbCovers,
  type UsbMatch,
} from '../../transport/usb/match.js';
import { groupAt, has, textAt, type ConfigProblem, type Group, type Placed } from './parts.js';

/** Problems of links of type `usb`: a match that is too wide, devices that two of them match, keys that do not go together. */
export function usbProblems(links: readonly Placed[]): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const before: { readonly index: number; readonly match: UsbMatch }[] = [];
  links.forEach(({ link, path }, index) => {
    const transport = groupAt(link, 'transport');
    if (transport.type !== 'usb') return;
    const keys = USB_MATCH_KEYS.filter((key) => has(transport, key));
    const add = (message: string): void => {
      problems.push({ path: [...path, 'transport'], message });
    };
    if (has(groupAt(link, 'node'), 'id')) {
      const message = 'each device of a usb link has a node of its own; take it out';
      problems.push({ path: [...path, 'node', 'id'], message });
    }
    if (keys.length === 0) {
      add(
        `would take every USB serial device; say which by one or more of ${USB_MATCH_KEYS.join(', ')}`,
      );
      return;
    }
    const match = matchOf(transport);
    for (const other of before) {
      const overlap = overlapOf(match, other.match, `links[${other.index}]`);
      if (overlap === undefined) continue;
      const remedy = `a device has one link; tell them apart by one or more of ${USB_MATCH_KEYS.join(', ')}`;
      add(`${overlap}; ${remedy}`);
      break;
    }
    before.push({ index, match });
  });
  return problems;
}

function overlapOf(match: UsbMatch, other: UsbMatch, name: string): string | undefined {
  const takesAll = usbCovers(match, other);
  if (!usbCovers(other, match)) {
    return takesAll ? `takes all devices of ${name} as well` : undefined;
  }
  return takesAll
    ? `takes the same devices as ${name}`
    : `takes only devices that ${name} takes as well`;
}

function matchOf(transport: Group): UsbMatch {
  const { interfaceNumber } = transport;
  const texts = USB_MATCH_TEXTS.map((key) => [key, textAt(transport, key)] as const);
  return {
    ...(Object.fromEntries(texts) as UsbMatch),
    ...(typeof interfaceNumber === 'number' ? { interfaceNumber } : {}),
  };
}
