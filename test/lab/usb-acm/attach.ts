/** Imported first: the cases that follow run with their devices on USB. */
import { attachTo } from '../../e2e/harness.js';
import { openUsbLine } from '../support/usb-line.js';

// What a line is made of is nothing to SIOT: one version will do.
attachTo({ open: openUsbLine, versions: ['0.25.0'] });
