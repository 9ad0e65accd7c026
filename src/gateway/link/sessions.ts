/** What talks to a link's device, by the kind of its transport. */
import { createFraming } from '../../framing/framings.js';
import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import type { DeviceSession, DeviceSessionHost } from '../../session/device-session.js';
import type { PointBudget } from '../../session/node/point-quota.js';
import { PacketSession } from '../../session/packets/session.js';
import { SignalSession } from '../../session/signals/session.js';
import { readDatabase } from '../../signals/formats.js';
import { planSignals } from '../../signals/signal-plan.js';
import type { Transport } from '../../transport/transport.js';
import { signalWarnings } from '../config/signal-checks.js';
import { framingOf, type CanSignalsConfig, type LinkConfig } from '../config/config.js';
import type { LinkRecord } from '../state/link-record.js';

export interface SessionParts {
  readonly config: LinkConfig;
  readonly transport: Transport;
  readonly budget: PointBudget;
  readonly clock: Clock;
  /** 0 … 1. */
  readonly random: () => number;
  readonly log: Log;
  readonly record: LinkRecord;
}

/** Transmissions of a packet after the first. */
const RETRIES = 3;

/** A device session, and the transport that it reads, to be opened. */
export function createSession(
  parts: SessionParts,
  host: DeviceSessionHost,
): { readonly session: DeviceSession; readonly transport: Transport } {
  const { transport } = parts.config;
  return transport.type === 'can-signals'
    ? { session: signalSession(parts, transport, host), transport: parts.transport }
    : packetSession(parts, host);
}

function packetSession(
  { config, transport, budget, clock, random, log, record }: SessionParts,
  host: DeviceSessionHost,
) {
  const framing = createFraming(framingOf(config.transport));
  const session = new PacketSession(
    host,
    {
      protocol: config.protocol,
      framing,
      commands: config.commands,
      restore: config.restore,
      ackTimeoutMs: config.ackTimeoutMs,
      retries: RETRIES,
      maxFrameLength: config.maxFrameLength,
      silenceTimeoutMs: config.silenceTimeoutMs,
      maxPoints: config.maxPoints,
      ...(transport.mayEcho === undefined ? {} : { echo: { ...transport.mayEcho, random } }),
    },
    clock,
    log,
    budget,
    record.session ?? {},
  );
  const over = framing.over?.(transport, {
    clock,
    maxFrameLength: config.maxFrameLength,
    discard: (cause, length) => session.counters.discard(cause, { bytes: length }),
  });
  return { session, transport: over ?? transport };
}

function signalSession(
  { config, budget, clock, log, record }: SessionParts,
  transport: CanSignalsConfig,
  host: DeviceSessionHost,
): SignalSession {
  const database = readDatabase(Buffer.from(transport.content, 'base64'), transport.bus);
  for (const { line, column, message } of database.warnings) {
    log.warn({ file: transport.database, line, column }, message);
  }
  for (const warning of signalWarnings(transport, database)) log.warn({}, warning);
  const plan = planSignals(database, transport);
  // The configuration has been checked with this very database.
  if (!('codec' in plan)) throw new Error(plan.map(({ message }) => message).join('; '));
  return new SignalSession(
    host,
    {
      plan,
      inWords: transport.values === 'text',
      cyclic: transport.cyclic,
      deadband: transport.deadband,
      minInterval: transport.minInterval,
      maxInterval: transport.maxInterval,
      restore: config.restore,
      maxPoints: config.maxPoints,
      silenceTimeoutMs: config.silenceTimeoutMs,
    },
    clock,
    log,
    budget,
    record.session?.settings ?? [],
  );
}
