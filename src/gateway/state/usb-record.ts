/** What is kept of USB devices over restarts of the gateway, and the check that a file contains it. */
import { z } from 'zod';

/** A device that was seen before. */
export interface UsbMember {
  /** Name of its link; unique in the gateway. */
  readonly name: string;
  readonly serialNumber?: string | undefined;
  readonly interfaceNumber: number;
  /** Its place on the bus when it was last seen. */
  readonly place: string;
  /** Whether only its place identifies it. */
  readonly byPlace: boolean;
  /** IDs of the board that was plugged in first, or of the board that a person has confirmed since. */
  readonly vendorId: string;
  readonly productId: string;
  /** Other product IDs that it has had at its place, such as that of its boot loader or of other firmware. */
  readonly otherProductIds?: readonly string[] | undefined;
}

/** `usb.json`: devices by the name of the configured link that they belong to. */
export type UsbRecord = Readonly<Record<string, readonly UsbMember[]>>;

const member = z.object({
  name: z.string().min(1),
  serialNumber: z.string().optional(),
  interfaceNumber: z.int(),
  place: z.string(),
  byPlace: z.boolean(),
  vendorId: z.string(),
  productId: z.string(),
  otherProductIds: z.array(z.string()).optional(),
});

/** Names must differ: two devices of the same name would have one link. */
const members = z
  .array(member)
  .refine((all) => new Set(all.map(({ name }) => name)).size === all.length);

const usbRecord = z.record(z.string(), members);

/** `undefined`: it is not such a record. */
export function parseUsbRecord(content: unknown): UsbRecord | undefined {
  const parsed = usbRecord.safeParse(content);
  return parsed.success ? parsed.data : undefined;
}
