/**
 * State and counters of a CAN interface, read by one request over rtnetlink
 * (RTM_GETLINK), which needs neither rights nor a program. Numbers and layouts:
 * linux/rtnetlink.h, if_link.h, can/netlink.h.
 */
import { LibcError, type Libc } from '../../linux/libc.js';
import type { CanState } from '../transport.js';

/** A CAN interface as the kernel sees it. */
export interface CanInterfaceInfo {
  /** Number of the interface, as if_nametoindex(3) gives it. */
  readonly index: number;
  /** Switched on (`ip link set … up`). */
  readonly up: boolean;
  /** Whether it takes CAN FD frames. */
  readonly fd: boolean;
  /** Frames received and sent so far. */
  readonly frames: bigint;
  /** Bytes of their data. */
  readonly bytes: bigint;
  /** Of the controller; absent in virtual interfaces, as all that follow. */
  readonly state?: CanState;
  /** Error counters, 0 … 255 (ISO 11898-1). */
  readonly errors?: { readonly tx: number; readonly rx: number };
  /** bit/s */
  readonly bitRate?: number;
  /** bit/s of the data of CAN FD frames. */
  readonly dataBitRate?: number;
}

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_ROUTE = 0;
const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const NLM_F_REQUEST = 1;
const ARPHRD_CAN = 280;
const CANFD_MTU = 72;
const IFF_UP = 1;
const HEADER = 16;
const IF_INFO = 16;
/** Attributes of a link, of its IFLA_LINKINFO, and of the IFLA_INFO_DATA of that. */
const IFLA = { ifname: 3, mtu: 4, linkInfo: 18, stats64: 23 } as const;
const IFLA_INFO_DATA = 2;
const IFLA_CAN = { bitTiming: 1, state: 4, errorCounters: 8, dataBitTiming: 9 } as const;
const STATES: readonly CanState[] = [
  'error-active',
  'error-warning',
  'error-passive',
  'bus-off',
  'stopped',
  'sleeping',
];
const ANSWER_BYTES = 65_536;
const ENODEV = 19;

/** `undefined`: there is no CAN interface of this name. Throws a `LibcError`. */
export function readCanInterface(libc: Libc, name: string): CanInterfaceInfo | undefined {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  try {
    const sent = libc.send(fd, request(name), 0);
    if (sent < 0) throw new LibcError('send', -sent);
    const answer = Buffer.alloc(ANSWER_BYTES);
    const length = libc.receive(fd, answer, 0);
    if (length < 0) throw new LibcError('recv', -length);
    return parseCanInterface(answer.subarray(0, length));
  } finally {
    libc.close(fd);
  }
}

function request(name: string): Buffer {
  const text = Buffer.from(`${name}\0`);
  const padded = (text.length + 3) & ~3;
  const message = Buffer.alloc(HEADER + IF_INFO + 4 + padded);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(RTM_GETLINK, 4);
  message.writeUInt16LE(NLM_F_REQUEST, 6);
  message.writeUInt16LE(4 + text.length, HEADER + IF_INFO);
  message.writeUInt16LE(IFLA.ifname, HEADER + IF_INFO + 2);
  text.copy(message, HEADER + IF_INFO + 4);
  return message;
}

/** Parses the answer to RTM_GETLINK. `undefined`: not a CAN interface, or ENODEV. Throws a `LibcError` for other errors. */
export function parseCanInterface(message: Buffer): CanInterfaceInfo | undefined {
  if (message.readUInt16LE(4) !== RTM_NEWLINK) {
    const errno = -message.readInt32LE(HEADER);
    if (errno === ENODEV) return undefined;
    throw new LibcError('RTM_GETLINK', errno);
  }
  if (message.readUInt16LE(HEADER + 2) !== ARPHRD_CAN) return undefined;
  const attributes = attributesOf(message.subarray(HEADER + IF_INFO, message.readUInt32LE(0)));
  const stats = attributes.get(IFLA.stats64);
  const sum = (first: number, second: number): bigint =>
    stats === undefined ? 0n : stats.readBigUInt64LE(first * 8) + stats.readBigUInt64LE(second * 8);
  const info = attributes.get(IFLA.linkInfo);
  const data = info === undefined ? undefined : attributesOf(info).get(IFLA_INFO_DATA);
  return {
    index: message.readInt32LE(HEADER + 4),
    up: (message.readUInt32LE(HEADER + 8) & IFF_UP) !== 0,
    // CAN XL has a larger MTU and takes frames of CAN FD, too.
    fd: (attributes.get(IFLA.mtu)?.readUInt32LE(0) ?? 0) >= CANFD_MTU,
    frames: sum(0, 1),
    bytes: sum(2, 3),
    ...(data === undefined ? {} : controllerOf(attributesOf(data))),
  };
}

function controllerOf(
  attributes: ReadonlyMap<number, Buffer>,
): Pick<CanInterfaceInfo, 'state' | 'errors' | 'bitRate' | 'dataBitRate'> {
  const state = STATES[attributes.get(IFLA_CAN.state)?.readUInt32LE(0) ?? -1];
  const errors = attributes.get(IFLA_CAN.errorCounters);
  // The first field of `struct can_bittiming`; 0: not set.
  const bitRate = attributes.get(IFLA_CAN.bitTiming)?.readUInt32LE(0) ?? 0;
  const dataBitRate = attributes.get(IFLA_CAN.dataBitTiming)?.readUInt32LE(0) ?? 0;
  return {
    ...(state === undefined ? {} : { state }),
    ...(errors === undefined
      ? {}
      : { errors: { tx: errors.readUInt16LE(0), rx: errors.readUInt16LE(2) } }),
    ...(bitRate === 0 ? {} : { bitRate }),
    ...(dataBitRate === 0 ? {} : { dataBitRate }),
  };
}

/** Values by type. The two upper bits of a type are flags. */
function attributesOf(bytes: Buffer): ReadonlyMap<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = bytes.readUInt16LE(at);
    if (length < 4) break;
    found.set(bytes.readUInt16LE(at + 2) & 0x3fff, bytes.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return found;
}
