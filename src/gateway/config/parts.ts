/** Access to the configuration as it was written, valid or not, for checks that need more than one key. */
export interface ConfigProblem {
  /** Keys and list positions from the top. */
  readonly path: readonly (string | number)[];
  /** What is wrong and what is allowed. */
  readonly message: string;
}

/** A YAML group of keys. */
export type Group = Readonly<Record<string, unknown>>;

/** Whether a value is a group of keys, and not a list or a single value. */
export const isGroup = (value: unknown): value is Group =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The group at a key; an empty one where there is none. */
export const groupAt = (value: unknown, key: string): Group => {
  const inner = isGroup(value) ? value[key] : undefined;
  return isGroup(inner) ? inner : {};
};

/** The list at a key; an empty one where there is none. */
export const listAt = (value: unknown, key: string): readonly unknown[] => {
  const inner = isGroup(value) ? value[key] : undefined;
  return Array.isArray(inner) ? inner : [];
};

/** The text at a key; `undefined` where there is none. */
export const textAt = (value: Group, key: string): string | undefined => {
  const inner = value[key];
  return typeof inner === 'string' ? inner : undefined;
};

/** Whether a key has a value: in YAML an empty one is null. */
export const has = (value: Group, key: string): boolean =>
  value[key] !== undefined && value[key] !== null;

/** A link as it was written, and where. */
export interface Placed {
  readonly link: Group;
  readonly path: readonly ['links', number];
}
