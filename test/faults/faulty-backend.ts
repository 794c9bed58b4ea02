import type { HandleBackend, HaPatch, HaSnapshot, PatchAnswer } from '../../src/ha/index.ts';

/**
 * What happens to one patch: applied, and the answer is lost · applied, and refused as if somebody else had been first,
 * as when a request is repeated on the way · lost on the way · lost now, arriving with the next
 * read · refused for a reason of the store · refused as too large · refused until later.
 */
export type PatchFault =
  | 'appliedThenLost'
  | 'appliedThenMoved'
  | 'lost'
  | 'late'
  | 'rejected'
  | 'tooLarge'
  | 'busy'
  | 'none';

/** A backend whose next requests go wrong as told, and which counts them. */
export interface FaultyBackend extends HandleBackend {
  /** One fault for each of the next patches. */
  failPatches(...faults: PatchFault[]): void;
  /** The next reads throw. */
  failReads(count: number): void;
  /** Runs just before the next patch is sent: what somebody else does meanwhile. */
  beforePatch(action: () => Promise<void>): void;
  /** Runs just before the next read is answered: what somebody else does until then. */
  beforeRead(action: () => Promise<void>): void;
  readonly patches: number;
  readonly reads: number;
}

export function faultyBackend(inner: HandleBackend): FaultyBackend {
  const faults: PatchFault[] = [];
  let failingReads = 0;
  let patches = 0;
  let reads = 0;
  let late: HaPatch | undefined;
  let before: (() => Promise<void>) | undefined;
  let beforeReading: (() => Promise<void>) | undefined;
  const lost: PatchAnswer = { answer: 'unknown', cause: new Error('connection reset') };

  const answer = async (patch: HaPatch): Promise<PatchAnswer> => {
    switch (faults.shift() ?? 'none') {
      case 'none':
        return inner.patch(patch);
      case 'appliedThenLost':
        await inner.patch(patch);
        return lost;
      case 'appliedThenMoved':
        await inner.patch(patch);
        return { answer: 'notDone', reason: 'moved' };
      case 'lost':
        return lost;
      case 'late':
        late = patch;
        return lost;
      case 'rejected':
        return { answer: 'notDone', reason: 'rejected', cause: new Error('403 forbidden') };
      case 'tooLarge':
        return { answer: 'notDone', reason: 'tooLarge' };
      case 'busy':
        return { answer: 'notDone', reason: 'busy' };
    }
  };

  return {
    name: inner.name,
    ...(inner.locks === undefined ? {} : { locks: inner.locks }),
    failPatches: (...next) => {
      faults.push(...next);
    },
    failReads: (count) => {
      failingReads = count;
    },
    beforePatch: (action) => {
      before = action;
    },
    beforeRead: (action) => {
      beforeReading = action;
    },
    get patches() {
      return patches;
    },
    get reads() {
      return reads;
    },
    async read(): Promise<HaSnapshot | undefined> {
      reads += 1;
      const meanwhile = beforeReading;
      beforeReading = undefined;
      await meanwhile?.();
      if (failingReads > 0) {
        failingReads -= 1;
        throw new Error('read timed out');
      }
      const seen = await inner.read();
      const arriving = late;
      late = undefined;
      // The request arrives after this read has seen the version before it.
      if (arriving !== undefined) await inner.patch(arriving);
      return seen;
    },
    async patch(patch) {
      patches += 1;
      const action = before;
      before = undefined;
      await action?.();
      return answer(patch);
    },
    create: (lowestEpoch) => inner.create(lowestEpoch),
    remove: (uid) => inner.remove(uid),
    watch: (observer) => inner.watch(observer),
  };
}
