/**
 * Messages as they cross the wire of NATS, one behind the other, so that the client library
 * gets those of one turn of the event loop as one piece of bytes:
 *
 * ```
 *  PUB p.dev-1.temp.0 45\r\n  payload  \r\n
 *  └──────────── start ──────────┘ └ tail ┘
 * ```
 *
 * The library's own `publish` encodes the subject of each message anew, and copies each
 * piece once more: without a store that was a fifth of the gateway's work for a point.
 */

/** More messages than this are sent in several pieces, bytes. */
const ROOM = 64 * 1024;
/** Longer messages are published by the library, bytes of payload. */
const LONGEST_PAYLOAD = 4 * 1024;
/** Bytes behind the subject of such a message, at most: the length of its payload, and line ends. */
const AROUND = 16;

/** What messages on one subject begin with, whose payloads begin with the same bytes. */
export class MessageStart {
  readonly #line: Buffer;
  /** Of the last length: mostly the next message has the same. */
  #bytes = Buffer.alloc(0);
  #tailLength = -1;

  private constructor(
    subject: string,
    private readonly head: Uint8Array,
  ) {
    this.#line = Buffer.from(`PUB ${subject} `);
  }

  /** `undefined`: a subject that the protocol does not have, or that is odd: the library's to publish. */
  static of(subject: string, head: Uint8Array): MessageStart | undefined {
    return subject === '' || /[\s\p{Cc}]/u.test(subject)
      ? undefined
      : new MessageStart(subject, head);
  }

  /** Bytes of the payload's beginning. */
  get headLength(): number {
    return this.head.length;
  }

  /** Bytes of the whole message at most. */
  lengthWith(tailLength: number): number {
    return this.#line.length + this.head.length + tailLength + AROUND;
  }

  /** All before a tail of so many bytes. */
  before(tailLength: number): Uint8Array {
    if (tailLength !== this.#tailLength) {
      const length = Buffer.from(`${String(this.head.length + tailLength)}\r\n`);
      this.#bytes = Buffer.concat([this.#line, length, this.head]);
      this.#tailLength = tailLength;
    }
    return this.#bytes;
  }
}

/** Collects messages until {@link send}. */
export class PublishBuffer {
  readonly bytes = Buffer.allocUnsafeSlow(ROOM);
  readonly view = new DataView(this.bytes.buffer);
  #length = 0;

  constructor(
    /** Takes the bytes of whole messages: they are its own. */
    private readonly out: (messages: Uint8Array) => void,
    /** Longest payload that the server takes, bytes. */
    private readonly maxPayload: number,
  ) {}

  /**
   * Begins a message. Returns where in {@link bytes} its tail is to be written, before
   * anything else is called. `undefined`: it is too long for this buffer.
   */
  add(start: MessageStart, tailLength: number): number | undefined {
    const payload = start.headLength + tailLength;
    if (payload > LONGEST_PAYLOAD || payload > this.maxPayload) return undefined;
    const most = start.lengthWith(tailLength);
    if (most > ROOM) return undefined;
    if (this.#length + most > ROOM) this.send();
    const before = start.before(tailLength);
    this.bytes.set(before, this.#length);
    const at = this.#length + before.length;
    const end = at + tailLength;
    this.bytes[end] = 0x0d;
    this.bytes[end + 1] = 0x0a;
    this.#length = end + 2;
    return at;
  }

  /** Hands all over that was added. */
  send(): void {
    if (this.#length === 0) return;
    const messages = Uint8Array.prototype.slice.call(this.bytes, 0, this.#length);
    this.#length = 0;
    this.out(messages);
  }
}

/**
 * Sends bytes of whole commands on the client library's connection: a private member takes
 * them. `undefined`: this version of the library has it elsewhere.
 */
export function commandsOf(connection: object): ((commands: Uint8Array) => void) | undefined {
  const { protocol } = connection as { protocol?: { sendCommand?: unknown } };
  if (typeof protocol?.sendCommand !== 'function') return undefined;
  const { sendCommand } = protocol;
  return (commands) => void Reflect.apply(sendCommand, protocol, [commands]);
}
