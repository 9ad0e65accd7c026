import { attachTo } from '../../e2e/harness.js';
import { onCan } from '../support/can-line.js';

attachTo(onCan({ framing: 'isotp' }));
await import('../../e2e/bad-input.test.js');
await import('../../e2e/unheard.test.js');
