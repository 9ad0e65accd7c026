/** What anyone sees on the bus: all points that are published on nodes. */
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { UndecodableError } from '../siot-store/codec-compact.js';
import { DIALECTS, type Version } from '../siot-store/dialect.js';
import { numberOf, textOf } from '../siot-store/point.js';
import type { Journal } from './journal.js';

export async function tap(
  url: string,
  version: Version,
  journal: Journal,
): Promise<NatsConnection> {
  const dialect = DIALECTS[version];
  const connection = await connect({
    servers: url,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    reconnectJitter: 0,
  });
  const hear = (subject: string, payload: Uint8Array): void => {
    const [, node = '', ...rest] = subject.split('.');
    // Generation 1 has edges under the same word.
    if (dialect.generation === 1 && rest.length > 0) return;
    for (const point of dialect.decode(payload)) {
      const { type, key, time, origin, tombstone } = point;
      const value = textOf(point) === '' ? numberOf(point) : textOf(point);
      journal.add({ kind: 'published', node, type, key, value, time, origin, tombstone });
    }
  };
  connection.subscribe('p.>', {
    callback: (error, { subject, data }) => {
      if (error !== null) return;
      try {
        hear(subject, data);
      } catch (broken) {
        if (!(broken instanceof UndecodableError)) throw broken;
      }
    },
  });
  await connection.flush();
  return connection;
}
