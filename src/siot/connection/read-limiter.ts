/**
 * A pace at which a connection to NATS is read, that leaves time for devices.
 *
 * As long as a socket has more, Node reads it some 32 times in a row, and the
 * client library works on all of it: 2 MB of small messages keep the loop for
 * hundreds of milliseconds, and no device is acknowledged meanwhile. So once as
 * much as fills a buffer has come in one turn of the loop, in one read or, over
 * TLS, in records of 16 kB at most, there is more to come: the socket rests until the others have had their turn, and then for as long as its own work
 * took: a flood has half of the time. What is not read waits in the server,
 * which bounds it (64 MiB by default) and then closes the connection; the next
 * one finds in the store what was lost by that.
 */
import type { Clock } from '../../point/clock.js';

/** What Node reads at once. */
const FULL_BYTES = 65_536;
/** Work that waited longer than this had not only its own work to do. */
const LONGEST_REST_MS = 20;

/** What is needed of a socket. */
interface LimitedSocket {
  on(event: 'data', heard: (bytes: Uint8Array) => void): unknown;
  pause(): unknown;
  resume(): unknown;
}

/** `afterTurn` calls a function when the work on what was read, and of all others that read, is done. */
export function limitReading(
  socket: LimitedSocket,
  clock: Clock,
  afterTurn: (then: () => void) => void = setImmediate,
): void {
  let readInTurn = 0;
  let fromMs = 0;
  const turnOver = (): void => {
    const isFull = readInTurn >= FULL_BYTES;
    readInTurn = 0;
    if (!isFull) return;
    const restMs = Math.min(LONGEST_REST_MS, clock.monotonicMs() - fromMs);
    // Less is not worth a timer.
    if (restMs < 1) socket.resume();
    else clock.setTimer(restMs, () => socket.resume());
  };
  socket.on('data', ({ length }) => {
    if (readInTurn === 0) {
      fromMs = clock.monotonicMs();
      afterTurn(turnOver);
    }
    const wasFull = readInTurn >= FULL_BYTES;
    readInTurn += length;
    if (readInTurn >= FULL_BYTES && !wasFull) socket.pause();
  });
}

/** The socket of the client library's connection, which keeps it to itself; `undefined`: it is elsewhere. */
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
