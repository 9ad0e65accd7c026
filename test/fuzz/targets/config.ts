import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { readConfigFile } from '../../../src/cli/config-file.js';
import { YamlSource } from '../../../src/cli/yaml-source.js';
import { inCheckout } from '../checkout.js';
import { scratchFile } from '../scratch.js';
import { agree, must, type FuzzTarget } from '../target.js';
import { ConfigFileError } from '../../../src/cli/errors.js';

const ENVIRONMENT = { TOKEN: 'secret', PORT: '3333', EMPTY: '' };

const SMALL = `nats:
  servers: nats://127.0.0.1:4222
links:
  - name: pump
    transport: { type: serial, path: /dev/ttyUSB0, baudRate: 115200 }
`;

const TRICKY = `nats: &a { servers: [nats://127.0.0.1:4222, "nats://h:\${PORT}"], token: \${TOKEN} }
stateDir: "./$\${x}"
links:
  - name: remote
    transport: { type: tcp, host: 192.0.2.10, port: \${PORT} }
    protocol: compact
    commands: [restart]
    node: { id: n-1 }
  - *b
`;

/** gateway.yaml. */
export const configTarget: FuzzTarget = {
  name: 'config',
  files: [
    'src/cli/yaml-source.ts',
    'src/cli/config-file.ts',
    'src/cli/text-file.ts',
    'src/gateway/config/config.ts',
    'src/gateway/config/checks.ts',
    'src/gateway/config/schema.ts',
    'src/gateway/config/nearest.ts',
  ],
  maxLength: 6_000,
  firstLook: 100,
  words: [
    '__proto__: ',
    'constructor: ',
    '&a ',
    '*a',
    '<<: *a',
    '${TOKEN}',
    '$${',
    '${',
    '!!binary ',
    '? ',
    '- ',
    '"',
    '|\n',
    '\t',
    '0x10',
    '1e999',
    '.nan',
    '.inf',
    'links:',
    'serial',
    'tcp',
    'can',
    '~',
    '\n---\n',
    '# ',
  ],
  corpus: () =>
    [SMALL, TRICKY, readFileSync(inCheckout('gateway.example.yaml'), 'utf8')].map((text) =>
      Uint8Array.from(Buffer.from(text)),
    ),
  check: (input) => {
    const text = Buffer.from(input).toString('utf8');
    checkValues(text);
    const file = scratchFile('config/gateway.yaml', input);
    try {
      const { links } = readConfigFile(file, ENVIRONMENT);
      agree('names of links, each once', new Set(links.map(({ name }) => name)).size, links.length);
    } catch (error) {
      if (!(error instanceof ConfigFileError)) throw error;
      must(error.problems.length > 0, 'refused for no reason');
      for (const problem of error.problems) checkProblem(problem, file, text);
    }
  },
};

function checkProblem(problem: string, file: string, text: string): void {
  const [, line, column, rest] = /^:(\d+):(\d+): ([^]+)$/.exec(problem.slice(file.length)) ?? [];
  must(problem.startsWith(file) && rest !== undefined, `not FILE:LINE:COLUMN: …: ${problem}`);
  must(!problem.includes('\n'), `a problem on more than one line: ${problem}`);
  must(Number(line) >= 1 && Number(line) <= text.split('\n').length, `no such line: ${problem}`);
  must(Number(column) >= 1, `no such column: ${problem}`);
}

/** What has no variables, and nothing wrong, is what the YAML library makes of it. */
function checkValues(text: string): void {
  const source = new YamlSource(text, ENVIRONMENT);
  if (source.problems.length > 0 || text.includes('$') || /[\ue000\ue001]/.test(text)) return;
  const document = parseDocument(text, { uniqueKeys: false, logLevel: 'silent' });
  if (document.errors.length > 0) return;
  agree(
    'values, and by the library',
    plain(source.value),
    plain(document.toJS({ maxAliasCount: -1 })),
  );
}

/** `__proto__` is a key like any other, and big numbers are rounded. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .map(([key, inner]): [string, unknown] => [key, plain(inner)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
