/**
 * Reads a YAML file into plain values, fills in environment variables, and knows the
 * position of each value in the file.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type ErrorCode,
  type Alias,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { wrongIndentation } from './yaml-indentation.js';

/** Keys and list positions from the top. */
export type KeyPath = readonly (string | number)[];

/** A place in the file. */
export interface Position {
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
}

/** What is wrong at a place of the file. */
export interface SourceProblem {
  readonly at: Position;
  /** `links[0].name`. If the problem is about no key, the subject in parentheses: `(syntax)`. */
  readonly where: string;
  readonly message: string;
}

/** `links[0].transport.path` */
export function pathText(path: KeyPath): string {
  if (path.length === 0) return '(file)';
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`;
      const plain = /^[\w-]+$/.test(part) ? part : shownKey(part);
      return index === 0 ? plain : `.${plain}`;
    })
    .join('');
}

/** A key for people. A URL in the place of a key may contain a password, and is not shown. */
const shownKey = (key: string): string => (/[@?]|:\/\//.test(key) ? '…' : JSON.stringify(key));

/** Messages for the YAML library's errors, with what to do. */
const SYNTAX: Partial<Record<ErrorCode, string>> = {
  BAD_DIRECTIVE: 'a line that begins with % is a directive, which has no meaning here; take it out',
  BAD_DQ_ESCAPE:
    'a \\ begins an escape sequence in double quotes, and this is none; write \\\\, or use single quotes',
  BAD_INDENT:
    'wrong indentation, or a bracket before it is not closed; ' +
    'line up the keys of a group, with spaces',
  MISSING_CHAR: 'something is missing here, such as a closing quote, bracket or brace, or a colon',
  MULTIPLE_DOCS: 'a second document begins here; the file holds one configuration',
  TAB_AS_INDENT: 'a tab where spaces belong; indent with spaces',
  TAG_RESOLVE_FAILED: 'tags (!…) have no meaning here; take it out',
  UNEXPECTED_TOKEN: 'this does not belong here; check quotes, commas, brackets and indentation',
};

/** What the library says of a line with a wrong indentation, or of the line before it. */
const MAY_BE_INDENTATION: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'BAD_INDENT',
  'BLOCK_AS_IMPLICIT_KEY',
  'MISSING_CHAR',
  'MULTILINE_IMPLICIT_KEY',
  'UNEXPECTED_TOKEN',
]);

const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Replacements for the braces of a variable, from Unicode's private use area. */
const OPEN = '\ue000';
const CLOSE = '\ue001';
const unshielded = (text: string): string => text.replaceAll(/\$\ue000(\w+)\ue001/g, '${$1}');

/** Later syntax errors are mostly consequences of the first ones. */
const MAX_SYNTAX_ERRORS = 3;
const MAX_ALIASES = 1000;

/** One file that has been read. {@link value} is of use only if there are no {@link problems}. */
export class YamlSource {
  readonly problems: SourceProblem[] = [];
  /** The content; `undefined` if the file is not valid YAML. */
  readonly value: unknown;
  readonly #lines = new LineCounter();
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #keys = new Map<string, Position>();
  readonly #values = new Map<string, Position>();
  /** Texts of values that are a single unquoted `${NAME}`: {@link meaningAt} reads them. */
  readonly #variables = new Map<string, string>();
  readonly #document: Document.Parsed;
  readonly #open: unknown[] = [];
  #aliases = 0;

  constructor(text: string, environment: Readonly<Record<string, string | undefined>>) {
    this.#environment = environment;
    // Inside { } or [ ], the braces of a variable would end an unquoted word. They are
    // replaced by characters of the same length, so that positions do not change.
    const shielded = text.replaceAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, `$${OPEN}$1${CLOSE}`);
    this.#document = parseDocument(shielded, {
      lineCounter: this.#lines,
      prettyErrors: false,
      logLevel: 'error',
      // Checked in #readMap, to report it with the key's path.
      uniqueKeys: false,
    });
    const complaints = [...this.#document.errors, ...this.#document.warnings];
    const [first] = complaints;
    const indentation =
      first !== undefined && MAY_BE_INDENTATION.has(first.code)
        ? wrongIndentation(text)
        : undefined;
    if (indentation !== undefined) {
      this.#add(indentation, '(syntax)', indentation.message);
      return;
    }
    const lines = new Set<number>();
    for (const { code, message, pos } of complaints) {
      const at = this.#position(pos[0]);
      if (lines.has(at.line) || lines.size === MAX_SYNTAX_ERRORS) continue;
      lines.add(at.line);
      this.#add(at, '(syntax)', SYNTAX[code] ?? unshielded(message));
    }
    if (complaints.length > 0) return;
    this.value = this.#read(this.#document.contents, []);
  }

  /** Position of a key's value. If the value is missing, position of its group. */
  valueAt(path: KeyPath): Position {
    for (let length = path.length; length >= 0; length -= 1) {
      const id = JSON.stringify(path.slice(0, length));
      const found = length === path.length ? this.#values.get(id) : undefined;
      const position = found ?? this.#keys.get(id) ?? this.#values.get(id);
      if (position !== undefined) return position;
    }
    return { line: 1, column: 1 };
  }

  /** Position of a key itself. */
  keyAt(path: KeyPath): Position {
    return this.#keys.get(JSON.stringify(path)) ?? this.valueAt(path);
  }

  /** If a value is a single unquoted `${NAME}`: the number or boolean that its text stands for. */
  meaningAt(path: KeyPath): number | boolean | undefined {
    const text = this.#variables.get(JSON.stringify(path))?.trim();
    if (text === 'true' || text === 'false') return text === 'true';
    return text !== undefined && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
  }

  #add({ line, column }: Position, where: string, message: string): void {
    this.problems.push({ at: { line, column }, where, message });
  }

  #position(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  #read(node: unknown, path: KeyPath): unknown {
    const id = JSON.stringify(path);
    if (isAlias(node)) return this.#readAlias(node, path);
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return null;
    const { range } = node;
    // A value that is read through an alias has the position of the alias.
    if (range && !this.#values.has(id)) this.#values.set(id, this.#position(range[0]));
    if (isScalar(node)) return this.#readScalar(node, path);
    this.#open.push(node);
    const value = isSeq(node)
      ? node.items.map((item, index) => this.#read(item, [...path, index]))
      : this.#readMap(node, path);
    this.#open.pop();
    return value;
  }

  #readMap(node: YAMLMap, path: KeyPath): Record<string, unknown> {
    const group: Record<string, unknown> = {};
    for (const { key, value } of node.items) {
      const name = this.#readKey(key, path);
      if (name === undefined) continue;
      const inner = [...path, name];
      const keyRange = isScalar(key) ? key.range : undefined;
      if (keyRange && Object.hasOwn(group, name)) {
        const message = 'is there twice; keep one of them';
        this.#add(this.#position(keyRange[0]), pathText(inner), message);
        continue;
      }
      if (keyRange) this.#keys.set(JSON.stringify(inner), this.#position(keyRange[0]));
      // `__proto__` is a key like any other.
      Object.defineProperty(group, name, {
        value: this.#read(value, inner),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return group;
  }

  #readAlias(node: Alias, path: KeyPath): unknown {
    const at = this.#position(node.range?.[0] ?? 0);
    this.#values.set(JSON.stringify(path), at);
    const target = node.resolve(this.#document);
    if (target === undefined) {
      // The message does not show its name: this may be a password that begins with *.
      const message =
        'no anchor (&…) of this name stands before it; write the value itself, in quotes where it begins with *';
      this.#add(at, pathText(path), message);
      return null;
    }
    // With aliases of aliases a small file could have huge values.
    if (this.#open.includes(target) || (this.#aliases += 1) > MAX_ALIASES) {
      this.#add(at, pathText(path), `*${node.source} cannot be followed; write the value itself`);
      return null;
    }
    return this.#read(target, path);
  }

  #readKey(key: unknown, path: KeyPath): string | undefined {
    if (isScalar(key) && (typeof key.value === 'string' || typeof key.value === 'number')) {
      const name = unshielded(String(key.value));
      if (!/^-\w/.test(name)) return name;
      const at = key.range ? this.#position(key.range[0]) : this.valueAt(path);
      this.#add(at, pathText(path), 'a list item has a space after its -');
      return undefined;
    }
    this.#add(this.valueAt(path), pathText(path), 'has a key that is no word; take it out');
    return undefined;
  }

  #readScalar(node: Scalar, path: KeyPath): unknown {
    if (typeof node.value === 'bigint') return Number(node.value);
    if (typeof node.value !== 'string') return node.value;
    const value = unshielded(node.value);
    if (!value.includes('${')) return value;
    const id = JSON.stringify(path);
    const isSecret = mayBeSecret(value, path);
    const filled = value.replaceAll(/(\$?)\$\{([^}]*)(\}?)/g, (whole, escape, name, end) => {
      if (escape === '$') return whole.slice(1);
      const text = this.#variable(String(name), end === '}', path, isSecret);
      return text ?? '?';
    });
    if (node.type === 'PLAIN' && /^\$\{[^}]*\}$/.test(value)) this.#variables.set(id, filled);
    return filled;
  }

  #variable(name: string, closed: boolean, path: KeyPath, isSecret: boolean): string | undefined {
    const text = closed ? this.#environment[name] : undefined;
    if (text !== undefined && VARIABLE_NAME.test(name)) return text;
    const literally = 'write $${ for the characters themselves';
    const wrong = !closed
      ? '${ has no closing }; write ${NAME}'
      : VARIABLE_NAME.test(name)
        ? `the environment variable ${isSecret ? 'in it' : name} is not set; set it`
        : `${isSecret ? '${…}' : `\${${name}}`} names no environment variable; write \${NAME}`;
    this.#add(this.valueAt(path), pathText(path), `${wrong}, or ${literally}`);
    return undefined;
  }
}

const SERVER_OF_VARIABLE = /^((nats|tls):\/\/)?\$\{[A-Za-z_][A-Za-z0-9_]*\}(:\d{1,5})?\/?$/;

/** Whether the value may be a secret that contains `${`. Then messages do not show its text. */
function mayBeSecret(value: string, path: KeyPath): boolean {
  if (/^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/.test(value)) return false;
  // In a server's address the whole host may be a variable. Anything more may be a password.
  if (path[0] === 'nats' && path[1] === 'servers') return !SERVER_OF_VARIABLE.test(value);
  // A key without a space behind its colon is a part of the value.
  if (/^(token|password):/.test(value)) return true;
  const rest = value.replaceAll(/\$\{[^}]*\}?/g, '');
  return /^(token|password)$/.test(String(path.at(-1))) || /[^\w./:-]/.test(rest);
}
