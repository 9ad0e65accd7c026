import { attachTo } from '../../e2e/harness.js';
import { onCan } from '../support/can-line.js';

attachTo(onCan({ framing: 'cobs', fd: true }));
await import('../../e2e/up.test.js');
await import('../../e2e/down.test.js');
await import('../../e2e/settings.test.js');
await import('../../e2e/bad-input.test.js');
