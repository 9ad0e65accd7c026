/** docs/contract.md has every command and option that the program has. */
import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { buildProgram } from '../../src/cli/program.js';
import { read } from './documents.js';

const sections = new Map(
  read('docs/contract.md')
    .split(/^### /m)
    .map((section) => [section.split('\n', 1)[0] ?? '', section] as const),
);
/** Said once, for all commands. */
const SAID_ONCE = new Set(['--help', '--config']);

const optionsOf = (command: Command): string[] => [
  ...command.options.map(({ long }) => long ?? ''),
  ...command.commands.flatMap(optionsOf),
];

it.each(buildProgram().commands.map((command) => [command.name(), command] as const))(
  'has siot-mcu %s, and its options',
  (name, command) => {
    const section = sections.get(`siot-mcu ${name}`);
    const inner = command.commands.map((one) => `siot-mcu ${name} ${one.name()}`);
    const words = [...optionsOf(command).filter((one) => !SAID_ONCE.has(one)), ...inner];
    expect(words.filter((word) => !section?.includes(word))).toEqual([]);
    expect(section).toBeDefined();
  },
);

it('says what all commands take', () => {
  const commands = read('docs/contract.md').split('## Commands')[1]?.split('### ')[0] ?? '';
  expect([...SAID_ONCE, '--version'].filter((option) => !commands.includes(option))).toEqual([]);
});
