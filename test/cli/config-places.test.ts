/** Cite: docs/contract.md, "Configuration". */
import { expect, it } from 'vitest';
import { defaultFolders } from '../../src/cli/config-places.js';

it('a configuration in /etc/siot-mcu has the folders of the service, which its commands so find too', () => {
  expect(defaultFolders('/etc/siot-mcu', undefined)).toEqual({
    stateDir: '/var/lib/siot-mcu',
    runtimeDir: '/run/siot-mcu',
  });
  expect(defaultFolders('/etc/siot-mcu', '/run/other:/run/more').runtimeDir).toBe('/run/other');
});

it('any other has ./state, for both unless systemd gives a runtimeDir', () => {
  expect(defaultFolders('/home/anna', undefined)).toEqual({ stateDir: './state' });
  expect(defaultFolders('/home/anna', '')).toEqual({ stateDir: './state' });
  expect(defaultFolders('/home/anna', '/run/siot-mcu')).toEqual({
    stateDir: './state',
    runtimeDir: '/run/siot-mcu',
  });
});
