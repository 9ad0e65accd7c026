import { Command } from 'commander';
import { realpathSync } from 'node:fs';
import { usbMatches } from '../../transport/usb/match.js';
import { listPorts } from '../../transport/serial/ports.js';
import { readConfigFile } from '../config-file.js';
import { configOption, type ConfigOption } from '../options.js';
import { complain, printLine } from '../streams.js';
import { udevRules } from '../udev-rules.js';

export function udevCommand(): Command {
  return new Command('udev')
    .description(
      'Print udev rules: access for the group siot-mcu and stable names for the USB devices that the configuration matches.',
    )
    .addOption(configOption())
    .addHelpText(
      'after',
      '\nThe group is there where the service is installed (docs/operation.md, "As a service").' +
        '\nExample:\n  sudo groupadd --system --force siot-mcu' +
        '\n  siot-mcu udev -c gateway.yaml | sudo tee /etc/udev/rules.d/70-siot-mcu.rules' +
        '\n  sudo udevadm control --reload && sudo udevadm trigger --subsystem-match=tty',
    )
    .action(async ({ config: file }: ConfigOption) => {
      const { links } = readConfigFile(file, process.env);
      const ports = await listPorts();
      const { lines, without } = udevRules(links, ports, deviceOf);
      for (const line of lines) printLine(line);
      for (const { link, why } of without)
        complain(`no rule for link ${JSON.stringify(link)}: ${why}`);
      const present = links.filter(({ transport }) => transport.type === 'usb');
      for (const { name, transport } of present) {
        if (transport.type !== 'usb') continue;
        const found = ports.filter(({ usb }) => usb !== undefined && usbMatches(transport, usb));
        if (found.length === 0)
          complain(`link ${JSON.stringify(name)} matches no device that is plugged in now`);
      }
    });
}

/** The device file that a symbolic link leads to, such as one that these rules have made. */
function deviceOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
