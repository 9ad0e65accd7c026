import './attach.js';
import '../../e2e/settings.test.js';
