import './attach.js';
import '../../e2e/unheard.test.js';
