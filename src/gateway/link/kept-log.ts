/** The log lines of a link's device: a ring in memory, of which the newest are on disk. */
import type { Clock, Timer } from '../../point/clock.js';
import { LogRing } from '../../session/node/log-ring.js';
import type { LogFile } from '../state/log-file.js';

/** Lines on disk, and their characters. */
const LINES_ON_DISK = 200;
const CHARACTERS_ON_DISK = 65_536;
/** Lines are gathered for so long before a write: flash memory wears out. A crash loses them. */
const SAVE_AFTER_MS = 300_000;

/** The log of one device, for all links that its node has had: it outlives them. */
export class KeptLog {
  readonly ring: LogRing;
  #timer: Timer | undefined;
  #isChanged = false;
  #loaded: Promise<void> | undefined;

  /** `most`: lines in memory. */
  constructor(
    private readonly file: LogFile,
    most: () => number,
    private readonly clock: Clock,
  ) {
    this.ring = new LogRing(most, clock);
  }

  /** Resolves when what was kept before the gateway's start is read, before which no line is to be added. It is read once. */
  load(): Promise<void> {
    this.#loaded ??= this.file.load().then((lines) => this.ring.restore(lines));
    return this.#loaded;
  }

  /** The device has written this: a line, or several. */
  add(text: string): void {
    this.ring.add(text);
    this.#isChanged = true;
    this.#timer ??= this.clock.setTimer(SAVE_AFTER_MS, () => void this.save());
  }

  /** Resolves when the newest lines are on disk, or cannot be written, which is logged. */
  async save(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (!this.#isChanged) return;
    this.#isChanged = false;
    const isKept = await this.file.save(this.ring.newest(LINES_ON_DISK, CHARACTERS_ON_DISK));
    // The next line, or the end of the gateway, tries again.
    if (!isKept) this.#isChanged = true;
  }
}
