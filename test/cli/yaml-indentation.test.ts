/** A wrong indentation is called so, in the line and the column where it is. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { wrongIndentation } from '../../src/cli/yaml-indentation.js';
import { YamlSource } from '../../src/cli/yaml-source.js';

const problemOf = (text: string) =>
  new YamlSource(text, {}).problems.map(
    ({ at: { line, column }, where, message }) =>
      `${String(line)}:${String(column)}: ${where}: ${message}`,
  );

describe('a typical mistake', () => {
  it.each<[string, string, string]>([
    [
      'a key too deep, below a value',
      'nats:\n  servers: x\n    user: y\n',
      '3:5: (syntax): wrong indentation: "user" begins in column 5, deeper than "servers" in line 2, which has a value already; begin it in column 3 as well',
    ],
    [
      'with comments and empty lines between',
      'nats:\n  servers: x\n\n  # note\n    user: y\n',
      '5:5: (syntax): wrong indentation: "user" begins in column 5, deeper than "servers" in line 2,',
    ],
    [
      'a key too deep in a list',
      'links:\n  - name: pump\n      transport: { type: serial }\n',
      '3:7: (syntax): wrong indentation: "transport" begins in column 7, deeper than "name" in line 2,',
    ],
    [
      'a key not deep enough',
      'nats:\n    servers: x\n  user: y\n',
      '3:3: (syntax): wrong indentation: "user" begins in column 3; begin it in column 5, as "servers" in line 2, or in column 1, as "nats" in line 1',
    ],
    [
      'a key in the column of its list',
      'links:\n  - name: a\n  transport: x\n',
      '3:3: (syntax): wrong indentation: "transport" begins in column 3; begin it in column 5, as "name" in line 2,',
    ],
    [
      'a key between two groups',
      'links:\n  - name: a\n    transport:\n        type: serial\n      path: /dev/x\n',
      '5:7: (syntax): wrong indentation: "path" begins in column 7; begin it in column 9, as "type" in line 4, or in column 5, as "transport" in line 3',
    ],
    [
      'a key of the file with a space before it',
      'stateDir: x\n links: []\n',
      '2:2: (syntax): wrong indentation: "links" begins in column 2, deeper than "stateDir" in line 1,',
    ],
    [
      'a first key with spaces before it',
      '  nats:\n    servers: x\nlinks: []\n',
      '3:1: (syntax): wrong indentation: "links" begins in column 1; begin it in column 3, as "nats" in line 1',
    ],
    [
      'a list item too deep',
      'links:\n  - name: a\n   - name: b\n',
      '3:4: (syntax): wrong indentation: the list item begins in column 4; begin it in column 3, as the list item in line 2',
    ],
    [
      'a list item as deep as the keys of the one before',
      'links:\n  - name: a\n    protocol: auto\n    - name: b\n',
      '4:5: (syntax): wrong indentation: the list item begins in column 5; begin it in column 3,',
    ],
    [
      'a list item not deep enough',
      'links:\n  - name: a\n - name: b\n',
      '3:2: (syntax): wrong indentation: the list item begins in column 2; begin it in column 3,',
    ],
    [
      'a list item at the margin',
      'links:\n  - name: a\n- name: b\n',
      '3:1: (syntax): wrong indentation: the list item begins in column 1; begin it in column 3,',
    ],
    [
      'a tab after spaces',
      'nats:\n  servers: x\n \tuser: y\n',
      '3:1: (syntax): wrong indentation: a tab; indent with spaces',
    ],
    ['a tab', 'nats:\n\tservers: x\n', '2:1: (syntax): a tab where spaces belong'],
    [
      'in a file with line ends of Windows',
      'nats:\r\n  servers: x\r\n    user: y\r\n',
      '3:5: (syntax): wrong indentation: "user" begins in column 5',
    ],
    [
      'a text of several lines before it',
      'gateway:\n  description: |\n    one\n      two\n\nlinks:\n  - name: a\n     node: b\n',
      '8:6: (syntax): wrong indentation: "node" begins in column 6, deeper than "name" in line 7,',
    ],
  ])('%s', (_what, text, expected) => {
    const problems = problemOf(text);
    expect(problems[0]).toContain(expected);
    expect(problems).toHaveLength(1);
  });

  it.each([
    ['a bracket that is not closed', 'links:\n  - name: a\n    node: { id: a\n    protocol: x\n'],
    ['a quote that is not closed', 'gateway:\n  description: "boiler\nlinks:\n  - name: a\n'],
  ])('%s is no wrong indentation', (_what, text) => {
    expect(problemOf(text).join('\n')).not.toMatch(/wrong indentation: /);
    expect(problemOf(text)).not.toEqual([]);
  });

  it('shows no secret that stands in the place of a key', () => {
    const text = 'nats:\n  servers:\n    nats://u:hush@h: x\n   nats://u:hush@g: y\n';
    expect(problemOf(text).join('\n')).not.toContain('hush');
    expect(problemOf(text)).not.toEqual([]);
  });
});

it.each([
  readFileSync('gateway.example.yaml', 'utf8'),
  'links:\n- name: a\n  commands:\n  - x\n  - y\n  node:\n    id: b\nlog:\n  level: info\n',
  'a:\n  - - 1\n    - 2\n  - b: 1\n    c:\n      - d\n  -\n    e: 1\n"q k": 1\n? x\n',
  'a: &x\n  b: 1\nc: !t\n  d: 1\ne: >-\n  text: no key\n   - no item\nf: text\n  that goes on\n',
])('finds nothing in a file that is right (%#)', (text) => {
  expect(wrongIndentation(text)).toBeUndefined();
});
