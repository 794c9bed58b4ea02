import type { CountingStorage } from '../../faults/counting-storage.ts';
import type { FaultyBackend } from '../../faults/faulty-backend.ts';

/** A process that ends after so many steps: writes of files, deletions, patches. What it would do then never happens. */
export class Mortal {
  readonly death: Promise<'died'>;
  private readonly die: (what: 'died') => void;
  private steps = Number.POSITIVE_INFINITY;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<'died'>();
    this.death = promise;
    this.die = resolve;
  }

  diesAfter(steps: number): void {
    this.steps = steps;
  }

  backend(inner: FaultyBackend): FaultyBackend {
    return { ...inner, patch: (patch) => this.step(() => inner.patch(patch)) };
  }

  storage(inner: CountingStorage): CountingStorage {
    return {
      ...inner,
      write: (path, chunks, options) => this.step(() => inner.write(path, chunks, options)),
      delete: (path) => this.step(() => inner.delete(path)),
    };
  }

  private step<R>(action: () => Promise<R>): Promise<R> {
    if (this.steps > 0) {
      this.steps -= 1;
      return action();
    }
    this.die('died');
    return new Promise(() => {});
  }
}
