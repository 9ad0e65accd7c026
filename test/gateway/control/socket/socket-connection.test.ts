/** Streams of answers over a real socket, to readers that are slow or do not read at all. */
import { createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { LARGEST_ANSWER } from '../../../../src/gateway/control/socket/protocol.js';
import { SocketConnection } from '../../../../src/gateway/control/socket/socket-connection.js';
import type { StreamAsker } from '../../../../src/gateway/control/verbs/verb.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { complaints, recordingLog, type Said } from '../../../support/recording-log.js';
import { tempDir } from '../../../support/temp-dir.js';
import { until } from '../../../support/until.js';
import { settled } from '../../support.js';

async function rig(handle?: () => never) {
  const clock = new FakeClock();
  const said: Said[] = [];
  const askers: StreamAsker[] = [];
  const sockets: Socket[] = [];
  const watch = (_request: Uint8Array, asker: StreamAsker): Promise<void> => {
    askers.push(asker);
    handle?.();
    return new Promise(() => undefined);
  };
  const parts = { handlers: new Map([['watch', watch]]), clock, log: recordingLog(said) };
  const server = createServer((socket) => {
    sockets.push(socket);
    new SocketConnection(socket, parts);
  });
  const path = join(tempDir(), 's');
  server.listen(path);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const client = createConnection(path);
  onTestFinished(() => void client.destroy());
  client.on('error', () => undefined);
  client.pause();
  client.write('{"verb":"watch"}\n');
  const asker = await until(() => askers[0], 'the request');
  const socket = await until(() => sockets[0], 'the socket');
  return { clock, said, client, asker, socket };
}

const LINE = Buffer.alloc(1_000, 'x');

it('a reader that does not read makes a stream not ready, before much memory is taken; it is told when it is ready again', async () => {
  const { asker, socket, client, clock } = await rig();
  let ready = 0;
  asker.onReady = () => (ready += 1);
  let sent = 0;
  let leftOut = 0;
  for (let n = 0; n < 10_000; n++) {
    if (asker.isReady) asker.reply(LINE);
    else leftOut += 1;
    if (asker.isReady) sent += 1;
    if (n % 100 === 0) await settled();
  }
  expect(leftOut).toBeGreaterThan(1_000);
  expect(socket.writableLength).toBeLessThan(128 * 1024);
  expect(ready).toBeLessThanOrEqual(sent);
  expect(clock.pendingTimers).toBe(1);
  const before = ready;
  client.resume();
  await until(() => ready > before, 'the stream to be ready again');
  expect([asker.isReady, clock.pendingTimers]).toEqual([true, 0]);
});

it('a reader that reads nothing for ten minutes is let go', async () => {
  const { asker, clock } = await rig();
  await until(() => {
    asker.reply(LINE);
    return !asker.isReady && clock.pendingTimers === 1;
  }, 'the reader to be slow');
  clock.advance(599_999);
  expect(asker.until.aborted).toBe(false);
  clock.advance(1);
  await until(() => asker.until.aborted, 'the end');
  expect(clock.pendingTimers).toBe(0);
});

it('a verb that does not look whether its asker is ready ends the connection, not the memory', async () => {
  const { asker, socket } = await rig();
  const answer = Buffer.alloc(1_048_576);
  let most = 0;
  await until(() => {
    asker.reply(answer);
    most = Math.max(most, socket.writableLength);
    return socket.destroyed;
  }, 'the end');
  expect(most).toBeLessThanOrEqual(LARGEST_ANSWER + 1_048_577);
  await until(() => asker.until.aborted, 'the end of the request');
});

it('a verb that fails costs its connection alone, and is told', async () => {
  const { said, asker } = await rig(() => {
    throw new Error('a mistake');
  });
  await until(() => asker.until.aborted, 'the end');
  expect(complaints(said)).toEqual(['a request could not be answered']);
  expect(said.at(-1)?.fields).toMatchObject({ verb: 'watch', reason: 'a mistake' });
});
