/**
 * The table of device protocols. Whoever adds one writes a device session
 * (src/session/device-session.ts), a file here that makes it of a link's
 * configuration, and a line below.
 */
import type { DeviceSessionHost } from '../../session/device-session.js';
import { NodeState } from '../../session/node-state.js';
import type { LinkConfig } from '../config/config.js';
import type { CreateSession, LinkSession, SessionParts } from './device-protocol.js';
import { createPacketSession } from './packets.js';
import { createSignalSession } from './signals.js';

const PROTOCOLS = {
  packets: createPacketSession,
  signals: createSignalSession,
} satisfies Record<string, CreateSession>;

/** What the device speaks. `protocol: auto` decides between the codecs of packets. */
const protocolOf = ({ transport }: LinkConfig): keyof typeof PROTOCOLS =>
  transport.type === 'can-signals' ? 'signals' : 'packets';

/** A link's session, and the state of its node, which is made here alone. */
export function createSession(parts: SessionParts, host: DeviceSessionHost): LinkSession {
  const { config, clock, log, budget, record } = parts;
  const protocol = protocolOf(config);
  const { maxPoints, silenceTimeoutMs } = config;
  // A signal has a value, and nothing that acts once.
  const commands = protocol === 'signals' ? [] : config.commands;
  const options = { commands, maxPoints, silenceTimeoutMs };
  const state = new NodeState(host, options, clock, log, budget, record.session?.settings ?? []);
  return PROTOCOLS[protocol](parts, host, state);
}
