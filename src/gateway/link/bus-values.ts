/** What is known of the bus that a device is on, as points of its link's node. */
import { floatValue, stringValue, type Point } from '../../point/point.js';
import { GATEWAY_PREFIX } from '../../point/reserved.js';
import type { BusStatus } from '../../transport/transport.js';

/** State of the controller or interface: `missing`, `down`, `up`, `error-active` … `bus-off`. */
const STATE = `${GATEWAY_PREFIX}BusState`;
/** Error counters of the controller, keys `tx` and `rx`. */
const ERRORS = `${GATEWAY_PREFIX}BusErrors`;
/** Percent of the bit rate in use. */
const LOAD = `${GATEWAY_PREFIX}BusLoad`;
/** Frames that the gateway lost, since its buffers were full. */
const LOST = `${GATEWAY_PREFIX}BusLost`;
/** Times that the controller went bus-off. */
const BUS_OFFS = `${GATEWAY_PREFIX}BusOffs`;

/** Point types that {@link busValues} makes. */
export const BUS_TYPES: readonly string[] = [STATE, ERRORS, LOAD, LOST, BUS_OFFS];

/** A point for each value that is known. */
export function busValues(status: BusStatus): Pick<Point, 'type' | 'key' | 'value'>[] {
  const { state, errors, load, lost, busOffs } = status;
  const number = (type: string, key: string, value: number | undefined) =>
    value === undefined ? [] : [{ type, key, value: floatValue(value) }];
  return [
    { type: STATE, key: '0', value: stringValue(state) },
    ...number(ERRORS, 'tx', errors?.tx),
    ...number(ERRORS, 'rx', errors?.rx),
    ...number(LOAD, '0', load),
    ...number(LOST, '0', lost),
    ...number(BUS_OFFS, '0', busOffs),
  ];
}
