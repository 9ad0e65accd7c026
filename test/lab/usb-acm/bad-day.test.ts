import './attach.js';
import '../../e2e/bad-day.test.js';
