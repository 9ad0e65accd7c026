/** The stand-in for SIOT's store, for loads whose points a store confirms. */
import { SiotStore } from '../../test/siot-store/siot-store.js';
import { serve } from './serve.js';

await SiotStore.start({ nats: process.argv[2] ?? '', version: '0.25.0' });
serve({});
