import { z } from 'zod';
import { LOG_LEVELS } from '../../../session/node/log-level.js';
import type { LogsRequest } from '../control.js';

/** Request of `logs` and of `follow`. */
export const logsRequest: z.ZodType<LogsRequest> = z.object({
  link: z.string(),
  sinceMs: z.number().min(0).max(1e15).optional(),
  level: z.enum(LOG_LEVELS).optional(),
  after: z
    .object({
      of: z.string(),
      place: z.int().min(0),
      time: z.string().regex(/^\d{1,19}$/),
    })
    .optional(),
});
