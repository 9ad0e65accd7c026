/**
 * Finds the link of each USB port that is plugged in. A configured link of type `usb`
 * is the template of these links.
 *
 * A device is identified by its serial number together with its vendor ID. A
 * device without a serial number, or with the number and IDs of another device,
 * is identified by its place on the bus. So a board is the same node under
 * whatever path it appears, and two boards never get each other's node:
 *
 * | seen                                               | link                       |
 * | -------------------------------------------------- | -------------------------- |
 * | serial number 42                                   | boards-42                  |
 * | its second interface, number 2                     | boards-42-if02             |
 * | 42 of another vendor                               | boards-42@0403:6001        |
 * | another product ID, where 42 was (its boot loader) | boards-42                  |
 * | another product ID, elsewhere, or beside 42        | boards-42@2e8a:0005        |
 * | no serial number                                   | boards-0000:00:14.0-usb2-1 |
 * | another 42, while the first is known               | boards-42@…usb2-3          |
 *
 * Once two devices with the same IDs and serial number were plugged in at the same
 * time, the number identifies neither of them. From then on, the first one too is
 * identified by the place where it was last seen.
 */
import { createHash } from 'node:crypto';
import type { UsbIdentity } from '../../linux/sysfs.js';
import type { UsbPort } from '../../transport/usb/ports.js';
import type { UsbMember } from '../state/usb-record.js';

/** The result of {@link assign}. */
export interface Assignment {
  /** All known devices, plugged in or not. */
  readonly members: readonly UsbMember[];
  /** The ports of those that are plugged in, by the name of their link. */
  readonly ports: ReadonlyMap<string, UsbPort>;
  /** Serial numbers that several devices have, as is known for the first time now. */
  readonly duplicates: readonly string[];
  /** New devices that have the serial number of a known one, but other IDs. */
  readonly conflicts: readonly NumberConflict[];
  /** Ports of new devices beyond {@link MOST_MEMBERS}: they get no link. */
  readonly refused: readonly UsbPort[];
  /** Ports that share a USB interface with a port that has the link. */
  readonly sharing: readonly UsbPort[];
}

/** Two devices with one serial number and different IDs, by the names of their links. */
interface NumberConflict {
  /** The new one. */
  readonly name: string;
  readonly other: string;
}

/**
 * Maximum number of known devices of one template. Each is a link and a node: a place where many boards
 * are flashed must not fill SIOT.
 */
export const MOST_MEMBERS = 256;

/**
 * Assigns ports to links. `template`: name of the configured link; `known`: the
 * devices known before; `present`: the ports that match the template now.
 */
export function assign(
  template: string,
  known: readonly UsbMember[],
  present: readonly UsbPort[],
): Assignment {
  const ports = firstOfEach(present);
  const members = new Map(known.map((member) => [member.name, member]));
  const assigned = new Map<UsbPort, UsbMember>();
  const duplicates = new Set<string>();
  const byPlace = new Set(
    ports.filter(({ usb }) => {
      if (usb.serialNumber === undefined) return true;
      const isKnown = known.some((one) => isOwn(one, usb) && one.productId === usb.productId);
      const isDoubtful = (one: UsbMember): boolean =>
        one.byPlace && hasSameIdentity(one, usb) && (!isKnown || hasProduct(one, usb));
      if (known.some(isDoubtful)) return true;
      if (ports.filter((other) => isDuplicate(other.usb, usb)).length < 2) return false;
      duplicates.add(usb.serialNumber);
      return true;
    }),
  );

  // The most certain rule is applied to all ports first, so that no port gets the link of another port's device.
  const free = new Set(known);
  for (const rule of RULES) {
    for (const port of ports) {
      if (assigned.has(port)) continue;
      const member = [...free].find((one) => rule(one, port.usb, byPlace.has(port)));
      if (member === undefined) continue;
      free.delete(member);
      assigned.set(port, member);
    }
  }

  const refused: UsbPort[] = [];
  const conflicts: NumberConflict[] = [];
  const named = new Map<string, UsbPort>();
  for (const port of ports) {
    const { usb } = port;
    const before = assigned.get(port);
    if (before === undefined && members.size >= MOST_MEMBERS) {
      refused.push(port);
      continue;
    }
    const isOne = byPlace.has(port) || before?.byPlace === true;
    const hasConflict = ports.some((one) => isConflict(one.usb, usb));
    const name = before?.name ?? newName(template, usb, isOne, hasConflict, members);
    if (before === undefined) {
      const other = known.find((one) => isConflict(one, usb));
      if (other !== undefined) conflicts.push({ name, other: other.name });
    }
    members.set(name, memberOf(name, port, isOne, before));
    named.set(name, port);
  }
  return {
    members: [...members.values()],
    ports: named,
    duplicates: [...duplicates],
    conflicts,
    refused,
    sharing: present.filter((port) => !ports.includes(port)),
  };
}

/** Several ports of one interface cannot be distinguished: only the first by name has a link. */
function firstOfEach(ports: readonly UsbPort[]): UsbPort[] {
  const firsts = new Map<string, UsbPort>();
  for (const port of ports) {
    const key = interfaceOf(port.usb);
    const first = firsts.get(key);
    if (first === undefined || port.path.localeCompare(first.path, 'en', { numeric: true }) < 0) {
      firsts.set(key, port);
    }
  }
  return [...firsts.values()];
}

interface Numbered {
  readonly serialNumber?: string | undefined;
  readonly interfaceNumber?: number | undefined;
  readonly vendorId: string;
  readonly productId: string;
}

/** Rules for whether a port belongs to a known device, the most certain first. */
const RULES: readonly ((one: UsbMember, usb: UsbIdentity, byPlace: boolean) => boolean)[] = [
  (one, usb, byPlace) => {
    if (!byPlace || one.place !== usb.place || !hasSameIdentity(one, usb)) return false;
    // The device that had the serial number first keeps its name while it stays at its place.
    return one.byPlace || hasProduct(one, usb);
  },
  (one, usb, byPlace) => !byPlace && isOwn(one, usb) && one.productId === usb.productId,
  // A device at its own place comes before a device elsewhere that has a product ID that it once had.
  (one, usb, byPlace) =>
    !byPlace && isOwn(one, usb) && hasProduct(one, usb) && one.place === usb.place,
  (one, usb, byPlace) => !byPlace && isOwn(one, usb) && hasProduct(one, usb),
  // A board in its boot loader has another product ID, at the same place.
  (one, usb, byPlace) => !byPlace && hasSameIdentity(one, usb) && one.place === usb.place,
];

const isOwn = (one: UsbMember, usb: UsbIdentity): boolean =>
  !one.byPlace && hasSameIdentity(one, usb);

/** Two interfaces of one board have the same serial number, but are two links. */
const sameNumber = (a: Omit<Numbered, 'vendorId' | 'productId'>, b: typeof a): boolean =>
  a.serialNumber === b.serialNumber && (a.interfaceNumber ?? 0) === (b.interfaceNumber ?? 0);

/** For devices without a serial number the vendor ID does not count: only their place distinguishes them. */
const hasSameIdentity = (a: Numbered, b: Numbered): boolean =>
  sameNumber(a, b) && (a.serialNumber === undefined || a.vendorId === b.vendorId);

const isDuplicate = (a: Numbered, b: Numbered): boolean =>
  hasSameIdentity(a, b) && a.productId === b.productId;

const isConflict = (a: Numbered, b: Numbered): boolean =>
  a.serialNumber !== undefined &&
  sameNumber(a, b) &&
  (a.vendorId !== b.vendorId || a.productId !== b.productId);

const hasProduct = (one: UsbMember, { productId }: UsbIdentity): boolean =>
  one.productId === productId || one.otherProductIds?.includes(productId) === true;

const interfaceOf = ({ place, interfaceNumber = 0 }: UsbIdentity): string =>
  `${place} ${String(interfaceNumber)}`;

function memberOf(
  name: string,
  { usb }: UsbPort,
  byPlace: boolean,
  before: UsbMember | undefined,
): UsbMember {
  const { serialNumber, interfaceNumber = 0, place, vendorId, productId } = usb;
  const others = before?.otherProductIds ?? [];
  // If only the place identifies a board, another product ID means another board, until a person confirms it.
  const isNews = before !== undefined && !byPlace && !hasProduct(before, usb);
  const otherProductIds = isNews ? [...others, productId] : others;
  return {
    name,
    ...(serialNumber === undefined ? {} : { serialNumber }),
    interfaceNumber,
    place,
    byPlace,
    vendorId: before?.vendorId ?? vendorId,
    productId: before?.productId ?? productId,
    ...(otherProductIds.length === 0 ? {} : { otherProductIds }),
  };
}

/**
 * Why the port may belong to another board than the known device, for people:
 * only its place identifies it, and its IDs differ. Settings of the known one may
 * be wrong for it. `undefined`: there is no mismatch.
 */
export function mismatchOf(member: UsbMember, { usb }: UsbPort): string | undefined {
  if (!member.byPlace) return undefined;
  if (member.vendorId === usb.vendorId && member.productId === usb.productId) return undefined;
  return (
    `a board ${usb.vendorId}:${usb.productId} is plugged in where ` +
    `${member.vendorId}:${member.productId} was`
  );
}

/** Whether the port looks like the known device, whichever link has it now. */
export function isDeviceOf(member: UsbMember, { usb }: UsbPort): boolean {
  const isPlaced = member.byPlace || member.serialNumber === undefined;
  return isDuplicate(member, usb) && (!isPlaced || member.place === usb.place);
}

/** `hasConflict`: another device that is plugged in has the same number, so the number alone is not a unique name. */
function newName(
  template: string,
  usb: UsbIdentity,
  byPlace: boolean,
  hasConflict: boolean,
  taken: ReadonlyMap<string, unknown>,
): string {
  const { serialNumber, interfaceNumber = 0, place, vendorId, productId } = usb;
  const suffix = interfaceNumber === 0 ? '' : `-if${String(interfaceNumber).padStart(2, '0')}`;
  const own = serialNumber === undefined ? place : wordOf(serialNumber);
  const word = `${template}-${own}`;
  const ids = `${word}@${vendorId}:${productId}`;
  const last = `${ids}@${place}`;
  const numbered = byPlace
    ? [`${word}@${place}`, last]
    : hasConflict
      ? [ids, last]
      : [word, ids, last];
  const names = serialNumber === undefined ? [word] : numbered;
  const free = names.map((name) => name + suffix).find((name) => !taken.has(name));
  if (free !== undefined) return free;
  // A serial number may be any text, even one that looks like the name of another device.
  const stem = (serialNumber === undefined ? word : last) + suffix;
  let count = 2;
  while (taken.has(`${stem}-${String(count)}`)) count += 1;
  return `${stem}-${String(count)}`;
}

const LONGEST_WORD = 40;

/**
 * A serial number as a part of a name. Characters that are special to a shell or a
 * terminal are replaced. A hash then distinguishes two numbers that look the same.
 */
function wordOf(serialNumber: string): string {
  const word = serialNumber.replaceAll(/[^A-Za-z0-9_.:+-]/g, '_').slice(0, LONGEST_WORD);
  if (word === serialNumber) return word;
  return `${word}-${createHash('sha256').update(serialNumber).digest('hex').slice(0, 8)}`;
}
