/**
 * Publishes one message on NATS as often as asked, as fast as the server takes
 * it, in a process of its own: `node flooder.mjs '{"port":…,"file":…}'`.
 *
 * The file holds the message as it is on the wire: `PUB SUBJECT BYTES\r\n…\r\n`.
 * Wherever it has eight 0s in a row there goes the number of the message.
 * Nothing that comes back is read but the server's pings.
 */
import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

const { port, file, count, perSecond = Infinity } = JSON.parse(process.argv[2] ?? '{}');
const message = readFileSync(file);
const DIGITS = 8;
const places = [];
for (let at = message.indexOf('0'.repeat(DIGITS)); at >= 0;) {
  places.push(at);
  at = message.indexOf('0'.repeat(DIGITS), at + DIGITS);
}

/** So many messages are written at once. */
const batch = Math.max(1, Math.min(1_000, Math.floor(262_144 / message.length)));
const lap = Buffer.concat(Array.from({ length: batch }, () => message));

function numbered(first, many) {
  for (let n = 0; n < many; n += 1) {
    const digits = String(first + n).padStart(DIGITS, '0');
    for (const place of places) lap.write(digits, n * message.length + place, 'latin1');
  }
  return Buffer.from(lap.subarray(0, many * message.length));
}

const socket = connect(port, '127.0.0.1');
socket.on('data', (bytes) => {
  if (bytes.includes('PING\r\n')) socket.write('PONG\r\n');
  if (bytes.includes('PONG\r\n')) {
    process.stdout.write(`done ${count}\n`);
    socket.end();
  }
});
socket.on('error', (error) => {
  process.stdout.write(`failed ${error.message}\n`);
  process.exit(1);
});
socket.write('CONNECT {"verbose":false,"pedantic":false,"name":"flooder"}\r\n');
const began = performance.now();
for (let sent = 0; sent < count;) {
  const due = Math.min(count, ((performance.now() - began) * perSecond) / 1_000);
  const many = Math.min(batch, Math.floor(due - sent), count - sent);
  if (many <= 0) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    continue;
  }
  const room = socket.write(numbered(sent, many));
  sent += many;
  if (!room) await new Promise((resolve) => socket.once('drain', resolve));
}
socket.write('PING\r\n');
