import './attach.js';
import '../../e2e/bad-input.test.js';
