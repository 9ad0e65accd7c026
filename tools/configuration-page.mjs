// docs/configuration.md, made from the JSON Schema of the configuration: each key with its
// values, its default and its meaning.

/** `${NAME}` in place of a number or a choice: said once for all keys. */
const isVariable = ({ pattern }) => pattern?.startsWith('^\\$\\{') ?? false;

/** The forms that a value may have. */
const formsOf = (node) =>
  (node.anyOf ?? [node])
    .filter((form) => !isVariable(form))
    .flatMap((form) => (form.anyOf === undefined ? [form] : formsOf(form)));

/** The unit is part of the description: `Speed (bit/s)`. */
const unitOf = ({ description = '' }) => /\((ms|bytes|points|bit\/s)\)/.exec(description)?.[1];

const code = (value) => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;

function valuesOf(form, unit) {
  if (form.const !== undefined) return code(form.const);
  if (form.enum !== undefined) return form.enum.map(code).join(', ');
  if (form.type === 'boolean') return '`true`, `false`';
  if (form.type === 'object')
    return `group of ${Object.keys(form.properties).map(code).join(', ')}`;
  if (form.type === 'array')
    return `list: ${formsOf(form.items)
      .map((item) => valuesOf(item))
      .join(' or ')}`;
  if (form.type === 'integer') {
    return `${form.minimum} … ${form.maximum}${unit === undefined ? '' : ` ${unit}`}`;
  }
  return form.$comment ?? 'text';
}

function defaultOf(node, required) {
  if (required) return '_must be given_';
  return node.default === undefined ? '–' : code(node.default);
}

/** In a cell of a table a bar would be its end. */
const cell = (text) => text.replaceAll('|', '\\|');

function* rowsOf(group, path) {
  for (const [key, node] of Object.entries(group.properties)) {
    const name = path === '' ? key : `${path}.${key}`;
    const forms = formsOf(node);
    const inner = forms.find(({ properties }) => properties !== undefined);
    // Entries under names of the user's own.
    const entry = forms.find(({ additionalProperties: one }) => typeof one === 'object');
    if (entry !== undefined) {
      const { propertyNames, additionalProperties } = entry;
      const values = `groups by name: ${propertyNames.$comment ?? 'text'}`;
      yield [code(name), values, defaultOf(node, false), node.description ?? ''];
      yield* rowsOf(additionalProperties, `${name}.*`);
      continue;
    }
    if (inner === undefined || forms.length > 1) {
      const values = forms.map((form, index) =>
        // A list of what stands before it is not worth the same words again.
        form.type === 'array' && index > 0 ? 'a list of them' : valuesOf(form, unitOf(node)),
      );
      const standard = defaultOf(node, group.required?.includes(key) ?? false);
      yield [code(name), values.join('; or '), standard, node.description ?? ''];
    }
    if (inner !== undefined) yield* rowsOf(inner, name);
  }
}

function table(rows) {
  const lines = [['key', 'values', 'default', 'meaning'], ['-', '-', '-', '-'], ...rows];
  return lines.map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');
}

const section = (mark, name, node, rows) =>
  `${mark} ${name}\n\n${node.description ?? ''}\n\n${table(rows)}\n`;

/** @param schema JSON Schema (draft 7) of the configuration. @returns Markdown, not formatted yet. */
export function configurationPage(schema) {
  const { links, ...others } = schema.properties;
  const entries = Object.entries(others);
  const groups = entries.filter(([, { properties }]) => properties !== undefined);
  const plain = Object.fromEntries(entries.filter(([, node]) => node.properties === undefined));
  const { transport, ...link } = links.items.properties;
  const required = links.items.required.filter((key) => key !== 'transport');
  return `# Configuration

<!-- Made by \`npm run docs\` from src/gateway/config/schema.ts. Do not edit. -->

Every key of \`gateway.yaml\`. [gateway.example.yaml](../gateway.example.yaml) shows them all in one file; \`siot-mcu check -c FILE\` says all that is wrong with a file, and \`siot-mcu schema\` prints the JSON Schema that this page is made from.

- The file is YAML, looked for in \`./gateway.yaml\`, then \`/etc/siot-mcu/gateway.yaml\`, unless \`-c\` names one.
- Unknown keys are errors.
- \`\${NAME}\` takes the environment variable NAME, in numbers and choices as well; \`$\${\` stands for the characters themselves.
- Relative paths start at the folder of the configuration file.
- "–" as default: the key is left out unless you give it.

${section('##', 'The file', { description: 'Keys at the top.' }, [
  ...rowsOf({ properties: plain, required: schema.required }, ''),
  ...groups.map(([key, { description }]) => [
    code(key),
    `group: [below](#${key.toLowerCase()})`,
    '–',
    description,
  ]),
  [code('links'), 'list of groups: [below](#links)', defaultOf(links, true), links.description],
])}
${groups.map(([key, node]) => section('##', key, node, rowsOf(node, key))).join('\n')}
${section('##', 'links', { description: `${links.description} Each one has these keys.` }, [
  ...rowsOf({ properties: link, required }, ''),
  [
    code('transport'),
    'group, by its `type`: below',
    defaultOf(transport, true),
    transport.description,
  ],
])}
${transport.oneOf
  .map((one) => {
    const { type, ...properties } = one.properties;
    return section('###', `transport, type: ${type.const}`, type, [
      ...rowsOf({ ...one, properties }, ''),
    ]);
  })
  .join('\n')}`;
}
