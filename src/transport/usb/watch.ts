/** Notices USB serial ports that come and go. */
import { watch, type FSWatcher } from 'node:fs';
import type { Clock, Timer } from '../../point/clock.js';
import type { SystemRoot } from '../serial/ports.js';
import { listUsbPorts, sameUsbPort, type UsbPort } from './ports.js';

/** A board with several ports brings them all within this time, in ms. */
const GATHER_MS = 20;
/** A device that does not answer must not keep other links from starting, ms. */
const FIRST_LOOK_MS = 1_000;
/** Many kernels tell of each write to a port as of a change of its rights: not a look for each, ms. */
const CHANGES_MS = 500;
/** Where /dev tells nothing (a container's own /dev, no inotify left), this finds what has come, in ms. */
const POLL_MS = 2_000;
const POLL_BLIND_MS = 500;

/**
 * The kernel makes a device file for each port that comes and takes it away
 * with the port: inotify on /dev is the event. sysfs says who it is, and is
 * looked at now and then as well.
 *
 * ```
 *  inotify on /dev ─┬─► scan of /sys/class/tty ─► listeners
 *  every 2 s ───────┘
 * ```
 */
export class UsbWatch {
  #ports: readonly UsbPort[] = [];
  #watcher: FSWatcher | undefined;
  /** Of an event that was just heard. */
  #gathering: { readonly dueMs: number; readonly timer: Timer } | undefined;
  /** Monotonic ms. */
  #changesLookedAtMs = Number.NEGATIVE_INFINITY;
  /** Apart from the former: the end of a look must not take back what an event meanwhile has asked for. */
  #polling: Timer | undefined;
  #scanning: Promise<void> | undefined;
  #again = false;
  #stopped = false;
  readonly #listeners = new Set<(ports: readonly UsbPort[]) => void>();

  constructor(
    private readonly clock: Clock,
    private readonly where: SystemRoot = {},
  ) {}

  /** As of the last look. */
  get ports(): readonly UsbPort[] {
    return this.#ports;
  }

  /** Told after each look that found another picture, or that an event asked for. */
  onLook(listener: (ports: readonly UsbPort[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves after the first look, or when that takes too long: then listeners are told later. */
  async start(): Promise<void> {
    this.#listen();
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      timer = this.clock.setTimer(FIRST_LOOK_MS, resolve);
    });
    const look = this.#scan(true).then(() => this.#poll());
    await Promise.race([look, late]);
    timer?.cancel();
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
      // Also a change of rights is an event: udev gives them after the file is there.
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
    const ms = Math.max(GATHER_MS, this.#changesLookedAtMs + CHANGES_MS - now);
    this.#soon(ms, () => (this.#changesLookedAtMs = this.clock.monotonicMs()));
  }

  /** What comes in between is seen by that look, and does not put it off. */
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

  /** One at a time; what is asked for during one is done once more after it. */
  #scan(tell: boolean): Promise<void> {
    if (this.#scanning !== undefined) {
      this.#again ||= tell;
      return this.#scanning;
    }
    this.#scanning = this.#look(tell).finally(() => (this.#scanning = undefined));
    return this.#scanning;
  }

  #takeAgain(): boolean {
    const again = this.#again;
    this.#again = false;
    return again;
  }

  async #look(tell: boolean): Promise<void> {
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
      // Asked for while we looked.
    } while (this.#takeAgain());
  }
}
