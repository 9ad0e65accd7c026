import { attachTo } from '../../e2e/harness.js';
import { onCan } from '../support/can-line.js';
import '../support/quick-program.js';

attachTo(onCan({ framing: 'cobs' }));
await import('../../e2e/commands.test.js');
await import('../../e2e/reliance.test.js');
