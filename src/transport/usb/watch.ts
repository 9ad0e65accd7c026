/** Watches USB serial ports being plugged in and unplugged. */
import { watch, type FSWatcher } from 'node:fs';
import type { Clock, Timer } from '../../point/clock.js';
import { within } from '../../point/within.js';
import type { SystemRoot } from '../serial/ports.js';
import { listUsbPorts, sameUsbPort, type UsbPort } from './ports.js';

/** All ports of a board appear within this time, ms. */
const GATHER_MS = 20;
/** Most time of the first scan before other links start, ms: a device may not answer. */
const FIRST_SCAN_MS = 1_000;
/** Least time between scans for changed files, ms: many kernels report each write to a port as one. */
const CHANGES_MS = 500;
/** ms between regular scans, for a /dev without events, such as that of a container. */
const POLL_MS = 2_000;
/** The same where inotify cannot be used. */
const POLL_BLIND_MS = 500;

/**
 * The kernel makes a file in /dev for each port and removes it with the port, which
 * inotify reports. Each event, and a timer, starts a scan of sysfs, which has the
 * identities of the devices.
 *
 * ```
 *  inotify on /dev ─┬─► scan of /sys/class/tty ─► listeners
 *  every 2 s ───────┘
 * ```
 */
export class UsbWatch {
  #ports: readonly UsbPort[] = [];
  #watcher: FSWatcher | undefined;
  /** The scan that an event has asked for. */
  #gathering: { readonly dueMs: number; readonly timer: Timer } | undefined;
  /** Last scan for a changed file, monotonic ms. */
  #changesScannedAtMs = Number.NEGATIVE_INFINITY;
  /** The next regular scan. Separate from `#gathering`, which the end of a scan must not cancel. */
  #polling: Timer | undefined;
  #scanning: Promise<void> | undefined;
  /** Another scan was asked for during this one. */
  #again = false;
  #stopped = false;
  readonly #listeners = new Set<(ports: readonly UsbPort[]) => void>();

  constructor(
    private readonly clock: Clock,
    private readonly where: SystemRoot = {},
  ) {}

  /** The ports that the last scan has found. */
  get ports(): readonly UsbPort[] {
    return this.#ports;
  }

  /** Called after each scan that found a change, or that an event has started. Returns what ends it. */
  onScan(listener: (ports: readonly UsbPort[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves after the first scan, or after {@link FIRST_SCAN_MS}; then listeners are called later. */
  async start(): Promise<void> {
    this.#listen();
    const scan = this.#scan(true).then(() => this.#poll());
    await within(FIRST_SCAN_MS, this.clock, scan);
  }

  stop(): void {
    this.#stopped = true;
    this.#watcher?.close();
    this.#gathering?.timer.cancel();
    this.#polling?.cancel();
    this.#listeners.clear();
  }

  #listen(): void {
    try {
      // A change of rights counts, too: udev gives them after the file has appeared.
      this.#watcher = watch(
        `${this.where.root ?? ''}/dev`,
        { persistent: false },
        (event, name) => {
          if (name !== null && !name.startsWith('tty')) return;
          if (event === 'change') this.#changed();
          else this.#soon(GATHER_MS);
        },
      );
      this.#watcher.once('error', () => {
        this.#watcher?.close();
        this.#watcher = undefined;
      });
    } catch {
      this.#watcher = undefined;
    }
  }

  #changed(): void {
    const now = this.clock.monotonicMs();
    const ms = Math.max(GATHER_MS, this.#changesScannedAtMs + CHANGES_MS - now);
    this.#soon(ms, () => (this.#changesScannedAtMs = this.clock.monotonicMs()));
  }

  /** Scans in `ms`. Events until then are covered by that scan, and do not delay it. */
  #soon(ms: number, then: () => void = () => undefined): void {
    if (this.#stopped) return;
    const dueMs = this.clock.monotonicMs() + ms;
    if (this.#gathering !== undefined && this.#gathering.dueMs <= dueMs) return;
    this.#gathering?.timer.cancel();
    const timer = this.clock.setTimer(ms, () => {
      this.#gathering = undefined;
      then();
      void this.#scan(true);
    });
    this.#gathering = { dueMs, timer };
  }

  #poll(): void {
    if (this.#stopped) return;
    const ms = this.#watcher === undefined ? POLL_BLIND_MS : POLL_MS;
    this.#polling = this.clock.setTimer(ms, () => {
      void this.#scan(false).then(() => this.#poll());
    });
  }

  /** One scan at a time. `tell`: listeners are called also without a change. */
  #scan(tell: boolean): Promise<void> {
    if (this.#scanning !== undefined) {
      this.#again ||= tell;
      return this.#scanning;
    }
    this.#scanning = this.#scanAll(tell).finally(() => (this.#scanning = undefined));
    return this.#scanning;
  }

  #takeAgain(): boolean {
    const again = this.#again;
    this.#again = false;
    return again;
  }

  async #scanAll(tell: boolean): Promise<void> {
    let told = tell;
    do {
      const ports = await listUsbPorts(this.where);
      if (this.#stopped) return;
      const changed =
        ports.length !== this.#ports.length ||
        ports.some((port, i) => !sameUsbPort(port, this.#ports[i] ?? port));
      this.#ports = ports;
      if (changed || told) for (const listener of this.#listeners) listener(ports);
      told = true;
    } while (this.#takeAgain());
  }
}
