import './attach.js';
import '../../e2e/up.test.js';
