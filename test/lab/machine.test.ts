import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { tempDir } from '../support/temp-dir.js';
import { loadModules } from './support/system.js';

it('has a kernel of its own, with what the tests need', () => {
  expect(readFileSync('/proc/version', 'utf8')).toContain('debian-kernel');
  loadModules('can-raw', 'can-isotp', 'can-j1939', 'can-gw', 'vcan', 'vxcan', 'kvaser_pci');
  loadModules('dummy_hcd', 'usb_f_acm', 'cdc-acm');
});

it('writes in memory, not on the host', () => {
  expect(readFileSync('/proc/mounts', 'utf8')).toMatch(/^overlay \/ overlay /m);
  writeFileSync(resolve('written-in-the-guest'), 'x');
  writeFileSync(`${tempDir()}/x`, 'x');
});
