/** How many times slower than usual the machine may be; the lab's processor is emulated. */
export const PATIENCE = Number(process.env['TEST_PATIENCE'] ?? '1');

/** Options of a simulated MCU on such a machine. */
export const patiently = { ackTimeoutMs: 1_000 * PATIENCE, waitMs: 5_000 * PATIENCE } as const;
