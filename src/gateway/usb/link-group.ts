/**
 * The links of one configured link of type `usb`: one for each device that matches.
 * A link is made when its device is first plugged in, and is kept from then on.
 *
 * ```
 *  UsbWatch ─► ports that match ─► assign() ─► links: made, tried at once, held
 *                                    │
 *                                    └─► stateDir/usb.json
 * ```
 */
import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type { SystemRoot } from '../../transport/serial/ports.js';
import type { Transport } from '../../transport/transport.js';
import type { UsbIdentity } from '../../linux/sysfs.js';
import { USB_MATCH_KEYS, usbMatches } from '../../transport/usb/match.js';
import type { UsbPort } from '../../transport/usb/ports.js';
import type { UsbWatch } from '../../transport/usb/watch.js';
import { UsbTransport } from '../../transport/usb/usb.js';
import type { LinkConfig, UsbConfig } from '../config/config.js';
import { reasonOf } from '../state/disk.js';
import { isDeviceOf, MOST_MEMBERS, assign, mismatchOf } from './assign.js';
import type { UsbMember } from '../state/usb-record.js';

/** A configured link whose transport is `usb`. */
export type UsbTemplate = LinkConfig & { readonly transport: UsbConfig };

/** Whether a configured link stands for several boards on USB. */
export const isUsbTemplate = (link: LinkConfig): link is UsbTemplate =>
  link.transport.type === 'usb';

/** A link, as far as its group uses it. */
interface UsbLink {
  /** Tries the port now, since the device was plugged in. */
  retryNow(): void;
  /** Holds settings back, for this reason; `undefined`: sends them again. */
  hold(why: string | undefined): void;
  /** Somebody deleted its node in SIOT. */
  readonly isDeleted: boolean;
}

/** Makes and ends the links of devices. */
export interface UsbLinkHost {
  /** `undefined`: another link has that name. */
  addLink(config: LinkConfig, transport: Transport): Promise<UsbLink | undefined>;
  removeLink(name: string): Promise<void>;
}

/** Knows which group has which devices. A group has the name of its template. */
export interface GroupRegistry {
  /** Keeps what is known of a group's devices. */
  save(group: string, members: readonly UsbMember[]): void;
  /** Name of another group, if the device belongs to that one and not to `group`. */
  takenBy(usb: UsbIdentity, group: string): string | undefined;
}

/** What a group works with. */
interface UsbLinkGroupParts {
  readonly template: UsbTemplate;
  readonly known: readonly UsbMember[];
  readonly watch: UsbWatch;
  readonly registry: GroupRegistry;
  readonly host: UsbLinkHost;
  readonly clock: Clock;
  readonly log: Log;
  readonly where?: SystemRoot | undefined;
}

/** The links of one template. */
export class UsbLinkGroup {
  #members: readonly UsbMember[];
  #ports: ReadonlyMap<string, UsbPort> = new Map();
  readonly #links = new Map<string, UsbLink>();
  /** Names of devices that got no link, since another link has that name. */
  readonly #namesTaken = new Set<string>();
  /** Templates that also match devices of this one and come first. Each was logged. */
  readonly #othersTold = new Set<string>();
  #unlisten: (() => void) | undefined;
  /** Lists of ports are processed one after the other. */
  #busy: Promise<void> = Promise.resolve();
  #stopped = false;
  #saved = '';
  #fullSaid = false;
  #sharingSaid = false;

  constructor(private readonly parts: UsbLinkGroupParts) {
    this.#members = parts.known;
    this.#saved = JSON.stringify(parts.known);
  }

  get template(): UsbTemplate {
    return this.parts.template;
  }

  /** Resolves when there is a link for each device that is known or plugged in. */
  start(): Promise<void> {
    this.#unlisten = this.parts.watch.onScan((ports) => void this.#look(ports));
    return this.lookAgain();
  }

  /** Processes the ports again after other links were added or removed. */
  lookAgain(): Promise<void> {
    this.#namesTaken.clear();
    return this.#look(this.parts.watch.ports);
  }

  /** Makes no further links. The host ends those that exist. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unlisten?.();
    await this.#busy;
  }

  get names(): string[] {
    return [...this.#links.keys()];
  }

  /** Names of all devices that are known, plugged in or not, with a link or without. */
  get memberNames(): string[] {
    return this.#members.map(({ name }) => name);
  }

  /**
   * Takes the board that is plugged in now for the right one. False: there is no such link,
   * or its settings are not held back.
   */
  confirm(name: string): boolean {
    const member = this.#members.find((one) => one.name === name);
    const port = this.#ports.get(name);
    if (member === undefined || port === undefined) return false;
    if (mismatchOf(member, port) === undefined) return false;
    const { vendorId, productId } = port.usb;
    this.#members = this.#members.map((one) =>
      one === member ? { ...one, vendorId, productId } : one,
    );
    this.#save();
    this.#links.get(name)?.hold(undefined);
    return true;
  }

  #look(ports: readonly UsbPort[]): Promise<void> {
    // A failure is logged here: the next list of ports is processed nevertheless, and stop() resolves.
    this.#busy = this.#busy
      .then(() => this.#assign(ports))
      .catch((error: unknown) => {
        this.parts.log.error({ reason: reasonOf(error) }, 'devices on USB cannot be given links');
      });
    return this.#busy;
  }

  async #assign(ports: readonly UsbPort[]): Promise<void> {
    if (this.#stopped) return;
    const { template, log } = this.parts;
    const matching = ports.filter(({ usb }) => usbMatches(template.transport, usb));
    const present = matching.filter((port) => !this.#isTakenByOther(port));
    await this.#leave(matching.filter((port) => !present.includes(port)));
    await this.#forgetDeleted(present);
    const assignment = assign(template.name, this.#members, present);
    const { members, ports: assigned, duplicates, conflicts, refused, sharing } = assignment;
    this.#members = members;
    this.#ports = assigned;
    for (const serialNumber of duplicates) {
      log.warn(
        { serialNumber },
        'several devices have this serial number: from now on they are told apart by the place where they are plugged in',
      );
    }
    for (const { name, other } of conflicts) {
      log.warn(
        { device: name },
        `this device has the serial number of ${other}, but another vendor or product ID: it gets a link and a node of its own`,
      );
    }
    if (refused.length > 0 && !this.#fullSaid) {
      log.warn(
        { devices: members.length, refused: refused.map(({ usb }) => usb.place) },
        `no link for further devices: ${String(MOST_MEMBERS)} are known already; delete nodes of devices that are gone in SIOT, or match fewer`,
      );
    }
    this.#fullSaid = refused.length > 0;
    if (sharing.length > 0 && !this.#sharingSaid) {
      log.warn(
        { ports: sharing.map(({ path }) => path) },
        'no link for these ports: they are on the same USB interface as another one, which has the link; ' +
          'give each a link of type serial, with its path under /dev/serial/by-path',
      );
    }
    this.#sharingSaid = sharing.length > 0;
    this.#save();
    // Settings of all links are held back before the first await, since a link may open its port at any time.
    for (const member of members) this.#hold(member, assigned.get(member.name));
    for (const member of members) await this.#settle(member, assigned.get(member.name));
  }

  /** Makes the link of a device if there is none. If the device is plugged in, the link tries its port at once. */
  async #settle(member: UsbMember, port: UsbPort | undefined): Promise<void> {
    let link = this.#links.get(member.name);
    if (link === undefined) {
      if (this.#namesTaken.has(member.name)) return;
      link = await this.parts.host.addLink(this.#configOf(member), this.#transportOf(member));
      if (link === undefined) {
        this.#namesTaken.add(member.name);
        return;
      }
      this.#links.set(member.name, link);
      this.#hold(member, port);
    }
    if (port !== undefined) link.retryNow();
  }

  #hold(member: UsbMember, port: UsbPort | undefined): void {
    if (port === undefined) return;
    const mismatch = mismatchOf(member, port);
    const remedy = `confirm it with \`siot-mcu confirm ${JSON.stringify(member.name)}\``;
    const why = mismatch === undefined ? undefined : `${mismatch}; ${remedy}`;
    this.#links.get(member.name)?.hold(why);
  }

  /** Whether the device belongs to another template. Logs that once. */
  #isTakenByOther({ path, usb }: UsbPort): boolean {
    const other = this.parts.registry.takenBy(usb, this.template.name);
    if (other === undefined) return false;
    if (!this.#othersTold.has(other)) {
      this.#othersTold.add(other);
      this.parts.log.warn(
        { port: path, place: usb.place },
        `this device matches ${other} as well, which comes first in the configuration and has it; tell the two links apart by one or more of ${USB_MATCH_KEYS.join(', ')}`,
      );
    }
    return true;
  }

  /** Removes the links whose ports belong to another template now. */
  async #leave(ports: readonly UsbPort[]): Promise<void> {
    const paths = new Set(ports.map(({ path }) => path));
    const left = [...this.#ports].filter(([name, { path }]) => {
      return paths.has(path) && this.#links.has(name);
    });
    for (const [name] of left) {
      this.#links.delete(name);
      await this.parts.host.removeLink(name);
    }
  }

  /**
   * Forgets devices that are not plugged in and whose node somebody deleted. Otherwise each
   * start would make the node again.
   */
  async #forgetDeleted(present: readonly UsbPort[]): Promise<void> {
    const there = new Set(present.map(({ usb }) => usb.place));
    for (const member of this.#members) {
      const deleted = this.#links.get(member.name)?.isDeleted === true;
      if (!deleted || there.has(member.place)) continue;
      this.#members = this.#members.filter((one) => one !== member);
      this.#links.delete(member.name);
      await this.parts.host.removeLink(member.name);
    }
  }

  #configOf(member: UsbMember): LinkConfig {
    const { template } = this.parts;
    const { type, description } = template.node;
    const suffix = member.name.slice(template.name.length + 1);
    return {
      ...template,
      name: member.name,
      node: { type, description: `${description} ${suffix}` },
    };
  }

  #transportOf(member: UsbMember): Transport {
    const { template, where, clock } = this.parts;
    const { vendorId, productId, serialNumber, place } = member;
    const who = serialNumber ?? `at ${place}`;
    return new UsbTransport(
      {
        identity: `${vendorId}:${productId} ${who}`,
        serial: template.transport,
        find: () => this.#ports.get(member.name),
        isElsewhere: () => this.parts.watch.ports.some((port) => isDeviceOf(member, port)),
        where,
      },
      clock,
    );
  }

  #save(): void {
    const text = JSON.stringify(this.#members);
    if (text === this.#saved) return;
    this.#saved = text;
    this.parts.registry.save(this.template.name, this.#members);
  }
}
