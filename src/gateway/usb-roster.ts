/**
 * Which plugged-in USB port is which link of a configured `usb` link (the
 * template).
 *
 * A device is known by its serial number. One that has none, or shares its
 * number with another one, is known by its place on the bus. The same board so
 * comes back as the same node under whatever path, and two boards never change
 * places:
 *
 * | seen                                  | link                        |
 * | ------------------------------------- | --------------------------- |
 * | serial number 42                      | boards-42                   |
 * | its second interface, number 2        | boards-42-if02              |
 * | no serial number                      | boards-0000:00:14.0-usb2-1  |
 * | another 42, while the first is known  | boards-42@…usb2-3           |
 *
 * Once a serial number has been seen twice at a time it says nothing about who
 * is who, for ever: then also the first one is known by where it was last seen.
 */
import { createHash } from 'node:crypto';
import type { UsbIdentity } from '../transport/sysfs.js';
import type { UsbPort } from '../transport/usb-ports.js';

/** A device that was seen before. */
export interface UsbMember {
  /** Of its link; unique in the gateway. */
  readonly name: string;
  readonly serialNumber?: string | undefined;
  readonly interfaceNumber: number;
  /** Where it was last seen. */
  readonly place: string;
  /** True: it is known by its place alone. */
  readonly byPlace: boolean;
  /** Of the board that a person has confirmed, or that came first. */
  readonly vendorId: string;
  readonly productId: string;
}

export interface Seating {
  /** All members, those that are not plugged in too. */
  readonly members: readonly UsbMember[];
  /** Those that are plugged in, by name. */
  readonly ports: ReadonlyMap<string, UsbPort>;
  /** Serial numbers that were just seen twice for the first time. */
  readonly twins: readonly string[];
  /** Ports for which there was no room. */
  readonly refused: readonly UsbPort[];
}

/** Each member is a link and a node: somebody who flashes boards all day must not fill SIOT. */
export const MOST_MEMBERS = 256;

/** `present`: the ports that match the template, of all places. */
export function seat(
  template: string,
  known: readonly UsbMember[],
  present: readonly UsbPort[],
): Seating {
  const members = new Map(known.map((member) => [member.name, member]));
  const ports = new Map<string, UsbPort>();
  const refused: UsbPort[] = [];
  const twins = new Set<string>();

  const count = new Map<string, number>();
  for (const { usb } of present) {
    const id = serialKey(usb);
    if (id !== undefined) count.set(id, (count.get(id) ?? 0) + 1);
  }
  const ambiguous = (usb: UsbIdentity, id: string): boolean => {
    if (known.some((member) => member.byPlace && serialKey(member) === id)) return true;
    if ((count.get(id) ?? 0) < 2) return false;
    if (usb.serialNumber !== undefined) twins.add(usb.serialNumber);
    return true;
  };

  for (const port of present) {
    const { usb } = port;
    const id = serialKey(usb);
    const byPlace = id === undefined || ambiguous(usb, id);
    const plain = id === undefined ? undefined : members.get(nameOf(template, usb, false));
    // The one that had the number alone keeps its name where it is.
    const name =
      byPlace && !(plain !== undefined && plain.place === usb.place && !ports.has(plain.name))
        ? nameOf(template, usb, true)
        : nameOf(template, usb, false);
    const before = members.get(name);
    if (before === undefined && members.size >= MOST_MEMBERS) {
      refused.push(port);
      continue;
    }
    members.set(name, {
      name,
      ...(usb.serialNumber === undefined ? {} : { serialNumber: usb.serialNumber }),
      interfaceNumber: usb.interfaceNumber ?? 0,
      place: usb.place,
      byPlace,
      vendorId: before?.vendorId ?? usb.vendorId,
      productId: before?.productId ?? usb.productId,
    });
    ports.set(name, port);
  }
  return { members: [...members.values()], ports, twins: [...twins], refused };
}

/**
 * Another board than the one that was there, where nothing but the place says
 * who it is: what was set for that one may be wrong for this one. For people.
 */
export function strangerIn(member: UsbMember, { usb }: UsbPort): string | undefined {
  if (!member.byPlace) return undefined;
  if (member.vendorId === usb.vendorId && member.productId === usb.productId) return undefined;
  return (
    `a board ${usb.vendorId}:${usb.productId} is plugged in where ` +
    `${member.vendorId}:${member.productId} was`
  );
}

interface Numbered {
  readonly serialNumber?: string | undefined;
  readonly interfaceNumber?: number | undefined;
}

/** Two ports of one board share its number, and are two links. */
const serialKey = ({ serialNumber, interfaceNumber = 0 }: Numbered): string | undefined =>
  serialNumber === undefined ? undefined : `${String(interfaceNumber)} ${serialNumber}`;

function nameOf(template: string, usb: UsbIdentity, byPlace: boolean): string {
  const number = usb.interfaceNumber ?? 0;
  const suffix = number === 0 ? '' : `-if${String(number).padStart(2, '0')}`;
  if (usb.serialNumber === undefined) return `${template}-${usb.place}${suffix}`;
  const place = byPlace ? `@${usb.place}` : '';
  return `${template}-${wordOf(usb.serialNumber)}${place}${suffix}`;
}

const LONGEST_WORD = 40;

/**
 * A serial number as a part of a name. Devices may say anything: what a shell
 * or a terminal would trip over is replaced, and a hash keeps two that then
 * look alike apart.
 */
function wordOf(serialNumber: string): string {
  const word = serialNumber.replaceAll(/[^A-Za-z0-9_.:+-]/g, '_').slice(0, LONGEST_WORD);
  if (word === serialNumber) return word;
  return `${word}-${createHash('sha256').update(serialNumber).digest('hex').slice(0, 8)}`;
}
