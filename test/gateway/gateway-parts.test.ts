import { expect, it } from 'vitest';
import { gatewayDescription } from '../../src/gateway/gateway-parts.js';
import { configOf } from './plant.js';

const described = (gateway: object, hostName: string): string =>
  gatewayDescription(configOf({ gateway, links: [] }), { hostName });

it.each([
  ['the name of the host, unless it is configured', {}, 'cellar-pi', 'cellar-pi'],
  ['the configured one', { description: 'boiler room' }, 'cellar-pi', 'boiler room'],
  ['a plain one on a machine without a name', {}, '', 'MCU gateway'],
  [
    'a plain one on a machine that is called as all are',
    {},
    'localhost.localdomain',
    'MCU gateway',
  ],
  ['a name that begins as that', {}, 'localhost-2', 'localhost-2'],
])('describes a gateway by %s', (_what, gateway, hostName, description) => {
  expect(described(gateway, hostName)).toBe(description);
});
