/** Lines that people type on a console, as settings of a link. */
import { isFinalSetReply, type SetReply, type SetRequest } from '../gateway/control/control.js';
import { CliError } from './errors.js';
import { nameOf, outcomeOf } from './set-outcome.js';
import { parseTarget, parseValue } from './set-value.js';

/** Asks the gateway to set a point, until the signal is aborted. */
export type AskSet = (request: SetRequest, until: AbortSignal) => AsyncIterable<SetReply>;

/** For how long the device is waited for. */
const WITHIN_MS = 30_000;
/** Settings that are followed at once; further ones wait. */
const MOST_FOLLOWED = 8;

/** What a typed line asks for. Throws a {@link CliError} if it is no setting. */
export function settingOf(link: string, line: string): SetRequest {
  const [, target, word = ''] = /^\s*(\S+)(?:\s+(.*?))?\s*$/.exec(line) ?? [];
  if (target === undefined || word === '') {
    throw new CliError(`a line is a setting: TYPE[/KEY] VALUE, such as setpoint 4.2`);
  }
  return { link, ...parseTarget(target), value: valueOf(word) };
}

/** A value in double quotes is text. */
function valueOf(word: string): SetRequest['value'] {
  if (/^".*"$/.test(word)) {
    return { kind: 'string', text: word.slice(1, -1).replaceAll(/\\(["\\])/g, '$1') };
  }
  return parseValue(word, {});
}

/** Sends settings in the order in which they are typed, and says what becomes of each. */
export class TypedSettings {
  /** Lines that were no setting, or whose setting was not acknowledged. */
  failed = 0;
  readonly #followed = new Set<Promise<void>>();
  #last: Promise<void> = Promise.resolve();

  constructor(
    private readonly link: string,
    private readonly ask: AskSet,
    private readonly say: (text: string) => void,
  ) {}

  /** Resolves when the gateway has the setting, or has refused it. Never rejects. */
  typed(line: string): Promise<void> {
    if (line.trim() !== '') this.#last = this.#last.then(() => this.#send(line));
    return this.#last;
  }

  /** Resolves when it is known what has become of all. */
  async idle(): Promise<void> {
    await this.#last;
    await Promise.all(this.#followed);
  }

  async #send(line: string): Promise<void> {
    let request: SetRequest;
    try {
      request = settingOf(this.link, line);
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
      return;
    }
    while (this.#followed.size >= MOST_FOLLOWED) await Promise.race(this.#followed);
    await new Promise<void>((answered) => {
      const followed = this.#follow(request, answered).finally(() => {
        this.#followed.delete(followed);
        answered();
      });
      this.#followed.add(followed);
    });
  }

  async #follow(request: SetRequest, answered: () => void): Promise<void> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), WITHIN_MS);
    let last: SetReply | undefined;
    let reason = 'accepted by the gateway';
    let why = 'the gateway has ended meanwhile';
    try {
      for await (const reply of this.ask(request, late.signal)) {
        last = reply;
        answered();
        if (reply.state === 'waiting' && reply.reason !== reason) {
          reason = reply.reason;
          this.say(`${nameOf(request)} is pending: ${reason}`);
        }
        if (isFinalSetReply(reply)) break;
      }
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    } finally {
      clearTimeout(timer);
    }
    if (late.signal.aborted) why = `not acknowledged within ${WITHIN_MS / 1_000} s`;
    const { line, warning, problem } = outcomeOf(request, { last, reason, why });
    if (problem !== undefined) this.#fail(problem);
    if (warning !== undefined) this.say(warning);
    if (line !== undefined) this.say(line);
  }

  #fail(text: string): void {
    this.failed += 1;
    this.say(text);
  }
}
