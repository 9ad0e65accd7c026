import './attach.js';
import '../../e2e/down.test.js';
