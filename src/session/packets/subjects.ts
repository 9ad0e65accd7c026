/**
 * The table of packet subjects (docs/siot.md, 2.2). Whoever adds a subject writes a
 * handler (subject.ts) in a file of `subjects/`, and a line here.
 */
import { ACK_SUBJECT, FILE_SUBJECT, HIGH_RATE_SUBJECT, LOG_SUBJECT } from '../../packet/packet.js';
import type { SubjectHandlerClass } from './subject.js';
import { AckHandler } from './subjects/ack.js';
import { FileHandler } from './subjects/file.js';
import { HighRateHandler } from './subjects/high-rate.js';
import { LogHandler } from './subjects/log.js';

/** All others, `proto` and the blank one among them, are points: subjects/points.ts. */
export const SUBJECTS: Readonly<Record<string, SubjectHandlerClass>> = {
  [ACK_SUBJECT]: AckHandler,
  [LOG_SUBJECT]: LogHandler,
  [HIGH_RATE_SUBJECT]: HighRateHandler,
  [FILE_SUBJECT]: FileHandler,
};
