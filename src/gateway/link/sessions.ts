/**
 * Which session a link has: the table of sessions, and the choice by the link's
 * configuration. Whoever adds one writes a device session
 * (src/session/device-session.ts), a file here that makes it of a link's
 * configuration, and its lines below.
 */
import type { DeviceSessionHost } from '../../session/device-session.js';
import { NodeState } from '../../session/node-state.js';
import type { LinkConfig } from '../config/config.js';
import type { CreateSession, LinkSession, SessionParts } from './device-protocol.js';
import { createPacketSession } from './packets.js';
import { createShellSession, silenceTimeoutOf } from './shell.js';
import { createSignalSession } from './signals.js';

const SESSIONS = {
  packets: createPacketSession,
  shell: createShellSession,
  signals: createSignalSession,
} satisfies Record<string, CreateSession>;

type SessionKind = keyof typeof SESSIONS;

/** By the key `protocol` of a link: the payload codecs are all said in packets, a shell in lines. */
const KIND_BY_PROTOCOL: Readonly<Record<LinkConfig['protocol'], SessionKind>> = {
  auto: 'packets',
  protobuf: 'packets',
  compact: 'packets',
  shell: 'shell',
};

/** A bus that a database explains has no other protocol. */
const sessionKindOf = ({ transport, protocol }: LinkConfig): SessionKind =>
  transport.type === 'can-signals' ? 'signals' : KIND_BY_PROTOCOL[protocol];

/** A link's session, and the state of its node, which is made here alone. */
export function createSession(parts: SessionParts, host: DeviceSessionHost): LinkSession {
  const { config, clock, log, budget, record } = parts;
  const kind = sessionKindOf(config);
  const { maxPoints, points } = config;
  const silenceTimeoutMs = kind === 'shell' ? silenceTimeoutOf(config) : config.silenceTimeoutMs;
  // A signal has a value, and nothing that acts once.
  const commands = kind === 'signals' ? [] : config.commands;
  const options = { commands, maxPoints, silenceTimeoutMs, points };
  const settings = record.session?.settings ?? [];
  const state = new NodeState(host, options, clock, log, budget, settings, record.ages);
  return SESSIONS[kind](parts, host, state);
}
