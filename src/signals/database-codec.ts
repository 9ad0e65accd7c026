import type { CanFrame } from '../transport/frame.js';
import type { Database } from './database.js';
import { MessageCodec } from './message-codec.js';

/** The codecs of a database's messages, found by the identifier of a frame. */
export class DatabaseCodec {
  /** In the order of the database. */
  readonly messages: readonly MessageCodec[];
  readonly #standard = new Map<number, MessageCodec>();
  readonly #extended = new Map<number, MessageCodec>();

  constructor(database: Database) {
    this.messages = database.messages.map((message) => new MessageCodec(message));
    const shared: (() => void)[] = [];
    for (const codec of this.messages) {
      const { id, extended } = codec.message;
      const byId = extended ? this.#extended : this.#standard;
      if (byId.has(id)) shared.push(() => byId.delete(id));
      byId.set(id, codec);
    }
    // Messages of several buses have the id: it is not known whose frames these are.
    for (const forget of shared) forget();
  }

  /** `undefined`: the database has no message with the id, or several. */
  find({ id, extended }: Pick<CanFrame, 'id' | 'extended'>): MessageCodec | undefined {
    return (extended ? this.#extended : this.#standard).get(id);
  }

  /** All messages of a name. */
  named(name: string): readonly MessageCodec[] {
    return this.messages.filter(({ message }) => message.name === name);
  }
}
