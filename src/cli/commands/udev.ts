import { Command } from 'commander';
import { configOption, type ConfigOption } from '../options.js';

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
    .action(async (options: ConfigOption) =>
      (await import('../actions/udev.js')).printUdevRules(options),
    );
}
