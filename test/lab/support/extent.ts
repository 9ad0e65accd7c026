/** How much those tests do that take minutes; in the README of the lab. */
const EXTENTS = {
  brief: { plugCycles: 20, lengthStep: { fd: 97, classic: 97 } },
  usual: { plugCycles: 200, lengthStep: { fd: 1, classic: 9 } },
  all: { plugCycles: 200, lengthStep: { fd: 1, classic: 1 } },
} as const;

type Name = keyof typeof EXTENTS;
const name = process.env['LAB_EXTENT'] ?? 'usual';
if (!Object.hasOwn(EXTENTS, name)) {
  throw new Error(`LAB_EXTENT is ${name}; it takes ${Object.keys(EXTENTS).join(', ')}`);
}

export const EXTENT = EXTENTS[name as Name];
