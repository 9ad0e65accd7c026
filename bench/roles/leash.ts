/** Loaded before `siot-mcu run`, which knows nothing of it: says what the process uses. */
import { serve } from './serve.js';

serve({});
