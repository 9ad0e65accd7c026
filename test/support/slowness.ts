/** How many times slower than usual the machine may be; the lab's processor is emulated. */
export const SLOWNESS = Number(process.env['TEST_SLOWNESS'] ?? '1');

/** Options of a simulated MCU on such a machine. */
export const mcuTimes = { ackTimeoutMs: 1_000 * SLOWNESS, waitMs: 5_000 * SLOWNESS } as const;
