/** Links to a CAN bus whose frames a database explains. */
import { SignalSession } from '../../session/signals/session.js';
import { readDatabase } from '../../signals/formats.js';
import { planSignals } from '../../signals/signal-plan.js';
import { signalWarnings } from '../config/signal-checks.js';
import { ChannelKeeper } from './channel-keeper.js';
import { linkSession, type CreateSession } from './device-protocol.js';

/** Values of the signals on a CAN bus; transport of type `can-signals`. */
export const createSignalSession: CreateSession = (
  { config, transport: bus, scheduler, clock, log, tap },
  host,
  state,
) => {
  const { transport } = config;
  if (transport.type !== 'can-signals' || bus.unit !== 'canFrames') {
    throw new Error(`no signals over ${transport.type}`);
  }
  const database = readDatabase(Buffer.from(transport.content, 'base64'), transport.bus);
  for (const { line, column, message } of database.warnings) {
    log.warn({ file: transport.database, line, column }, message);
  }
  for (const { key, message } of signalWarnings(transport, database)) {
    log.warn({}, `transport.${key}: ${message}`);
  }
  const plan = planSignals(database, transport);
  // The configuration has been checked with this very database.
  if (!('codec' in plan)) throw new Error(plan.map(({ message }) => message).join('; '));
  const channel = new ChannelKeeper(bus, clock, log, tap);
  const session = new SignalSession(
    host,
    channel,
    {
      plan,
      inWords: transport.values === 'text',
      cyclic: transport.cyclic,
      deadband: transport.deadband,
      minInterval: transport.minInterval,
      maxInterval: transport.maxInterval,
      restore: config.restore,
    },
    clock,
    log,
    state,
  );
  return linkSession(session, channel, (...input) => scheduler.joinFrames(...input));
};
