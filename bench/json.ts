import { judge, type Judgement } from './goals.js';
import type { BenchFigures } from './measure.js';
import { besideProgram, type PeerRow } from './peer.js';

/** The figures, and what follows from them. */
export type BenchJson = BenchFigures & {
  readonly goals: readonly Judgement[];
  readonly peer: readonly PeerRow[];
};

/** What `--json` prints. */
export const asJson = (figures: BenchFigures): BenchJson => ({
  ...figures,
  goals: judge(figures),
  peer: besideProgram(figures),
});
