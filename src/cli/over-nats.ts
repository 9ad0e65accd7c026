/** The way over NATS, for a command that asks by the socket first. */
import type { GatewayConfig } from '../gateway/config/config.js';
import { CliError } from './errors.js';
import { GatewayClient } from './gateway-client.js';
import { NoGatewayError } from './gateway-socket.js';
import { complain } from './streams.js';

/**
 * Connects to a gateway that could not be asked by the socket. Throws `error`, by which that
 * failed, if NATS is no way either for that reason; and a {@link CliError} that says why the
 * gateway is reached by neither way.
 */
export async function reachOverNats(config: GatewayConfig, error: unknown): Promise<GatewayClient> {
  // A private nats-server ends with its gateway.
  const isElsewhere =
    error instanceof NoGatewayError && error.why === 'stopped' && !config.nats.embedded;
  if (!isElsewhere) throw error;
  try {
    const client = new GatewayClient(config);
    await client.connect();
    const { runtimeDir } = config;
    complain(`siot-mcu: no gateway answers by the socket in ${runtimeDir}: asked over NATS`);
    return client;
  } catch (overNats) {
    if (!(overNats instanceof Error)) throw overNats;
    const message = `${error.message} (over NATS: ${overNats.message})`;
    throw new CliError(message, error.status, { cause: overNats });
  }
}
