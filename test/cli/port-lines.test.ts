import { expect, it } from 'vitest';
import { canLines, portLines } from '../../src/cli/port-lines.js';
import { runCli } from '../support/cli.js';

const usb = {
  vendorId: '0403',
  productId: '6001',
  manufacturer: 'Acme',
  product: 'Bridge',
  place: 'pci-usb2-1',
};

it('shows identity, stable path, driver and holders of a port', () => {
  const lines = portLines({
    path: '/dev/ttyUSB0',
    stablePath: '/dev/serial/by-id/usb-Acme',
    byId: '/dev/serial/by-id/usb-Acme',
    byPath: '/dev/serial/by-path/pci-1',
    driver: 'ftdi_sio',
    usb: { ...usb, serialNumber: 'A\u001b[2J1' },
    accessible: false,
    holders: [{ program: 'picocom', pid: 42 }],
    holdersComplete: false,
  });
  expect(lines).toEqual([
    '/dev/ttyUSB0',
    '  stable path /dev/serial/by-id/usb-Acme',
    '  also /dev/serial/by-path/pci-1',
    '  USB 0403:6001, Acme, Bridge, serial number A\\x1b[2J1, at pci-usb2-1',
    '  driver ftdi_sio',
    '  this user may not open it (often: join group dialout)',
    '  held by picocom (process 42)',
    '  other users’ programs could not be looked at',
  ]);
});

it('shows a CAN interface', () => {
  const can = { name: 'can0', up: true, state: 'up', fd: true, driver: 'gs_usb', usb };
  expect(canLines(can)).toEqual([
    'can0',
    '  CAN FD, up (up)',
    '  USB 0403:6001, Acme, Bridge, at pci-usb2-1',
    '  driver gs_usb',
  ]);
});

it('lists what this machine has, as JSON too', async () => {
  const json = await runCli(['ports', '--json']);
  expect(json.status).toBe(0);
  const { serial } = JSON.parse(json.stdout) as { serial: readonly { readonly path: string }[] };
  const text = await runCli(['ports']);
  expect(text.status).toBe(0);
  for (const { path } of serial) expect(text.stdout).toContain(`${path}\n`);
});
