/**
 * The least that a program in Node can do between a device and NATS, over bare sockets: a
 * packet comes, one message goes out, the ack is written. Either at once, or when the server
 * says that it has processed the message. What lies between the two is what waiting costs.
 */
import { connect } from 'node:net';
import { SystemClock } from '../../src/point/clock.js';
import { createTransport } from '../../src/transport/transports.js';
import { UP_TYPE, ackFrames } from '../frames.js';
import { linkId, messagePayload, serialConfig } from '../parts.js';
import { serve } from './serve.js';

/** First argument of the program, as JSON. */
export interface WaitingArgs {
  /** Such as `nats://127.0.0.1:4222`. */
  readonly server: string;
  readonly path: string;
  /** Whether the ack waits for the server. */
  readonly waits: boolean;
}

const { server, path, waits } = JSON.parse(process.argv[2] ?? '') as WaitingArgs;

const payload = messagePayload();
const line = Buffer.from(`PUB p.${linkId('relay', 0)}.${UP_TYPE}.0 ${String(payload.length)}\r\n`);
const message = Buffer.concat([line, payload, Buffer.from(waits ? '\r\nPING\r\n' : '\r\n')]);
const ack = ackFrames('compact')[0]!;

const { hostname, port } = new URL(server);
const socket = connect({ host: hostname, port: Number(port), noDelay: true });

const channel = await createTransport(serialConfig(path), new SystemClock()).open({
  data: (chunk) => {
    // One packet is on its way at a time.
    if (chunk.length < 2 || chunk.at(-1) !== 0) return;
    socket.write(message);
    if (!waits) channel.write(ack);
  },
  discarded: () => undefined,
  closed: () => undefined,
  drained: () => undefined,
  warning: () => undefined,
});

socket.on('data', (bytes) => {
  const text = bytes.toString('latin1');
  if (text.startsWith('INFO')) socket.write('CONNECT {"verbose":false,"pedantic":false}\r\n');
  if (text.includes('PING\r\n')) socket.write('PONG\r\n');
  if (text.includes('PONG\r\n')) channel.write(ack);
});

process.on('SIGTERM', () => void channel.close().finally(() => process.exit(0)));

// The device is told that somebody is there.
channel.write(ack);
serve({});
