/** Asks the running gateway by the socket in its `runtimeDir`: no NATS is needed (src/gateway/control/socket). */
import { once } from 'node:events';
import { join } from 'node:path';
import { createConnection, type Socket } from 'node:net';
import type { GatewayConfig } from '../gateway/config/config.js';
import { SOCKET_NAME } from '../gateway/control/socket/protocol.js';
import type { SocketVerb } from '../gateway/control/socket/verbs.js';
import { codeOf } from '../gateway/state/disk.js';
import { withShortPath } from '../gateway/state/short-path.js';
import { CliError, EXIT_FAILED } from './errors.js';
import { answerOf } from './gateway-answer.js';
import { deniedFor, whyNoGateway } from './runtime-files.js';

/** For the first answer to a request: a gateway that is stopped, or busy for so long, gives none. */
const ANSWER_WITHIN_MS = 5_000;

type Folders = Pick<GatewayConfig, 'runtimeDir' | 'stateDir'>;

/** A request, with what its verb takes. */
export interface SocketRequest {
  readonly verb: SocketVerb;
  readonly [name: string]: unknown;
}

/** No gateway answers by the socket. */
export class NoGatewayError extends CliError {
  constructor(
    message: string,
    /** `never`: none ever ran with this folder; `stopped`: none runs now; `denied`: this user may not ask it. */
    readonly why: 'never' | 'stopped' | 'denied',
    cause: unknown,
  ) {
    super(message, EXIT_FAILED, { cause });
  }
}

/**
 * The answers of the running gateway to a request, each of them parsed. Whoever stops
 * reading them ends the request. They end when the gateway has given all of them, or has
 * ended itself; or, with an error, once `until` is aborted. Throws a {@link NoGatewayError}
 * when no gateway can be asked, and a {@link CliError} when it gives no answer in time.
 */
export async function* askGateway(
  folders: Folders,
  request: SocketRequest,
  until?: AbortSignal,
): AsyncGenerator<unknown, void, undefined> {
  const socket = await connect(folders);
  const end = (): void => void socket.destroy();
  until?.addEventListener('abort', end, { once: true });
  if (until?.aborted === true) end();
  try {
    socket.write(`${JSON.stringify(request)}\n`);
    const late = new CliError(
      'the gateway runs and does not answer: it is stopped, or very busy; try again in a moment',
    );
    const timer = setTimeout(() => socket.destroy(late), ANSWER_WITHIN_MS);
    try {
      for await (const line of linesOf(socket)) {
        clearTimeout(timer);
        yield answerOf(line);
      }
    } finally {
      clearTimeout(timer);
    }
  } finally {
    until?.removeEventListener('abort', end);
    socket.destroy();
  }
}

async function connect(folders: Folders): Promise<Socket> {
  const { runtimeDir } = folders;
  try {
    return await withShortPath(runtimeDir, async (folder) => {
      const socket = createConnection(join(folder, SOCKET_NAME));
      await once(socket, 'connect');
      return socket;
    });
  } catch (error) {
    const denied = deniedFor(join(runtimeDir, SOCKET_NAME), error);
    if (denied !== undefined) throw new NoGatewayError(denied, 'denied', error);
    const { why, message } = whyNoGateway(folders);
    throw new NoGatewayError(message, why, error);
  }
}

/** The lines that a socket receives, until it is closed. */
async function* linesOf(socket: Socket): AsyncGenerator<string, void, undefined> {
  let begun: string[] = [];
  socket.setEncoding('utf8');
  try {
    for await (const chunk of socket as AsyncIterable<string>) {
      const ends = chunk.split('\n');
      const rest = ends.pop() ?? '';
      for (const end of ends) {
        yield begun.join('') + end;
        begun = [];
      }
      begun.push(rest);
    }
  } catch (error) {
    // The gateway was ended in the middle of it.
    if (codeOf(error) !== 'ECONNRESET' && codeOf(error) !== 'EPIPE') throw error;
  }
}
