/**
 * Limits how fast a connection to NATS is read, so that devices are served meanwhile.
 *
 * While a socket has more data, Node reads it some 32 times in a row, and the client
 * library processes all of it: 2 MB of small messages block the event loop for
 * hundreds of milliseconds. Therefore the socket is paused when a full buffer (64 KiB)
 * was read in one turn of the loop, by one read or by several TLS records. The pause lasts
 * until the next turn, and then as long as the processing took. So a flood gets half of
 * the time. The server buffers what is not read (64 MiB by default), and then closes the
 * connection. What is lost by this is read from the store on the next connection.
 */
import type { Clock } from '../../point/clock.js';

/** What Node reads at once, bytes. */
const FULL_BYTES = 65_536;
/** So little is not worth a look: it is counted with what comes next, in this turn or another. */
const FEW_BYTES = 1_024;
/** Longest pause. If the processing seems to take longer, other work was done meanwhile. */
const LONGEST_REST_MS = 20;

/** The part of a socket that is used here. */
interface LimitedSocket {
  on(event: 'data', heard: (bytes: Uint8Array) => void): unknown;
  pause(): unknown;
  resume(): unknown;
}

/**
 * Pauses the socket after each full buffer. `afterTurn` calls a function in the next
 * turn of the event loop, when what was read has been processed.
 */
export function limitReading(
  socket: LimitedSocket,
  clock: Clock,
  afterTurn: (then: () => void) => void = setImmediate,
): void {
  let readInTurn = 0;
  let fromMs = 0;
  let turnAhead = false;
  const turnOver = (): void => {
    const isFull = readInTurn >= FULL_BYTES;
    readInTurn = 0;
    turnAhead = false;
    if (!isFull) return;
    const restMs = Math.min(LONGEST_REST_MS, clock.monotonicMs() - fromMs);
    // For a shorter pause a timer costs too much.
    if (restMs < 1) socket.resume();
    else clock.setTimer(restMs, () => socket.resume());
  };
  socket.on('data', ({ length }) => {
    const wasFull = readInTurn >= FULL_BYTES;
    readInTurn += length;
    if (!turnAhead && readInTurn >= FEW_BYTES) {
      turnAhead = true;
      fromMs = clock.monotonicMs();
      afterTurn(turnOver);
    }
    if (readInTurn >= FULL_BYTES && !wasFull) socket.pause();
  });
}

/**
 * The socket of the client library's connection. It is a private member; `undefined`: this
 * version of the library has it elsewhere.
 */
export function socketOf(connection: object): LimitedSocket | undefined {
  const { protocol } = connection as { protocol?: { transport?: { socket?: unknown } } };
  const socket = protocol?.transport?.socket;
  return isSocket(socket) ? socket : undefined;
}

function isSocket(socket: unknown): socket is LimitedSocket {
  return (
    typeof socket === 'object' &&
    socket !== null &&
    ['on', 'pause', 'resume'].every((name) => typeof Reflect.get(socket, name) === 'function')
  );
}
