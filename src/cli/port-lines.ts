/** The lines of `siot-mcu ports`, for people. */
import type { ListedCanInterface } from '../transport/can/interfaces.js';
import type { PortInfo } from '../transport/serial/ports.js';
import { harmless } from './harmless.js';

/** The path of a serial port, then details in indented lines. */
export function portLines(port: PortInfo): string[] {
  const names = port.holders.map(({ program, pid }) => `${program} (process ${pid})`);
  const held = names.length > 0 ? `held by ${names.join(', ')}` : '';
  const unseen = port.holdersComplete ? '' : 'other users’ programs could not be looked at';
  const access = port.accessible ? '' : 'this user may not open it (often: join group dialout)';
  const other = [port.byId, port.byPath].filter(
    (path) => path !== undefined && path !== port.stablePath,
  );
  return entry(port.path, [
    port.stablePath === port.path ? undefined : `stable path ${port.stablePath}`,
    ...other.map((path) => `also ${String(path)}`),
    usbLine(port.usb),
    port.driver === undefined ? undefined : `driver ${port.driver}`,
    access,
    held,
    unseen,
  ]);
}

/** The name of a CAN interface, then details in indented lines. */
export function canLines(can: ListedCanInterface): string[] {
  return entry(can.name, [
    `CAN${can.fd ? ' FD' : ''}, ${can.up ? 'up' : 'down'} (${can.state})`,
    usbLine(can.usb),
    can.driver === undefined ? undefined : `driver ${can.driver}`,
  ]);
}

function usbLine(usb: PortInfo['usb']): string | undefined {
  if (usb === undefined) return undefined;
  const { vendorId, productId, manufacturer, product, serialNumber, place } = usb;
  const words = [
    manufacturer,
    product,
    serialNumber === undefined ? undefined : `serial number ${serialNumber}`,
    `at ${place}`,
  ].filter((word) => word !== undefined && word !== '');
  return [`USB ${vendorId}:${productId}`, ...words].join(', ');
}

function entry(name: string, details: readonly (string | undefined)[]): string[] {
  const lines = details.filter((detail) => detail !== undefined && detail !== '');
  // Names come from devices and may be any text, control characters included.
  return [name, ...lines.map((line) => `  ${String(line)}`)].map(harmless);
}
