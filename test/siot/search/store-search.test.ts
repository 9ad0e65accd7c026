import { describe, expect, it } from 'vitest';
import type { Answer } from '../../../src/siot/connection/connection.js';
import {
  StoreSearch,
  type StoreSearchHost,
  type StoreSearchOptions,
} from '../../../src/siot/search/store-search.js';
import type { Generation } from '../../../src/siot/wire/wire.js';
import { FakeClock } from '../../support/fake-clock.js';
import { complaints, recordingLog, type Said } from '../../support/recording-log.js';

/** What a store of generation 1 answers to `auth.getNatsURI`. */
const GENERATION_1 = Buffer.from('0a2912037572692a0b088092b8c398feffffff01', 'hex');
/** The longest pauses of the backoff: {@link Setup} takes no random part off them. */
const NO_CHANCE = 0;

class Setup implements StoreSearchHost {
  readonly clock = new FakeClock();
  readonly said: Said[] = [];
  /** What the host was told, with the time in ms. */
  readonly told: string[] = [];
  readonly kept: Generation[] = [];
  accepted = 0;
  /** The answer to each request from now on; `silence`: there is none in time. */
  answer: Answer | 'silence' = 'noResponders';
  /** Gives a late answer to the first request that had none in time. */
  answerLate: (answer: Answer) => void = () => undefined;
  readonly connection = {
    connected: true,
    request: (_: string, __: Uint8Array, withinMs: number, late?: (answer: Answer) => void) => {
      if (this.answer !== 'silence') return Promise.resolve(this.answer);
      if (this.answerLate.length === 0 && late !== undefined) this.answerLate = late;
      return new Promise<Answer>(
        (resolve) => void this.clock.setTimer(withinMs, () => resolve('timeout')),
      );
    },
  };
  readonly search: StoreSearch;

  constructor(given: Partial<StoreSearchOptions> = {}) {
    const options: StoreSearchOptions = {
      generation: 'auto',
      store: 'auto',
      remembered: undefined,
      remember: ({ generation }) => void this.kept.push(generation),
      clock: this.clock,
      random: () => NO_CHANCE,
      log: recordingLog(this.said),
      ...given,
    };
    this.search = new StoreSearch(options, this.connection, this);
  }

  noStore(): void {
    this.#tell('no store');
  }

  storeAnswers(generation: Generation, first: boolean): void {
    this.#tell(`generation ${String(generation)}${first ? ' for the first time' : ''}`);
  }

  storeUnknown(): void {
    this.#tell('unknown');
  }

  /** Connects, and lets so many ms pass. */
  async connect(ms = 0): Promise<void> {
    this.search.connectionChanged(true);
    await this.clock.advanceAsync(ms);
  }

  #tell(what: string): void {
    this.told.push(`${String(this.clock.monotonicMs())} ${what}`);
  }
}

describe('the search for a store', () => {
  it('reports at once that nobody answers, and asks again after 250 ms, 500 ms …', async () => {
    const s = new Setup();
    await s.connect(1_750);
    expect(s.told).toEqual([
      '0 unknown',
      '0 no store',
      '250 no store',
      '750 no store',
      '1750 no store',
    ]);
    expect(s.search.store).toBe('none');
    expect(s.search.generation).toBe(2);
  });

  it('gives a silent store 250 ms before points go without one', async () => {
    const s = new Setup();
    s.answer = 'silence';
    await s.connect(3_999);
    expect(s.told).toEqual(['0 unknown', '250 no store']);
  });

  it('does not search where no store is wanted', async () => {
    const s = new Setup({ store: 'none', remembered: { generation: 1 } });
    s.answer = GENERATION_1;
    await s.connect(60_000);
    expect(s.told).toEqual(['0 unknown', '0 no store']);
    expect(s.search.generation).toBe(2);
  });

  it.each([
    ['is required', { store: 'required' }],
    ['answered in an earlier run', { remembered: { generation: 1 } }],
  ] as const)('waits for a store that %s, and says so after two probes', async (_, given) => {
    const s = new Setup(given);
    await s.connect(249);
    expect(complaints(s.said)).toEqual([]);
    await s.clock.advanceAsync(1);
    expect(complaints(s.said)).toEqual(['SIOT does not answer: points wait for it']);
    await s.clock.advanceAsync(60_000);
    expect(complaints(s.said)).toHaveLength(1);
    expect(s.told).toEqual(['0 unknown']);
    expect(s.search.store).toBe('expected');
  });

  it('finds a store, keeps its generation once, and does not ask it again', async () => {
    const s = new Setup();
    s.answer = GENERATION_1;
    await s.connect(60_000);
    await s.connect();
    expect(s.told).toEqual([
      '0 unknown',
      '0 generation 1 for the first time',
      '60000 unknown',
      '60000 generation 1',
    ]);
    expect(s.kept).toEqual([1]);
    expect(s.search.store).toBe('answers');
    s.search.connectionChanged(false);
    expect(s.search.store).toBe('expected');
  });

  it('speaks the configured generation, and warns where another is found', async () => {
    const s = new Setup({ generation: 2 });
    s.answer = GENERATION_1;
    await s.connect();
    expect(s.told).toEqual(['0 unknown', '0 generation 2 for the first time']);
    expect(complaints(s.said)).toEqual([
      'SIOT speaks generation 1, the configuration says 2: set siot.generation to auto or 1',
    ]);
  });

  it('accepts a late answer while no other store is known, but none once the end is near', async () => {
    const s = new Setup();
    s.answer = 'silence';
    await s.connect(10_000);
    s.told.length = 0;
    s.answerLate(GENERATION_1);
    s.answerLate(GENERATION_1);
    expect(s.told).toEqual(['10000 generation 1 for the first time']);

    const ending = new Setup();
    ending.answer = 'silence';
    await ending.connect(10_000);
    ending.search.endSoon();
    ending.answerLate(GENERATION_1);
    expect(ending.search.store).toBe('none');
  });

  it('probes a suspected store at once, and one that still takes no points at growing intervals', async () => {
    const s = new Setup({ remembered: { generation: 1 } });
    s.answer = GENERATION_1;
    await s.connect();
    s.told.length = 0;
    s.search.suspect('silence');
    expect(s.search.store).toBe('expected');
    await s.clock.advanceAsync(0);
    expect(s.search.problem).toBe('');
    s.search.suspect('silence');
    await s.clock.advanceAsync(250);
    s.search.suspect('silence');
    await s.clock.advanceAsync(500);
    expect(s.told).toEqual([
      '0 unknown',
      '0 generation 1',
      '0 unknown',
      '250 generation 1',
      '250 unknown',
      '750 generation 1',
    ]);
    expect(s.search.problem).toContain('takes no points');
    s.accepted += 1;
    expect(s.search.problem).toBe('');
    s.search.suspect('undecodable');
    await s.clock.advanceAsync(0);
    expect(s.told.slice(6)).toEqual(['750 unknown', '750 generation 1']);
  });

  it('suspects no store while none answers', async () => {
    const s = new Setup();
    await s.connect();
    s.search.suspect('noResponders');
    expect(s.told).toEqual(['0 unknown', '0 no store']);
    expect(s.said).toEqual([]);
  });

  it('does nothing more once it is stopped', async () => {
    const s = new Setup();
    await s.connect();
    s.answer = GENERATION_1;
    s.search.stop();
    await s.clock.advanceAsync(60_000);
    expect(s.told).toEqual(['0 unknown', '0 no store']);
  });
});
