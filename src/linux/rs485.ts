/** What a serial driver does when it switches the direction of an RS-485 line by itself. */
export interface Rs485Mode {
  /** False: the driver switches nothing. */
  readonly enabled: boolean;
  /** Level of RTS while it sends. */
  readonly rtsOnSend: boolean;
  /** Level of RTS at all other times. */
  readonly rtsAfterSend: boolean;
  /** ms from the switch of RTS to the first bit. */
  readonly delayRtsBeforeSendMs: number;
  /** ms from the last bit to the switch of RTS. */
  readonly delayRtsAfterSendMs: number;
  /** It receives while it sends: it hears itself. */
  readonly rxDuringTx: boolean;
  /** The bus is terminated at this port. */
  readonly terminate: boolean;
}

/** SER_RS485_… of linux/serial.h. */
const FLAGS = {
  enabled: 1 << 0,
  rtsOnSend: 1 << 1,
  rtsAfterSend: 1 << 2,
  rxDuringTx: 1 << 4,
  terminate: 1 << 5,
} as const;

/**
 * `struct serial_rs485` of linux/serial.h, 32 bytes in words of the machine's byte order:
 *
 * ```
 *  0  flags                     SER_RS485_…
 *  4  delay_rts_before_send     ms
 *  8  delay_rts_after_send      ms
 * 12  addresses and padding     20 bytes, 0
 * ```
 *
 * RTS high while sending, 1 ms before the first bit: `03 00 00 00 01 00 00 00`, and 24 times `00`.
 */
export function rs485Words(mode: Rs485Mode): Uint32Array {
  const words = new Uint32Array(8);
  for (const [name, flag] of Object.entries(FLAGS)) {
    if (mode[name as keyof typeof FLAGS]) words[0] = (words[0] ?? 0) | flag;
  }
  words[1] = mode.delayRtsBeforeSendMs;
  words[2] = mode.delayRtsAfterSendMs;
  return words;
}

/** What {@link rs485Words} makes, read back from the driver. */
export function rs485Mode(words: Uint32Array): Rs485Mode {
  const [flags = 0, delayRtsBeforeSendMs = 0, delayRtsAfterSendMs = 0] = words;
  const is = (flag: number): boolean => (flags & flag) !== 0;
  return {
    enabled: is(FLAGS.enabled),
    rtsOnSend: is(FLAGS.rtsOnSend),
    rtsAfterSend: is(FLAGS.rtsAfterSend),
    delayRtsBeforeSendMs,
    delayRtsAfterSendMs,
    rxDuringTx: is(FLAGS.rxDuringTx),
    terminate: is(FLAGS.terminate),
  };
}
