/** All configured links of type `usb`, which share one watch on the bus and one file. */
import type { Clock, Timer } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type { SystemRoot } from '../../transport/serial/ports.js';
import type { UsbIdentity } from '../../linux/sysfs.js';
import { usbMatches } from '../../transport/usb/match.js';
import { UsbWatch } from '../../transport/usb/watch.js';
import type { Configured } from '../config/config.js';
import type { Service } from '../services.js';
import type { StateDir } from '../state/state-dir.js';
import type { UsbMember } from '../state/usb-record.js';
import {
  UsbLinkGroup,
  isUsbTemplate,
  type GroupRegistry,
  type UsbLinkHost,
  type UsbTemplate,
} from './link-group.js';

/** What the groups work with. */
interface UsbLinkGroupsParts {
  readonly clock: Clock;
  readonly log: Log;
  /** In tests, a simulated machine. */
  readonly where?: SystemRoot | undefined;
}

/** Pause before usb.json is written again after a failure, ms. */
const SAVE_AGAIN_MS = 2_000;

/** Makes a group for each configured link of type `usb`. */
export class UsbLinkGroups implements Service, GroupRegistry {
  readonly name = 'USB watch';
  readonly stopByMs = 1_500;
  readonly #groups = new Map<string, UsbLinkGroup>();
  #watch: UsbWatch | undefined;
  /** Devices by the name of the configured link. A Map, since a link may have any name. */
  #known: Map<string, readonly UsbMember[]> | undefined;
  /** Number of writes of usb.json under way now. */
  #saving = 0;
  #failed = false;
  #saveTimer: Timer | undefined;
  #stopped = false;

  constructor(
    private readonly host: UsbLinkHost,
    private readonly configured: Configured,
    private readonly state: StateDir,
    private readonly parts: UsbLinkGroupsParts,
  ) {}

  start(): void {
    // Nothing: the bus is watched from the first group on.
  }

  templates(): UsbTemplate[] {
    return [...this.#groups.values()].map(({ template }) => template);
  }

  /** Resolves when there is a link for each device that is known or plugged in; at once after {@link prepareStop}. */
  async add(template: UsbTemplate): Promise<void> {
    if (this.#stopped) return;
    const { clock, log, where } = this.parts;
    const known = (this.#known ??= new Map(Object.entries(await this.state.loadUsb())));
    const group = new UsbLinkGroup({
      template,
      known: known.get(template.name) ?? [],
      watch: await this.#watching(),
      registry: this,
      host: this.host,
      clock,
      log: log.child({ link: template.name }),
      where,
    });
    this.#groups.set(template.name, group);
    await group.start();
  }

  /** Removes a group and its links. What is known of its devices is kept. */
  async remove(name: string): Promise<void> {
    const group = this.#groups.get(name);
    if (group === undefined) return;
    this.#groups.delete(name);
    await group.stop();
    await Promise.all(group.names.map((link) => this.host.removeLink(link)));
  }

  /** To be called after a change of the configuration: a device may belong to another group now. */
  async lookAgain(): Promise<void> {
    const names = this.#configured().map(({ name }) => name);
    // From the last to the first, so that a group closes a port that it has lost before an earlier group opens it.
    for (const name of names.reverse()) await this.#groups.get(name)?.lookAgain();
  }

  /** See {@link UsbLinkGroup.memberNames}. */
  memberNames(): string[] {
    return [...this.#groups.values()].flatMap((group) => group.memberNames);
  }

  /** See {@link UsbLinkGroup.confirm}. */
  confirm(link: string): boolean {
    return [...this.#groups.values()].some((group) => group.confirm(link));
  }

  /** Stops watching the bus. A board that is plugged in while links are being ended is found at the next start. */
  prepareStop(): void {
    this.#stopped = true;
    this.#watch?.stop();
    for (const group of this.#groups.values()) void group.stop();
  }

  async stop(): Promise<void> {
    // Once more, for the watch and the groups that were made meanwhile.
    this.prepareStop();
    await Promise.all([...this.#groups.values()].map((group) => group.stop()));
    this.#saveTimer?.cancel();
    if (this.#saving > 0 || this.#failed) await this.#save();
  }

  save(group: string, members: readonly UsbMember[]): void {
    this.#known?.set(group, members);
    void this.#save();
  }

  /**
   * Tries until usb.json is on disk. Without it, boards that look alike would be mistaken
   * for each other after a restart.
   */
  async #save(): Promise<void> {
    this.#saveTimer?.cancel();
    this.#saving += 1;
    const kept = await this.state.saveUsb(Object.fromEntries(this.#known ?? []));
    this.#saving -= 1;
    this.#failed = !kept;
    this.#saveTimer?.cancel();
    if (kept || this.#stopped) return;
    this.#saveTimer = this.parts.clock.setTimer(SAVE_AGAIN_MS, () => void this.#save());
  }

  takenBy(usb: UsbIdentity, group: string): string | undefined {
    const first = this.#configured().find(({ transport }) => usbMatches(transport, usb));
    return first === undefined || first.name === group ? undefined : first.name;
  }

  /** In the order of the configuration: a device belongs to the first template that matches it. */
  #configured(): UsbTemplate[] {
    return this.configured.config.links.filter(isUsbTemplate);
  }

  async #watching(): Promise<UsbWatch> {
    if (this.#watch === undefined) {
      this.#watch = new UsbWatch(this.parts.clock, this.parts.where);
      await this.#watch.start();
    }
    return this.#watch;
  }
}
