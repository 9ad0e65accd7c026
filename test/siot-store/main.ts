/**
 * The stand-in for SIOT's server by itself: `npm run siot-store` (docs/contract.md,
 * "npm run siot-store").
 */
import { runProgram } from './program.js';

const ended = new Promise<void>((resolve) => {
  process.once('SIGTERM', () => resolve());
  process.once('SIGINT', () => resolve());
});

process.exitCode = await runProgram(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  ended,
});
