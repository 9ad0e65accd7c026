/** What happens to a setting, without a session. */
import type { Setting } from '../../src/session/settings/setting.js';

/** It goes to the device, if it has not yet. */
export function transmit(setting: Setting): Setting {
  // Perhaps it fits another one.
  setting.on({ type: 'codecKnown' });
  if (setting.life.name !== 'pending') return setting;
  if (setting.command) {
    setting.on({ type: 'noting' });
    setting.on({ type: 'noted' });
  }
  setting.on({ type: 'transmitted' });
  return setting;
}

/** The device has it, by an ack or a report of this wall time, or the bus has. */
export function confirm(setting: Setting, by: 'ack' | 'report' | 'bus', ns = 1n): Setting {
  transmit(setting);
  if (by === 'ack') setting.on({ type: 'acknowledged', ns });
  else if (by === 'bus') setting.on({ type: 'takenByBus', ns });
  else setting.on({ type: 'reportedSame', ns, newest: true });
  return setting;
}
