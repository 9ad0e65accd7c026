// The licences of packages whose code is in files of ours: they ask to be handed on with it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './setup-common.mjs';

const ISC = `Permission to use, copy, modify, and/or distribute this software for any purpose
with or without fee is hereby granted, provided that the above copyright notice
and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH
REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND
FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS
OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER
TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF
THIS SOFTWARE.`;

/** Of packages that npm installs without a licence file: what their repositories say. */
const TEXTS = new Map([
  [
    'saxes',
    `Copyright (c) Contributors\nCopyright (c) Isaac Z. Schlueter and Contributors (sax, of which saxes is a fork)\n\n${ISC}`,
  ],
]);

/**
 * The licence texts of all packages to which these paths of modules belong.
 * Throws a SetupError that names a package whose text is not known.
 */
export function licencesOf(modules) {
  const folders = modules.map((path) => /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  const packages = [...new Set(folders.filter((folder) => folder !== undefined))].sort();
  return packages.map(licenceOf).join(`\n${'-'.repeat(80)}\n\n`);
}

function licenceOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((one) => /^licen[cs]e(\.md|\.txt)?$/i.test(one));
  const text = file === undefined ? TEXTS.get(name) : readFileSync(join(folder, file), 'utf8');
  if (text === undefined) {
    throw new SetupError(
      `the package ${name} ${version} has no licence file: add the text of its licence (${license}) to tools/licences.mjs`,
    );
  }
  return `${name} ${version}: ${license}\n\n${text.trim()}\n`;
}
