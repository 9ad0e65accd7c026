/** Keeps what was heard of a device before each of its restarts, and tells SIOT. */
import type { Clock } from '../../point/clock.js';
import { NS_PER_MS } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import { LogRateLimiter } from '../../point/log-rate-limiter.js';
import type { DeviceRestart } from '../../session/device-session.js';
import type { LogRing } from '../../session/node/log-ring.js';
import { reasonOf } from '../state/disk.js';
import type { RestartFiles } from '../state/restart-files.js';
import { restartReport, restartText } from './restart-report.js';

/** Log lines in a report, and their characters. */
const MOST_LINES = 1_000;
const MOST_CHARACTERS = 65_536;
/** Signs within this time tell of one restart, and so do those by which the device started within it. */
const APART_MS = 5_000;
/** A device restarts within this time after its panic dump. */
const AFTER_PANIC_MS = 120_000;
/** A device that restarts all the time must wear out no flash memory: 5 files at once, 12 an hour. */
const FILES = { burst: 5, everyMs: 300_000 };

/** Is told of restarts. */
export interface RestartHost {
  /** `text`: why it is thought so, and the name of the file. */
  restartKept(text: string): void;
}

/** The restarts of one link's device. */
export class Restarts {
  readonly #rate: LogRateLimiter;
  /** The last restart: when a sign told of it, and when the device started by that sign, monotonic ms. */
  #lastMs = Number.NEGATIVE_INFINITY;
  #startedMs = Number.NEGATIVE_INFINITY;
  /** Writes, one after the other. */
  #busy: Promise<void> = Promise.resolve();

  /** `folder`: of the files, below `stateDir`. */
  constructor(
    private readonly link: string,
    private readonly folder: string,
    private readonly files: RestartFiles,
    private readonly ring: LogRing,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly host: RestartHost,
  ) {
    this.#rate = new LogRateLimiter(clock, FILES);
  }

  /** The device has restarted, or tells once more of a restart. */
  restarted(restart: DeviceRestart): void {
    const nowMs = this.clock.monotonicMs();
    const startedMs = nowMs - (restart.upMs ?? 0);
    if (nowMs - this.#lastMs < APART_MS) return;
    // Both ways: by an uptime in another unit it would have started long before each restart.
    if (Math.abs(startedMs - this.#startedMs) < APART_MS) return;
    this.#lastMs = nowMs;
    this.#startedMs = startedMs;
    const panic = this.ring.dumpWithin(AFTER_PANIC_MS);
    this.ring.forgetDump();
    const due = this.#rate.due('');
    if (due === 0) {
      this.host.restartKept(restartText(restart, panic, 'no file: it restarts too often'));
      return;
    }
    const ns = this.clock.wallNs();
    const lines = this.ring.newest(MOST_LINES, MOST_CHARACTERS);
    const { link } = this;
    const report = restartReport({ link, ns, restart, panic, leftOut: due - 1, lines });
    this.#busy = this.#busy.then(async () => {
      const file = await this.#write(Number(ns / NS_PER_MS), restart.sign, report);
      this.host.restartKept(restartText(restart, panic, file));
    });
  }

  /** Resolves when all files are written, or cannot be. */
  idle(): Promise<void> {
    return this.#busy;
  }

  async #write(atMs: number, sign: string, report: string): Promise<string> {
    try {
      return `${this.folder}/${await this.files.write(atMs, sign, report)}`;
    } catch (error) {
      const reason = reasonOf(error);
      this.log.error(
        { reason },
        `what was heard before the device’s restart cannot be kept (${reason})`,
      );
      return `no file: ${reason}`;
    }
  }
}
