/** Finds the message of a frame. */
import type { CanFrame } from '../transport/frame.js';
import type { Database } from './database.js';
import { MessageCodec } from './message-codec.js';

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
    // Two buses have the id: nobody has said whose frames these are.
    for (const forget of shared) forget();
  }

  /** `undefined`: the database does not know the id. */
  find({ id, extended }: Pick<CanFrame, 'id' | 'extended'>): MessageCodec | undefined {
    return (extended ? this.#extended : this.#standard).get(id);
  }

  named(name: string): readonly MessageCodec[] {
    return this.messages.filter(({ message }) => message.name === name);
  }
}
