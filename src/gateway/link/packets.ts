/** Links to devices that send and acknowledge packets. */
import { createFraming } from '../../framing/framings.js';
import { PacketSession } from '../../session/packets/session.js';
import { framingOf } from '../config/config.js';
import type { CreateSession } from './device-protocol.js';

/** Transmissions of a packet after the first. */
const RETRIES = 3;

export const createPacketSession: CreateSession = (
  { config, transport, clock, random, log, record },
  host,
  state,
) => {
  const framing = createFraming(framingOf(config.transport));
  const { maxFrameLength } = config;
  const session = new PacketSession(
    host,
    {
      protocol: config.protocol,
      framing,
      restore: config.restore,
      ackTimeoutMs: config.ackTimeoutMs,
      retries: RETRIES,
      maxFrameLength,
      ...(transport.mayEcho === undefined ? {} : { echo: { ...transport.mayEcho, random } }),
    },
    state,
    clock,
    log,
    record.session ?? {},
  );
  const over = framing.over?.(transport, {
    clock,
    maxFrameLength,
    discard: (cause, length) => state.counters.discard(cause, { bytes: length }),
  });
  return { session, transport: over ?? transport };
};
