/**
 * Imported by tests that start `siot-mcu` often: it runs as one file (vm/bundle.mjs),
 * which starts in a third of the time where the processor is emulated.
 */
import { useMain } from '../../support/cli.js';

useMain('build/lab/siot-mcu.mjs');
