/**
 * Commands act once: each is noted on disk as sent before it is, so that a crash
 * of the gateway makes none of them act twice (docs/contract.md, "On every opening").
 */
import type { SettingOutcomes } from './outcomes.js';
import type { Setting } from './setting.js';

/** What was set after a command waits so long for the disk, ms; it may hang. */
const HOLD_MS = 100;

/** Who sends commands that have been noted. */
interface CommandSender {
  /** Something may be sent that could not before. */
  pump(): void;
}

/** The disk, as the journal needs it. */
export interface CommandJournalHost {
  /** Makes the present state survive a crash, then calls `then`; `kept`: it does. */
  saved(then: (kept: boolean) => void): void;
}

/** Notes commands on disk before they are sent. */
export class CommandJournal {
  #underWay = 0;
  /** Monotonic ms until which others wait for the command that is being saved. */
  #holdUntilMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly host: CommandJournalHost,
    private readonly sender: CommandSender,
    private readonly outcomes: SettingOutcomes,
  ) {}

  /** What was set after a command is not to overtake it until then, monotonic ms. */
  get holdUntilMs(): number {
    return this.#underWay > 0 ? this.#holdUntilMs : Number.NEGATIVE_INFINITY;
  }

  /** It may only be sent when it has been noted. */
  isDue({ command, life }: Setting): boolean {
    return command && life.name === 'pending';
  }

  note(command: Setting, nowMs: number): void {
    this.#underWay += 1;
    this.#holdUntilMs = nowMs + HOLD_MS;
    this.outcomes.on(command, { type: 'noting' });
    this.host.saved((kept) => {
      this.#underWay -= 1;
      this.outcomes.on(command, { type: kept ? 'noted' : 'notNoted' });
      this.sender.pump();
    });
  }
}
