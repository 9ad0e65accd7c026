import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { udevRules } from '../../src/cli/udev-rules.js';
import { configOf } from '../gateway/plant.js';
import { runCli } from '../support/cli.js';
import { tempDir } from '../support/temp-dir.js';

const port = {
  path: '/dev/ttyUSB0',
  stablePath: '/dev/serial/by-id/usb-Acme',
  byId: '/dev/serial/by-id/usb-Acme',
  usb: { vendorId: '0403', productId: '6001', serialNumber: 'A*1', interfaceNumber: 1, place: 'p' },
  accessible: true,
  holders: [],
  holdersComplete: true,
};

const rulesOf = (...links: object[]) => udevRules(configOf({ links }).links, [port]);

it('gives the group access, names the devices and keeps ModemManager away', () => {
  const transport = { type: 'usb', vendorId: '2E8A', product: 'Pico "2" [x]*' };
  const { lines } = rulesOf({ name: 'my boards', transport });
  const rules = lines.filter((line) => line !== '' && !line.startsWith('#'));
  const conditions =
    'SUBSYSTEM=="tty", SUBSYSTEMS=="usb", ATTRS{idVendor}=="2e8a", ATTRS{product}=="Pico ?2? [[]x[]]*", ';
  expect(rules).toEqual([
    `${conditions}GROUP="siot-mcu", MODE="0660", ENV{ID_MM_DEVICE_IGNORE}="1", SYMLINK+="siot-mcu/my_boards-$env{ID_USB_INTERFACE_NUM}-$env{ID_PATH_TAG}"`,
    `${conditions}ENV{ID_SERIAL_SHORT}=="?*", SYMLINK+="siot-mcu/my_boards-$env{ID_SERIAL_SHORT}-$env{ID_USB_INTERFACE_NUM}"`,
  ]);
});

it('keeps each rule on one line, whatever characters a text has', () => {
  const { lines } = rulesOf({ name: 'a', transport: { type: 'usb', product: 'a\nRUN+="b"' } });
  const rules = lines.filter((line) => line !== '' && !line.startsWith('#'));
  expect(rules).toHaveLength(2);
  expect(rules[0]).toContain('ATTRS{product}=="a?RUN+=?b?"');
});

it.each([
  ['vendorId', 'idVendor'],
  ['productId', 'idProduct'],
  ['serialNumber', 'serial'],
  ['manufacturer', 'manufacturer'],
  ['product', 'product'],
])(
  '%s: * also matches a device without this attribute, as in the link; udev’s special characters are literal',
  (key, attribute) => {
    const conditionsOf = (text: string): string => {
      const transport = { type: 'usb', interfaceNumber: 2, [key]: text };
      const [rule = ''] = rulesOf({ name: 'a', transport }).lines.filter((line) =>
        /^SUB/.test(line),
      );
      return rule
        .slice(0, rule.indexOf(', GROUP='))
        .replace('SUBSYSTEM=="tty", SUBSYSTEMS=="usb", ', '');
    };
    const number = 'ENV{ID_USB_INTERFACE_NUM}=="02"';
    expect(conditionsOf('*')).toBe(number);
    expect(conditionsOf('**')).toBe(number);
    expect(conditionsOf('1*2')).toBe(`ATTRS{${attribute}}=="1*2", ${number}`);
    if (key.endsWith('Id')) return;
    // A quote, a backslash and a bar cannot be written: any one character stands for them.
    expect(conditionsOf('a?[b]|"\\$%')).toBe(`ATTRS{${attribute}}=="a[?][[]b[]]???$%", ${number}`);
  },
);

it('has a rule for the device behind the path of a serial link, if it is there', () => {
  const { lines, without } = rulesOf(
    { name: 'a', transport: { type: 'serial', path: '/dev/serial/by-id/usb-Acme' } },
    { name: 'b', transport: { type: 'serial', path: '/dev/ttyUSB7' } },
    { name: 'c', transport: { type: 'tcp', host: 'h', port: 1 } },
  );
  expect(lines.join('\n')).toContain(
    'ATTRS{idVendor}=="0403", ATTRS{idProduct}=="6001", ATTRS{serial}=="A[*]1", ENV{ID_USB_INTERFACE_NUM}=="01"',
  );
  expect(without).toEqual([
    { link: 'b', why: '/dev/ttyUSB7 is no USB device that is plugged in now' },
  ]);
});

it('prints rules to stdout alone', async () => {
  const folder = tempDir();
  const file = join(folder, 'gateway.yaml');
  const transport = "{ type: usb, vendorId: 'ffff', serialNumber: '*' }";
  writeFileSync(file, `links:\n  - name: boards\n    transport: ${transport}\n`);
  const { status, stdout, stderr } = await runCli(['udev', '-c', file]);
  expect(status).toBe(0);
  expect(stdout).toContain('# link "boards"\nSUBSYSTEM=="tty"');
  expect(stdout).toContain('ATTRS{idVendor}=="ffff", GROUP=');
  expect(stderr).toContain('link "boards" matches no device that is plugged in now');
});

it('refuses a link that would take every device', async () => {
  const file = join(tempDir(), 'gateway.yaml');
  writeFileSync(file, 'links:\n  - name: a\n    transport: { type: usb }\n    node: { id: x }\n');
  const { status, stderr } = await runCli(['udev', '-c', file]);
  expect(status).toBe(2);
  expect(stderr).toContain(
    `${file}:3:16: links[0].transport: would take every USB serial device; say which by one or more of vendorId, `,
  );
  expect(stderr).toContain('links[0].node.id: each device of a usb link has a node of its own');
});

it('recognises a device by the name that its own rules have given it', () => {
  const { links } = configOf({
    links: [{ name: 'pump', transport: { type: 'serial', path: '/dev/siot-mcu/pump-A-01' } }],
  });
  expect(udevRules(links, [port]).without).toHaveLength(1);
  expect(udevRules(links, [port], () => '/dev/ttyUSB0').without).toEqual([]);
});
