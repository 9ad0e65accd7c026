/** The parts of the lab's machine, which are plain JavaScript, with their types. */
import { resolve } from 'node:path';

export interface Request {
  readonly mode: 'help' | 'shell' | 'bench' | 'tests';
  readonly ifPossible: boolean;
  readonly virtualTime: boolean;
  readonly systemd: boolean;
  readonly limitMs: number | undefined;
  readonly rest: readonly string[];
}

export interface Outcome {
  readonly kind: 'ended' | 'stopped' | 'lost';
  readonly status?: number;
  readonly reason?: string;
}

export interface Job {
  readonly folder: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly terminal?: { readonly rows: number; readonly columns: number };
}

type Environment = Readonly<Record<string, string | undefined>>;

interface Arguments {
  parseArguments(argv: readonly string[]): Request;
}

interface Cache {
  cacheFolder(from: { readonly env: Environment; readonly home: string }): string;
  recipeOf(files: readonly string[]): string;
  findEntry(folder: string, recipe: string): string | undefined;
  kernelOf(entry: string): string | undefined;
  makeEntry(
    folder: string,
    recipe: string,
    make: (work: string) => Promise<{ readonly name: string; readonly version: string }>,
  ): Promise<string>;
}

interface JobModule {
  jobScript(job: Job): string;
  guestEnvironment(from: {
    readonly env: Environment;
    readonly path: string;
    readonly colors: boolean;
  }): Readonly<Record<string, string>>;
}

interface Machine {
  outcomeOf(end: {
    readonly exchange: string;
    readonly qemuStatus: number;
    readonly stopped?: number;
    readonly late?: string;
  }): Outcome;
  runMachine(options: {
    readonly entry: string;
    readonly job: Job;
    readonly shell: boolean;
    readonly processor: 'kvm' | 'emulated' | 'virtual-time';
    readonly limitMs?: number;
    readonly collect?: (exchange: string) => void;
  }): Promise<Outcome & { readonly bootMs?: number; readonly log: string }>;
}

interface Packages {
  checkMachine(machine: {
    readonly platform?: string;
    readonly arch?: string;
    readonly names?: readonly string[];
  }): void;
  installPrograms(who: { readonly uid: number }): Promise<void>;
}

interface Qemu {
  canUseKvm(where: { readonly device: string; readonly cpuinfo: string }): boolean;
}

const load = async (name: string): Promise<unknown> =>
  import(resolve('test', 'lab', 'vm', `${name}.mjs`));

export const { parseArguments } = (await load('arguments')) as Arguments;
export const { cacheFolder, recipeOf, findEntry, kernelOf, makeEntry } = (await load(
  'cache',
)) as Cache;
export const { jobScript, guestEnvironment } = (await load('job')) as JobModule;
export const { outcomeOf, runMachine } = (await load('machine')) as Machine;
export const { checkMachine, installPrograms } = (await load('packages')) as Packages;
export const { canUseKvm } = (await load('qemu')) as Qemu;
