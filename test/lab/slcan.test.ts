import { afterEach, expect, it } from 'vitest';
import { until } from '../support/until.js';
import { canState, listen, sendFrame } from './support/can.js';
import { SlcanAdapter } from './support/slcan.js';
import { ip } from './support/system.js';

let adapter: SlcanAdapter | undefined;
afterEach(async () => {
  await adapter?.remove();
  adapter = undefined;
});

it('goes through all states of the bus, is bus-off, and comes back', async () => {
  adapter = await SlcanAdapter.attach('slcan0');
  await adapter.setState('ERROR-WARNING', { txErrors: 96 });
  expect(canState('slcan0')).toMatchObject({ up: true, state: 'ERROR-WARNING' });
  await adapter.setState('ERROR-PASSIVE', { rxErrors: 128 });
  await adapter.setState('BUS-OFF', { txErrors: 255 });
  ip('link set slcan0 down', 'link set slcan0 up');
  await until(() => canState('slcan0').state === 'ERROR-ACTIVE', 'slcan0 to be back');
  const bus = await listen('slcan0');
  try {
    await adapter.say('t1232ABCD');
    await bus.said(/slcan0 123#ABCD\n/);
  } finally {
    await bus.stop();
  }
});

it('hears what the kernel sends', async () => {
  const heard = (adapter = await SlcanAdapter.attach('slcan0'));
  sendFrame('slcan0', '123#ABCD');
  await until(
    () => heard.heard.includes('t1232ABCD'),
    () => `the frame in ${heard.heard.join()}`,
  );
});
