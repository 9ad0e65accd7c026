/** What the NATS client publishes by itself, of the messages that the gateway publishes. */
import { connect } from '@nats-io/transport-node';
import { UP_TYPE } from '../frames.js';
import { linkId, messagePayload } from '../parts.js';
import { nowUs, serve } from './serve.js';

/** Result of `publish`. */
interface PublishResult {
  readonly messages: number;
  readonly ms: number;
}

const SUBJECTS = 10;

const nats = await connect({ servers: process.argv[2] ?? '', noAsyncTraces: true });
const payload = messagePayload();
const subjects = Array.from(
  { length: SUBJECTS },
  (_, i) => `p.${linkId('relay', 0)}.${UP_TYPE}.${String(i)}`,
);

serve({
  /** `burst`: messages between two confirmations by the server. */
  publish: async ({ ms, burst }: { ms: number; burst: number }): Promise<PublishResult> => {
    const startUs = nowUs();
    let messages = 0;
    do {
      for (let i = 0; i < burst; i++) nats.publish(subjects[i % SUBJECTS]!, payload);
      await nats.flush();
      messages += burst;
    } while (nowUs() - startUs < ms * 1000);
    return { messages, ms: (nowUs() - startUs) / 1000 };
  },
});
