/** Promises that wait for something to be so, looked at after each change. */
interface Watcher {
  readonly look: () => void;
  readonly giveUp: (why: string) => void;
}

export class Watchers {
  readonly #all = new Set<Watcher>();

  /** Resolves with what `look` finds; rejects after `withinMs`, or when `look` throws. */
  waitFor<T>(look: () => T | undefined, what: () => string, withinMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        this.#all.delete(watcher);
        clearTimeout(timer);
        settle();
      };
      const watcher: Watcher = {
        look: () => {
          try {
            const found = look();
            if (found !== undefined) finish(() => resolve(found));
          } catch (error) {
            finish(() => reject(error instanceof Error ? error : new Error(String(error))));
          }
        },
        giveUp: (why) => {
          finish(() => reject(new Error(`waited in vain for ${what()}: ${why}`)));
        },
      };
      const timer = setTimeout(() => watcher.giveUp(`${withinMs} ms are over`), withinMs);
      this.#all.add(watcher);
      watcher.look();
    });
  }

  changed(): void {
    for (const watcher of [...this.#all]) watcher.look();
  }

  /** Rejects all that still wait. */
  end(why: string): void {
    for (const watcher of [...this.#all]) watcher.giveUp(why);
  }
}
