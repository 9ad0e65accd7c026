/** Cite: docs/contract.md, "Configuration". */
import { expect, it } from 'vitest';
import { defaultFolders, startAdvice, startAgainAdvice } from '../../src/cli/config-places.js';

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

it('the service is started by systemd, any other gateway by hand', () => {
  expect([startAdvice('/run/siot-mcu'), startAgainAdvice('/run/siot-mcu')]).toEqual([
    'start it with `sudo systemctl start siot-mcu`',
    'start it with `sudo systemctl start siot-mcu`',
  ]);
  expect(startAdvice('/home/anna/state')).toBe(
    'start `siot-mcu run` with this configuration first',
  );
  expect(startAgainAdvice('/home/anna/state')).toBe('start it with `siot-mcu run`');
});
