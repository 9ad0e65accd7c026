import { expect, it } from 'vitest';
import {
  MessageStart,
  PublishBuffer,
  commandsOf,
} from '../../../src/siot/connection/publish-buffer.js';
import { useNats } from '../../support/nats.js';
import { until } from '../../support/until.js';

const nats = useNats();

const startOf = (subject: string, head = ''): MessageStart => {
  const start = MessageStart.of(subject, Buffer.from(head));
  if (start === undefined) throw new Error(`no subject: ${subject}`);
  return start;
};

function rig(maxPayload = 1 << 20) {
  const sent: string[] = [];
  const buffer = new PublishBuffer(
    (messages) => void sent.push(Buffer.from(messages).toString()),
    maxPayload,
  );
  /** False: the buffer has not taken it. */
  const add = (start: MessageStart, tail: string): boolean => {
    const at = buffer.add(start, tail.length);
    if (at !== undefined) buffer.bytes.write(tail, at);
    return at !== undefined;
  };
  return { sent, buffer, add };
}

it('messages leave as one piece, in their order, whatever the lengths of their tails', () => {
  const { sent, buffer, add } = rig();
  const temp = startOf('p.dev-1.temp.0', 'head-');
  const flow = startOf('p.dev-1.flow.\u00e4');
  add(temp, 'one');
  add(flow, '');
  add(temp, 'three');
  add(temp, 'seven');
  expect(sent).toEqual([]);
  buffer.send();
  buffer.send();
  expect(sent).toEqual([
    'PUB p.dev-1.temp.0 8\r\nhead-one\r\n' +
      'PUB p.dev-1.flow.\u00e4 0\r\n\r\n' +
      'PUB p.dev-1.temp.0 10\r\nhead-three\r\n' +
      'PUB p.dev-1.temp.0 10\r\nhead-seven\r\n',
  ]);
});

it('when there is no room for another, those before it leave whole, and their bytes are not written over', () => {
  const { sent, buffer, add } = rig();
  const start = startOf('p.dev-1.temp.0');
  const tails = Array.from({ length: 100 }, (_, n) => String(n).padStart(3_000, '.'));
  for (const tail of tails) expect(add(start, tail)).toBe(true);
  expect(sent.length).toBeGreaterThan(3);
  buffer.send();
  const message = (tail: string): string => `PUB p.dev-1.temp.0 3000\r\n${tail}\r\n`;
  expect(sent.join('')).toBe(tails.map(message).join(''));
});

it('what the server would not take, or is long, is left to the client library', () => {
  const { buffer, sent, add } = rig(10);
  const start = startOf('p.dev-1.temp.0', 'head-');
  expect(add(start, '12345')).toBe(true);
  expect(add(start, '123456')).toBe(false);
  expect(rig().buffer.add(start, 5_000)).toBeUndefined();
  expect(rig().buffer.add(startOf('a'.repeat(70_000)), 1)).toBeUndefined();
  buffer.send();
  expect(sent).toEqual(['PUB p.dev-1.temp.0 10\r\nhead-12345\r\n']);
});

it.each(['', 'p.a b', 'p.a\tb', 'p.a\r\nPUB x', 'p.a\0'])(
  'no message has the subject %j',
  (subject) => {
    expect(MessageStart.of(subject, new Uint8Array(0))).toBeUndefined();
  },
);

it('the client library takes them, so that its own way is not needed for each point', async () => {
  const [publisher, listener] = [await nats.connect(), await nats.connect()];
  const heard: string[] = [];
  listener.subscribe('p.>', {
    callback: (_, { subject, data }) =>
      void heard.push(`${subject} ${Buffer.from(data).toString()}`),
  });
  await listener.flush();
  const commands = commandsOf(publisher);
  expect(commands).toBeDefined();
  const buffer = new PublishBuffer((messages) => commands?.(messages), 1 << 20);
  const at = buffer.add(startOf('p.dev-1.temp.0', 'head-'), 4);
  buffer.bytes.write('tail', at ?? 0);
  buffer.send();
  await until(() => heard.length > 0, 'the message to arrive');
  expect(heard).toEqual(['p.dev-1.temp.0 head-tail']);
  expect(commandsOf({})).toBeUndefined();
  expect(commandsOf({ protocol: {} })).toBeUndefined();
});
