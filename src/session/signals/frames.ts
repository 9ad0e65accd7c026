/**
 * Settings of signals, and the frames that hold them. A frame holds the signals of one
 * page, which its multiplexers choose: settings of several pages need a frame each.
 *
 * ```
 *  Low = 1 (page 0), High = 2 (page 1), Low = 3 (page 0), set in this order
 *  frames: page 1 with High, then page 0 with Low = 3, since that is newest
 * ```
 */
import type { MessageCodec } from '../../signals/message-codec.js';
import type { SentSignal, SignalPlan } from '../../signals/signal-plan.js';
import type { Code, SignalCodec } from '../../signals/signal-codec.js';
import { codeOfPoint } from '../../signals/signal-values.js';
import { Transmitter } from '../../signals/transmitter.js';
import type { CanFrame } from '../../transport/frame.js';
import { VALUE_TYPE } from './reports.js';
import type { Settings } from '../settings/settings.js';
import type { Setting } from '../settings/setting.js';

/** A setting with the signal and the message that carry it. */
interface SentSetting extends SentSignal {
  readonly setting: Setting;
}

/** Settings of one message that go out in one frame. The first of them decides the page. Never empty. */
export type Page = readonly SentSetting[];

/** The frames of one bus that settings have changed. */
export class SignalFrames {
  readonly #transmitter = new Transmitter();

  /** Messages with a signal that may be set. */
  readonly messages: ReadonlySet<MessageCodec>;

  constructor(
    private readonly plan: SignalPlan,
    private readonly book: Settings,
  ) {
    this.messages = new Set([...plan.sent.values()].map(({ message }) => message));
    for (const message of this.messages) {
      for (const one of this.#newestFirst(message).reverse()) this.apply(one);
    }
  }

  /** A frame of the message has come from the bus; called for each signal in it. */
  seen(message: MessageCodec, signal: SignalCodec, code: Code): void {
    const key = this.plan.keys.get(signal) ?? '';
    if (!this.plan.sent.has(key)) return;
    const isSet = this.book.get(VALUE_TYPE, key) !== undefined;
    this.#transmitter.seen(message, signal, code, isSet);
  }

  /** From now on frames have the setting's value, on its page, unless no frame can carry it. */
  apply({ message, signal, setting }: SentSetting): void {
    const code = codeOfPoint(signal, setting.point);
    if (typeof code !== 'object') this.#transmitter.set(message, signal, code);
    else if (setting.waiting) setting.on({ type: 'unsendable', why: code.problem });
  }

  /** The pages of those settings of a message that a frame can carry; the newest setting in the last one. */
  pages(message: MessageCodec, wanted: (setting: Setting) => boolean): Page[] {
    const all = this.#newestFirst(message).filter(
      ({ signal, setting }) =>
        typeof codeOfPoint(signal, setting.point) !== 'object' && wanted(setting),
    );
    const pages: Page[] = [];
    // Settings that choose a page go first. Their frames take along those that are on every page.
    let left = [...all.filter(choosesPage), ...all.filter((one) => !choosesPage(one))];
    for (let [first] = left; first !== undefined; [first] = left) {
      const held = this.#heldWith(message, first);
      const page = left.filter((one) => one === first || held.has(one.signal));
      pages.unshift(page);
      left = left.filter((one) => !page.includes(one));
    }
    return pages;
  }

  /** A frame with a page, and the signals that it holds. The page's other signals are as they were set or seen last. */
  frame(page: Page): { readonly frame: CanFrame; readonly held: ReadonlySet<SignalCodec> } {
    const [first] = page;
    if (first === undefined) throw new Error('a page without a setting');
    // A frame from the bus, or a setting of another page, may have chosen another page since.
    for (const one of [...page].reverse()) this.apply(one);
    const { message } = first;
    return { frame: this.#transmitter.frame(message), held: this.#transmitter.held(message) };
  }

  #heldWith(message: MessageCodec, { signal, setting }: SentSetting): ReadonlySet<SignalCodec> {
    const code = codeOfPoint(signal, setting.point);
    return typeof code === 'object'
      ? this.#transmitter.held(message)
      : this.#transmitter.heldWith(message, signal, code);
  }

  #newestFirst(message: MessageCodec): SentSetting[] {
    return message.signals
      .flatMap((signal) => {
        const setting = this.book.get(VALUE_TYPE, this.plan.keys.get(signal) ?? '');
        return setting === undefined ? [] : [{ message, signal, setting }];
      })
      .sort(({ setting: a }, { setting: b }) => Number(b.point.time - a.point.time));
  }
}

const choosesPage = ({ signal: { signal } }: SentSetting): boolean =>
  signal.selection !== undefined || signal.isMultiplexer;
