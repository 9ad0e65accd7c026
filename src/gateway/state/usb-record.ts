/** What is kept of USB devices over restarts of the gateway, and whether a file really holds it. */
import { z } from 'zod';

/** A device that was seen before. */
export interface UsbMember {
  /** Name of its link; unique in the gateway. */
  readonly name: string;
  readonly serialNumber?: string | undefined;
  readonly interfaceNumber: number;
  /** Where it was last seen. */
  readonly place: string;
  /** True: only its place identifies it. */
  readonly byPlace: boolean;
  /** IDs of the board that a person has confirmed, or that was plugged in first. */
  readonly vendorId: string;
  readonly productId: string;
  /** Other product IDs that it has shown at its place: of its boot loader, or of other firmware. */
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

/** Two devices of one name would have one link. */
const members = z
  .array(member)
  .refine((all) => new Set(all.map(({ name }) => name)).size === all.length);

const usbRecord = z.record(z.string(), members);

/** `undefined`: it is no such record. */
export function parseUsbRecord(content: unknown): UsbRecord | undefined {
  const parsed = usbRecord.safeParse(content);
  return parsed.success ? parsed.data : undefined;
}
