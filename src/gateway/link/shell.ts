/** Links to the console of Zephyr's shell. */
import { ShellSession } from '../../session/shell/session.js';
import type { LinkConfig } from '../config/config.js';
import { ChannelKeeper } from './channel-keeper.js';
import { linkSession, type CreateSession } from './device-protocol.js';

/** SIOT's: a console that says nothing for so long counts as gone (docs/siot.md, 3.3). */
const SILENCE_TIMEOUT_MS = 60_000;

/** Silence after which the device of a shell counts as gone, ms. */
export const silenceTimeoutOf = ({ silenceTimeoutMs }: LinkConfig): number =>
  silenceTimeoutMs === 0 ? SILENCE_TIMEOUT_MS : silenceTimeoutMs;

/** Lines of a console; `protocol: shell`. */
export const createShellSession: CreateSession = (
  { config, transport, scheduler, clock, log, tap, record },
  host,
  state,
) => {
  if (transport.unit !== 'bytes') throw new Error(`no shell over ${config.transport.type}`);
  const { ackTimeoutMs, restore, maxFrameLength } = config;
  const channel = new ChannelKeeper(transport, clock, log, tap);
  const options = {
    ackTimeoutMs,
    restore,
    maxLineLength: maxFrameLength,
    byteMs: transport.mayEcho?.byteMs ?? 0,
    silenceTimeoutMs: silenceTimeoutOf(config),
  };
  const session = new ShellSession(host, channel, options, state, clock, log, record.session ?? {});
  return linkSession(session, channel, (...input) => scheduler.joinBytes(...input));
};
