/**
 * The control interface over a Unix socket in `runtimeDir`. A connection is for one
 * request, and both sides write lines of JSON in UTF-8:
 *
 * ```
 *  command ─► {"verb":"status"}⏎          what else the verb takes stands beside `verb`
 *          ◄─ {"gateway":…,"links":…}⏎    one answer, or several
 *          ◄─ end                         none follows
 * ```
 *
 * A command that closes the connection, or its writing half, ends its request.
 */

/** Name of the socket in `runtimeDir`. */
export const SOCKET_NAME = 'gateway.sock';

/** Maximum size of a request, bytes. A value that a device takes is smaller. */
export const LONGEST_REQUEST = 1_048_576;

/** Maximum size of an answer, bytes. */
export const LARGEST_ANSWER = 4 * 1_048_576;
