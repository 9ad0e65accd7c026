/** `siot-mcu udev`. */
import { realpathSync } from 'node:fs';
import { usbMatches } from '../../transport/usb/match.js';
import { listPorts } from '../../transport/serial/ports.js';
import { readConfigFile } from '../config-file.js';
import type { ConfigOption } from '../options.js';
import { complain, printLine } from '../streams.js';
import { udevRules } from '../udev-rules.js';

export async function printUdevRules({ config: file }: ConfigOption): Promise<void> {
  const { links } = readConfigFile(file, process.env);
  const ports = await listPorts();
  const { lines, without } = udevRules(links, ports, deviceOf);
  for (const line of lines) printLine(line);
  for (const { link, why } of without) complain(`no rule for link ${JSON.stringify(link)}: ${why}`);
  const present = links.filter(({ transport }) => transport.type === 'usb');
  for (const { name, transport } of present) {
    if (transport.type !== 'usb') continue;
    const found = ports.filter(({ usb }) => usb !== undefined && usbMatches(transport, usb));
    if (found.length === 0)
      complain(`link ${JSON.stringify(name)} matches no device that is plugged in now`);
  }
}

/** The device file that a symbolic link leads to, such as one that these rules have made. */
function deviceOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
