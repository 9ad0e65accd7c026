import './attach.js';
import '../support/quick-program.js';
import '../../e2e/commands.test.js';
