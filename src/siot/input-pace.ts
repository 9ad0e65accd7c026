/**
 * A pace at which a connection to NATS is read, that leaves time for devices.
 *
 * As long as a socket has more, Node reads it some 32 times in a row, and the
 * client library works on all of it: 2 MB of small messages keep the loop for
 * hundreds of milliseconds, and no device is acknowledged meanwhile. So after a
 * read that filled its buffer, which says that there is more, the socket rests
 * until the others have had their turn, and then for as long as its own work
 * took: a flood has half of the time. What is not read waits in the server,
 * which bounds it (64 MiB by default) and then closes the connection; the next
 * one finds in the store what was lost by that.
 */
import type { Clock } from '../point/clock.js';

/** What Node reads at once. */
const FULL_BYTES = 65_536;
/** A read that waited longer than this had not only its own work to do. */
const LONGEST_REST_MS = 20;

/** What is needed of a socket. */
export interface PacedSocket {
  on(event: 'data', heard: (bytes: Uint8Array) => void): unknown;
  pause(): unknown;
  resume(): unknown;
}

/** `afterTurn` calls a function when the work on what was read, and of all others that read, is done. */
export function paceInput(
  socket: PacedSocket,
  clock: Clock,
  afterTurn: (then: () => void) => void = setImmediate,
): void {
  socket.on('data', (bytes) => {
    if (bytes.length < FULL_BYTES) return;
    socket.pause();
    const fromMs = clock.monotonicMs();
    afterTurn(() => {
      const restMs = Math.min(LONGEST_REST_MS, clock.monotonicMs() - fromMs);
      // Less is not worth a timer.
      if (restMs < 1) socket.resume();
      else clock.setTimer(restMs, () => socket.resume());
    });
  });
}

/** The socket of the client library's connection, which keeps it to itself; `undefined`: it is elsewhere. */
export function socketOf(connection: object): PacedSocket | undefined {
  const { protocol } = connection as { protocol?: { transport?: { socket?: unknown } } };
  const socket = protocol?.transport?.socket;
  return isSocket(socket) ? socket : undefined;
}

function isSocket(socket: unknown): socket is PacedSocket {
  return (
    typeof socket === 'object' &&
    socket !== null &&
    ['on', 'pause', 'resume'].every((name) => typeof Reflect.get(socket, name) === 'function')
  );
}
