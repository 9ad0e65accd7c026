import type { SetReply } from '../../../src/gateway/control/control.js';
import type { ControlledLink } from '../../../src/gateway/control/controlled.js';
import { GatewayControl } from '../../../src/gateway/control/gateway-control.js';
import { VerbServer } from '../../../src/gateway/control/nats/verb-server.js';
import { numberOf, type Point } from '../../../src/point/point.js';
import { isNeverSentDown } from '../../../src/point/reserved.js';
import { keyProblem, tokenProblem } from '../../../src/point/token.js';
import { valueOfWord } from '../../../src/session/node/reported-kinds.js';
import type { Siot } from '../../../src/siot/siot.js';
import { FILES } from '../../gateway/support.js';
import { FakeClock } from '../../support/fake-clock.js';
import { must, type FuzzTarget } from '../target.js';

const request = (value: object, given: object = {}): Uint8Array =>
  Uint8Array.from(
    Buffer.from(JSON.stringify({ link: 'pump', type: 'flow', key: '', value, ...given })),
  );

type Answer = (reply: Uint8Array) => void;

/** The gateway's answers to `watch`, `set`, and whoever else asks. */
export const verbsTarget: FuzzTarget = {
  name: 'verbs',
  files: [
    'src/gateway/control/verbs/set.ts',
    'src/gateway/control/verbs/confirm.ts',
    'src/gateway/control/verbs/undelete.ts',
    'src/gateway/control/verbs/file.ts',
    'src/gateway/control/file-request.ts',
    'src/gateway/control/verbs/status.ts',
    'src/gateway/control/setting-request.ts',
  ],
  maxLength: 800,
  words: [
    '"kind"',
    '"float"',
    '"int"',
    '"none"',
    '"__proto__"',
    '"link"',
    '"integer"',
    '9223372036854775807',
    '1e999',
    '\\ud800',
    'disabled',
    'rxReset',
  ],
  corpus: () => [
    request({ kind: 'float', number: 1.5 }),
    request({ kind: 'int', integer: '-7' }, { key: 'a' }),
    request({ kind: 'string', text: 'auto' }, { type: 'mode' }),
    request({ kind: 'json', text: '{"a":[1]}' }),
    request({ kind: 'none' }, { type: 'rxReset' }),
    request({ kind: 'word', text: 'off' }),
    request({ kind: 'float', number: 10.5 }, { type: 'level' }),
    request({ kind: 'float', number: 1 }, { type: 'disabled' }),
    request({ kind: 'float', number: 1 }, { link: 'none' }),
    Uint8Array.from(Buffer.from('{"link":"pump"}')),
    Uint8Array.from(Buffer.from('{"gateway":true}')),
    Uint8Array.from(Buffer.from('{"link":"pump","do":"begin","name":"a","size":3}')),
    Uint8Array.from(Buffer.from('{"link":"pump","do":"chunk","upload":"1","at":0,"data":"AQID"}')),
    Uint8Array.from(Buffer.from('{"link":"pump","do":"send","upload":"1","sha256":"00"}')),
    Uint8Array.from(Buffer.from('{"link":"pump","do":"look"}')),
  ],
  check: async (input) => {
    const verbs = new Map<string, (request: Uint8Array, reply: Answer) => void>();
    const published: Point[] = [];
    const undeleted: string[] = [];
    const siot: Pick<Siot, 'serve' | 'maxPayload'> = {
      maxPayload: undefined,
      serve: (verb, handler) => {
        verbs.set(verb, handler);
        return () => undefined;
      },
    };
    const link = {
      name: 'pump',
      nodeId: 'node-1',
      whyNotSet: () => undefined,
      infoOf: (type: string) => (type === 'level' ? { min: 0, max: 10, step: 0.5 } : undefined),
      settingTime: () => 1n,
      set: () => 'applied',
      valueOfWord: (_type: string, _key: string, word: string) => valueOfWord(word, undefined),
      announce: () => Promise.resolve(undefined),
      keep: () => Promise.resolve(true),
      files: FILES,
    };
    const clock = new FakeClock();
    const control = new GatewayControl(
      {
        identity: { id: 'gateway-1', description: '', version: '' },
        outbox: { backlog: () => ({ points: 0, bytes: 0 }) },
        links: {
          all: () => [link as unknown as ControlledLink],
          confirm: () => true,
          watchRemovals: () => () => undefined,
        },
        siot: {
          status: { generation: 2, store: 'none', nats: 'connected' },
          server: undefined,
          publishSetting: (_nodeId, point) => {
            published.push(point);
            return Promise.resolve();
          },
          undelete: (nodeId) => {
            undeleted.push(nodeId);
            return Promise.resolve({ state: 'absent' });
          },
        },
      },
      clock,
    );
    const server = new VerbServer({ current: siot }, control, clock);
    server.start();
    const replies: SetReply[] = [];
    verbs.get('set')?.(input, (reply) =>
      replies.push(JSON.parse(Buffer.from(reply).toString()) as SetReply),
    );
    // What it does about a request without a link to follow is done by now.
    for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
    let confirmed = 0;
    verbs.get('confirm')?.(input, () => (confirmed += 1));
    let answers = 0;
    verbs.get('undelete')?.(input, () => (answers += 1));
    let filed = 0;
    verbs.get('file')?.(input, () => (filed += 1));
    for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
    server.stop();
    must(confirmed === 1 && answers === 1 && filed === 1, 'no answer, or several');
    must(
      undeleted.every((nodeId) => nodeId === 'node-1' || nodeId === 'gateway-1'),
      'a node undeleted that is not the gateway’s',
    );

    must(replies.length > 0, 'no answer');
    const refused = replies[0]?.state === 'refused';
    must(refused === (published.length === 0), 'refused and published, or neither');
    for (const { type, key, value, origin } of published) {
      const fit = (tokenProblem(type) ?? keyProblem(key)) === undefined;
      must(fit, `published on a type or key that cannot be a subject: ${type}/${key}`);
      must(!Number.isNaN(numberOf(value)), 'NaN published');
      must(origin === 'gateway-1', 'published in the name of somebody else');
      const own = type === 'disabled' || type.endsWith('Reset');
      must(
        own || type.startsWith('errorCountReset') || !isNeverSentDown(type),
        `published: ${type}`,
      );
    }
  },
};
