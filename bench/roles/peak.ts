/** Loaded before a program that ends by itself: tells at its end the most memory that it ever had. */
import { writeSync } from 'node:fs';
import { memoryAndDiskOf } from '../usage.js';

/** A pipe of the bench. */
const TO_BENCH = 3;

process.once('exit', () => {
  writeSync(TO_BENCH, String(memoryAndDiskOf('self').peakRssBytes));
});
