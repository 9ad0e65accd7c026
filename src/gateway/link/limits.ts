/**
 * Where a link is limited, so that it harms no other: said once when it begins
 * and when it ends, shown by `watch`, and a point of the link's node.
 */
import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type { Counters } from '../../session/node/counters.js';
import { GATEWAY_PREFIX } from '../../point/reserved.js';

/**
 * - `input`: its device sends more than there is time for beside a link that says little
 * - `log`: its device sends more log lines than anyone reads
 * - `settings`: somebody sets its points faster than its device acknowledges them, or too many new ones at once
 * - `settingNames`: more distinct points of it were set than it may have
 * - `settingBytes`: its settings have more bytes than it may have
 * - `points`: its device has more distinct points than the link may have
 */
export type LimitCause = 'input' | 'log' | 'settings' | 'settingNames' | 'settingBytes' | 'points';

/** 1 while the link is limited, with the cause as key. */
export const LIMITED_TYPE = `${GATEWAY_PREFIX}Limited`;

/** What it is and what to do. */
const ADVICE: Readonly<Record<LimitCause, string>> = {
  input:
    'the device sends more than there is time for beside devices that say little: it is read more slowly, ' +
    'and what its port cannot hold is lost there. Is the baud rate right, the line free of noise, its ' +
    'firmware not in a loop? If it means to send so much, give it a gateway of its own',
  log: 'the device sends more log lines than can be kept: only some are. Make its firmware log less',
  settings:
    'points of this link are set faster than its device acknowledges them, or too many new ones at once: ' +
    'they wait, and of each only the latest is used. Find out who publishes them, and how often',
  settingNames:
    'more distinct points of this link have been set than it may have: those beyond are not sent to ' +
    'the device. If all are meant, raise maxPoints of the link; if not, delete them in SIOT',
  settingBytes:
    'the settings of this link (4 MiB), or of all links (8 MiB), have as many bytes as they may: longer ones and new ones are ' +
    'not sent to the device. Find out who sets such texts, and set them to shorter ones',
  points:
    'the link has as many distinct points as it may: those known go on, new ones are left out. ' +
    'Does its firmware make up types or keys? If all are meant, raise maxPoints of the link or of the gateway',
};

/** A limit that the counters show has ended when they have not grown for so long. */
const CALM_MS = 60_000;

/** Whether a text names a cause; the key of a point of {@link LIMITED_TYPE} should. */
export function isLimitCause(key: string): key is LimitCause {
  return Object.hasOwn(ADVICE, key);
}

/** Hears of changes. */
export interface LimitsHost {
  /** A limit begins, or has ended. */
  limitsChanged(): void;
}

/** Where a link is limited now, and where it was. */
export class Limits {
  readonly #now = new Map<LimitCause, boolean>();

  readonly #totals = new Map<LimitCause, { readonly total: number; readonly grewMs: number }>();

  constructor(
    private readonly counters: Counters,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly host: LimitsHost,
  ) {}

  /** See `InputLimitListener`. */
  inputLimited(limited: boolean): void {
    const { counters } = this;
    if (limited) counters.notice('slowedInput');
    const { rx, hrRx, errorCount } = counters;
    this.#set('input', limited, { rx, hrRx, errorCount });
  }

  /** Finds by the counters where else the link is limited; to be called now and then. */
  look(): void {
    const { counters } = this;
    this.#counted('points', counters.get('tooManyPoints') + counters.get('tooManyBytes'));
    this.#counted('log', counters.get('droppedLog'));
    this.#counted('settings', counters.get('delayedSetting'));
    this.#counted('settingNames', counters.get('tooManySettings'));
    this.#counted('settingBytes', counters.get('tooManySettingBytes'));
  }

  /** `fields`: figures for the log. */
  #set(cause: LimitCause, limited: boolean, fields: object = {}): void {
    if ((this.#now.get(cause) ?? false) === limited) return;
    this.#now.set(cause, limited);
    if (limited) this.log.warn({ limited: cause, ...fields }, ADVICE[cause]);
    else this.log.info({ limited: cause, ...fields }, 'the link is no longer limited');
    this.host.limitsChanged();
  }

  /** How often the link was limited so far: it is while that grows, and for a minute after. */
  #counted(cause: LimitCause, total: number): void {
    const nowMs = this.clock.monotonicMs();
    const before = this.#totals.get(cause) ?? { total: 0, grewMs: Number.NEGATIVE_INFINITY };
    if (total > before.total) {
      this.#totals.set(cause, { total, grewMs: nowMs });
      this.#set(cause, true, { total });
    } else if (nowMs - before.grewMs >= CALM_MS) {
      this.#set(cause, false, { total });
    }
  }

  /** Each cause that there was, and whether it is now. */
  all(): ReadonlyMap<LimitCause, boolean> {
    return this.#now;
  }

  advice(): string[] {
    return [...this.#now].filter(([, limited]) => limited).map(([cause]) => ADVICE[cause]);
  }
}
