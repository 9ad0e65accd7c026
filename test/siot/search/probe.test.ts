import { siot } from '#proto/siot.js';
import { describe, expect, it } from 'vitest';
import { SystemClock } from '../../../src/point/clock.js';
import { Connection } from '../../../src/siot/connection/connection.js';
import { probe } from '../../../src/siot/search/probe.js';
import { cleanup, rawClient, startNats } from '../harness.js';
import { recordingLog, type Said } from '../../support/recording-log.js';
import { until } from '../../support/until.js';

const uri1 =
  '0a2912037572692a0b088092b8c398feffffff0142156e6174733a2f2f3132372e302e302e313a34323232';
const uri2 = '0200000003007572690000';
const empty = Buffer.from('');
const point = (given: siot.Point.$Properties): siot.Point.$Properties => ({
  type: 'x',
  time: { seconds: 1 },
  ...given,
});
const root = (node: siot.Node.$Properties): Uint8Array =>
  siot.NodesReply.encode({ nodes: [{ id: 'r', parent: 'root', ...node }] }).finish();

const compactUri = Buffer.from(
  '020000000300757269000000001a3deb03b2a10315006e6174733a2f2f3132372e302e302e313a343232320000000000000500746f6b656e000000001a3deb03b2a1030000000000000000',
  'hex',
);

const CASES: [string, Record<string, Uint8Array>, 1 | 2 | undefined][] = [
  ['protobuf points', { 'auth.getNatsURI': Buffer.from(uri1, 'hex') }, 1],
  ['compact points', { 'auth.getNatsURI': compactUri }, 2],
  ['cut compact points', { 'auth.getNatsURI': Buffer.from(uri2, 'hex') }, undefined],
  ['no one', {}, undefined],
  ['a root with field 16', { 'nodes.root.all': root({ points: [point({ dataType: 3 })] }) }, 2],
  ['a root with a text', { 'nodes.root.all': root({ points: [point({ text: 'a' })] }) }, 1],
  ['a root with a value', { 'nodes.root.all': root({ points: [point({ value: 2 })] }) }, 1],
  ['a root with a hash only', { 'nodes.root.all': root({ hash: -2 }) }, 1],
  [
    'a root with a hash and field 16',
    {
      'nodes.root.all': root({ hash: 7, points: [point({ dataType: 1, data: Buffer.alloc(8) })] }),
    },
    2,
  ],
  ['a root without anything', { 'nodes.root.all': root({}) }, undefined],
  [
    'an empty answer, then a root',
    { 'auth.getNatsURI': empty, 'nodes.root.all': root({ hash: 1 }) },
    1,
  ],
  [
    'nonsense',
    { 'auth.getNatsURI': Buffer.from('hello'), 'nodes.root.all': Buffer.from('{}') },
    undefined,
  ],
];

describe('the probe', () => {
  it.each(CASES)('recognises %s', async (_name, answers, generation) => {
    const nats = await startNats();
    const client = await rawClient(nats);
    const asked: string[] = [];
    for (const [subject, answer] of Object.entries(answers)) {
      client.subscribe(subject, {
        callback: (_error, message) => {
          asked.push(`${message.subject} ${String(message.data.length)}`);
          message.respond(answer);
        },
      });
    }
    await client.flush();
    const said: Said[] = [];
    const connection = new Connection({
      settings: { servers: [nats.url] },
      clock: new SystemClock(),
      random: () => 0,
      log: recordingLog(said),
      onState: () => undefined,
    });
    cleanup(() => connection.close());
    connection.start();
    await until(() => connection.connected, 'connected');
    expect(await probe(connection)).toBe(generation);
    // Zero bytes are the only request that both generations understand.
    expect(asked.every((request) => request.endsWith(' 0'))).toBe(true);
    expect(JSON.stringify(said)).not.toContain('uri');
  });
});
