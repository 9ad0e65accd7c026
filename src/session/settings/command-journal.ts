/**
 * Commands act once: each is noted on disk as sent before it is, so that a crash
 * of the gateway makes none of them act twice (docs/contract.md, "On every opening").
 */
import type { Setting } from './setting.js';

/** What was set after a command waits so long for the disk, ms; it may hang. */
const HOLD_MS = 100;

const UNDER_WAY = 'it is being noted on disk as sent, which comes before it is';
const FAILED =
  'it cannot be noted on disk as sent, so that after a crash it might act twice: ' +
  'it waits until the state can be saved';

export interface CommandJournalHost {
  /** Makes the present state survive a crash, then calls `then`; `kept`: it does. */
  saved(then: (kept: boolean) => void): void;
  /** A command's reason has changed, and perhaps it may be sent now. */
  changed(command: Setting): void;
}

export class CommandJournal {
  /** Monotonic ms until which others wait for the command that is being saved. */
  #holdUntilMs = Number.NEGATIVE_INFINITY;
  readonly #underWay = new Set<Setting>();
  readonly #failed = new Set<Setting>();

  constructor(private readonly host: CommandJournalHost) {}

  /** What was set after a command is not to overtake it until then, monotonic ms. */
  get holdUntilMs(): number {
    return this.#underWay.size > 0 ? this.#holdUntilMs : Number.NEGATIVE_INFINITY;
  }

  /** It may only be sent when it has been noted. */
  isDue(setting: Setting): boolean {
    return setting.command && !setting.sent && !setting.noted;
  }

  note(command: Setting, nowMs: number): void {
    if (this.#underWay.has(command)) {
      command.problem = UNDER_WAY;
      return;
    }
    this.#failed.delete(command);
    command.transmissions = 1;
    command.problem = UNDER_WAY;
    this.#underWay.add(command);
    this.#holdUntilMs = nowMs + HOLD_MS;
    this.host.saved((kept) => {
      this.#underWay.delete(command);
      command.noted = kept;
      if (kept) command.problem = undefined;
      else {
        command.transmissions = 0;
        command.problem = FAILED;
        this.#failed.add(command);
      }
      this.host.changed(command);
    });
  }

  /** The state can be saved: what could not be noted is to be tried again. */
  stateKept(): void {
    for (const command of this.#failed) {
      this.#failed.delete(command);
      if (command.problem === FAILED) command.problem = undefined;
      this.host.changed(command);
    }
  }
}
