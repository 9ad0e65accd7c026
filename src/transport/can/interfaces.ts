import type { SystemRoot } from '../serial/ports.js';
import { attribute, driverOf, namesIn, usbIdentity } from '../../linux/sysfs.js';
import type { UsbIdentity } from '../../linux/sysfs.js';

/** A CAN interface of this computer. Plain data, which is also printed as JSON. */
export interface ListedCanInterface {
  /** Such as `can0`. */
  readonly name: string;
  /** Switched on (`ip link set can0 up type can bitrate …`). */
  readonly up: boolean;
  /** operstate of the kernel: `up`, `down`, `dormant`, `unknown` (virtual interfaces). */
  readonly state: string;
  /** Whether it takes CAN FD frames, by its present MTU. */
  readonly fd: boolean;
  /** Kernel driver, such as `gs_usb`; absent in virtual interfaces. */
  readonly driver?: string;
  readonly usb?: UsbIdentity;
}

/** ARPHRD_CAN of linux/if_arp.h. */
const TYPE_CAN = '280';
/** CANFD_MTU of linux/can.h. */
const MTU_CAN_FD = '72';
const IFF_UP = 1;

/** All CAN interfaces, by name. Never rejects. */
export async function listCanInterfaces({ root = '' }: SystemRoot = {}): Promise<
  ListedCanInterface[]
> {
  const sys = `${root}/sys`;
  const found: ListedCanInterface[] = [];
  for (const name of (await namesIn(`${sys}/class/net`)).sort()) {
    const folder = `${sys}/class/net/${name}`;
    if ((await attribute(`${folder}/type`)) !== TYPE_CAN) continue;
    const driver = await driverOf(`${folder}/device`);
    const usb = await usbIdentity(`${folder}/device`, sys);
    found.push({
      name,
      up: (Number(await attribute(`${folder}/flags`)) & IFF_UP) !== 0,
      state: (await attribute(`${folder}/operstate`)) ?? 'unknown',
      fd: (await attribute(`${folder}/mtu`)) === MTU_CAN_FD,
      ...(driver === undefined ? {} : { driver }),
      ...(usb === undefined ? {} : { usb }),
    });
  }
  return found;
}
