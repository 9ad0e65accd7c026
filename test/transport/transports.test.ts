import { expect, test } from 'vitest';
import { SERIAL_DEFAULTS, createTransport } from '../../src/transport/transports.js';
import { FakeClock } from '../support/fake-clock.js';

test('each type of the configuration makes its transport', () => {
  const clock = new FakeClock();
  const serial = createTransport(
    { type: 'serial', path: '/dev/ttyACM0', ...SERIAL_DEFAULTS },
    clock,
  );
  expect(serial.description).toBe('/dev/ttyACM0 115200 8N1');
  const tcp = createTransport({ type: 'tcp', host: '192.0.2.10', port: 3333 }, clock);
  expect(tcp.description).toBe('tcp 192.0.2.10:3333');
});
