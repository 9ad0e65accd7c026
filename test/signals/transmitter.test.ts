import { expect, it } from 'vitest';
import { cansendText } from '../../src/signals/candump.js';
import { DatabaseCodec } from '../../src/signals/database-codec.js';
import type { MessageCodec } from '../../src/signals/message-codec.js';
import type { SignalCodec } from '../../src/signals/signal-codec.js';
import { Transmitter } from '../../src/signals/transmitter.js';
import { features } from './support.js';

it('a signal that is set takes its multiplexers with it, all the way up, and leaves those that fit', () => {
  const [nested] = new DatabaseCodec(features('dbc')).named('Nested') as [MessageCodec];
  const signal = (name: string): SignalCodec => nested.signal(name) as SignalCodec;
  const transmitter = new Transmitter();
  transmitter.set(nested, signal('Deep'), 5);
  expect(cansendText(transmitter.frame(nested))).toBe('301#0301050000000000');
  transmitter.set(nested, signal('Inner'), 1);
  expect(cansendText(transmitter.frame(nested))).toBe('301#0301050000000000');
});
