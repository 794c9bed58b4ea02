/**
 * What the operator remembers of a job between two looks. Nothing here has to survive: a new process looks again. One job's
 * memory ends with its uid.
 */
import type { Child } from './children.ts';
import type { CheckpointTold, Desired, Handles, OperationSeen, PodSeen, RestSeen, StorageWorkSeen } from './facts.ts';
import { type HandlesVersion, isPutBack, knownPast, versionOf } from './put-back.ts';
import { Repeats } from './repeats.ts';

/** Facts of which some changes mean that somebody else may have written the handles. */
export interface HandlesMark {
  /** uids of pods that have ended. */
  readonly ended: ReadonlySet<string>;
  readonly hasLive: boolean;
  readonly isSilent: boolean;
}

/** What was computed last, and of what: most looks ask for the same again. */
export class LastResult<T> {
  private last: { readonly of: string; readonly result: T } | undefined;

  /** @param of names everything that the result depends on */
  get(of: string, compute: () => T): T {
    if (this.last?.of !== of) this.last = { of, result: compute() };
    return this.last.result;
  }
}

export class JobMemory {
  readonly uid: string;
  /** By generation: reading, checking and completing a spec takes longer than all the rest of a look. */
  readonly desired = new LastResult<Desired>();
  /** The objects there should be, by revision, generation and life. */
  readonly children = new LastResult<readonly Child[]>();
  /** As they were read or written last; undefined: not known. */
  handles: Handles | undefined;
  /** Whether they were read, or written, in this reconcile: what was read before may have been changed by the leader. */
  areHandlesFresh = false;
  /** What the pods were like when `handles` were looked at. */
  handlesMark: HandlesMark = { ended: new Set(), hasLive: false, isSilent: false };
  rest: RestSeen = { is: 'notAsked' };
  /** When the job is asked how it is, next. */
  restDueAt = 0;
  /** Which pods were ready when it was asked: others are a reason to ask again. */
  restMark = '';
  operation: OperationSeen | undefined;
  leaseFreedOf: string | undefined;
  /** Where the newest savepoint or checkpoint lies that was heard of. */
  newestPoint: string | undefined;
  lastTold: CheckpointTold | undefined;
  /** Whether the job was asked once more since it is being deleted: nobody asks it later. */
  isAskedToPart = false;
  /** Pods that were made, or could not be made, for work in the storage. */
  storageTries: StorageWorkSeen['tries'];
  /** Whether anything can be made in the namespace; undefined: nobody has tried. */
  isNamespaceTerminating: boolean | undefined;
  /** For lines of the log: the attempt and the epoch that were seen last. */
  standing: { readonly attempt: number; readonly epoch: number } | undefined;
  /** The newest version of the handles that was seen. */
  newestHandles: HandlesVersion | undefined;
  /** Since when reconciles fail, each of them; undefined: the last one did not. */
  failingSince: number | undefined;
  /** What was put back of late. */
  readonly repeats = new Repeats();
  /** Steps of its deletion that the server refuses, and that nobody waits for any more. */
  readonly refused = new Set<string>();
  private deletingSince = Number.POSITIVE_INFINITY;
  private ends: Map<string, number> = new Map();
  private highest = { attempt: 0, index: -1 };

  constructor(uid: string) {
    this.uid = uid;
  }

  /** At the next look the job is asked for everything. */
  askAgain(): void {
    this.restMark = '';
  }

  /** The handles are like this now. */
  learnt(handles: Handles): void {
    this.handles = handles;
    this.areHandlesFresh = true;
    if (handles.is !== 'there' || isPutBack(handles.view, knownPast({ seen: this.newestHandles, pods: [] }))) return;
    this.newestHandles = versionOf(handles.view);
  }

  /** The highest index that a pod of the attempt is known to have had, gone ones included. */
  highestIndex(attempt: number, pods: readonly PodSeen[]): number {
    if (this.highest.attempt !== attempt) this.highest = { attempt, index: -1 };
    for (const pod of pods) {
      if (pod.attempt === attempt && pod.index > this.highest.index) this.highest = { attempt, index: pod.index };
    }
    return this.highest.index;
  }

  /**
   * Pods with the instants at which they were known to have ended. Not every end says when it was, clocks of nodes are ahead,
   * and ours may be set back: what is waited for since then must come all the same.
   */
  withEnds(pods: readonly PodSeen[], now: number): readonly PodSeen[] {
    const before = this.ends;
    this.ends = new Map();
    return pods.map((pod) => {
      if (pod.end === undefined) return pod;
      const at = Math.min(before.get(pod.uid) ?? pod.end.at, pod.end.at, now);
      this.ends.set(pod.uid, at);
      return { ...pod, end: { ...pod.end, at } };
    });
  }

  /** When deletion began, by our own clock at the latest: a server whose clock is ahead must not keep a job for longer. */
  deletingFrom(asked: number, now: number): number {
    this.deletingSince = Math.min(this.deletingSince, asked, now);
    return this.deletingSince;
  }

  /** A pod was made that the copy does not show yet. */
  madePod(attempt: number, index: number): void {
    if (this.highest.attempt !== attempt) this.highest = { attempt, index };
    else this.highest = { attempt, index: Math.max(index, this.highest.index) };
  }
}

/** The memories of all jobs, by their keys. */
export class JobMemories {
  private readonly memories = new Map<string, JobMemory>();

  /** A job made anew under an old name is remembered as nothing. */
  of(key: string, uid: string): JobMemory {
    const known = this.memories.get(key);
    if (known?.uid === uid) return known;
    const fresh = new JobMemory(uid);
    this.memories.set(key, fresh);
    return fresh;
  }

  /** What is remembered of a job; undefined: nothing. */
  get(key: string): JobMemory | undefined {
    return this.memories.get(key);
  }

  forget(key: string): void {
    this.memories.delete(key);
  }
}
