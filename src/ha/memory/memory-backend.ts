/**
 * The object and the lease of a job in the memory of one process: for jobs run inside a test, where a crash is an object
 * that is no longer used. The fencing is real: several services over one `MemoryHa` behave as processes do.
 */

import type { Elector } from '../../lib/elector.ts';
import { LeaderElectionException } from '../errors.ts';
import {
  type Epoch,
  type HandleBackend,
  type HandleObserver,
  type HaPatch,
  type HaSnapshot,
  isExpected,
  type PatchAnswer,
  patched,
} from '../handle-backend.ts';
import { LAYOUT, LAYOUT_KEY } from '../keys.ts';
import type { HaBackend } from '../services.ts';

/** One job's object and lease. */
export class MemoryHa implements HaBackend {
  readonly handles: HandleBackend;
  private readonly lease = new MemoryLease();

  constructor(name = 'memory') {
    this.handles = new MemoryHandleBackend(`HA object ${name}`);
  }

  createElector(identity: string): Elector {
    return new MemoryElector(this.lease, identity);
  }

  /** Takes the lease from whoever holds it, as when that process is seen to have ended. */
  emptyLease(): void {
    this.lease.pass(undefined);
  }

  async close(): Promise<void> {}
}

class MemoryHandleBackend implements HandleBackend {
  readonly name: string;
  private object: HaSnapshot | undefined;
  private lastEpoch = 0;
  private made = 0;
  private readonly watchers = new Set<HandleObserver>();

  constructor(name: string) {
    this.name = name;
  }

  async read(): Promise<HaSnapshot | undefined> {
    return this.object;
  }

  async patch(patch: HaPatch): Promise<PatchAnswer> {
    if (this.object === undefined) return { answer: 'notDone', reason: 'missing' };
    if (!isExpected(this.object, patch.expect)) return { answer: 'notDone', reason: 'moved' };
    this.become(patched(this.object, patch));
    return { answer: 'done' };
  }

  async create(lowestEpoch: Epoch): Promise<HaSnapshot> {
    if (this.object !== undefined) return this.object;
    this.made += 1;
    const fresh = {
      uid: `${this.name} ${this.made}`,
      epoch: Math.max(lowestEpoch, this.made === 1 ? 0 : this.lastEpoch + 1),
      seq: 0,
      attempt: 0,
      leader: '',
      entries: new Map([[LAYOUT_KEY, LAYOUT]]),
    };
    this.become(fresh);
    return fresh;
  }

  async remove(uid: string): Promise<void> {
    if (this.object?.uid === uid) this.become(undefined);
  }

  watch(observer: HandleObserver): () => void {
    this.watchers.add(observer);
    this.show(observer);
    return () => this.watchers.delete(observer);
  }

  private become(object: HaSnapshot | undefined): void {
    this.object = object;
    this.lastEpoch = object?.epoch ?? this.lastEpoch;
    for (const observer of this.watchers) this.show(observer);
  }

  private show(observer: HandleObserver): void {
    queueMicrotask(() => this.watchers.has(observer) && observer.seen(this.object));
  }
}

/** Who holds it, and who waits for that to change. */
class MemoryLease {
  holder: MemoryElector | undefined;
  transitions = 0;
  private readonly waiting = new Set<() => void>();

  pass(to: MemoryElector | undefined): void {
    this.holder = to;
    if (to !== undefined) this.transitions += 1;
    for (const wake of [...this.waiting]) wake();
  }

  /** Ends with the next change, or when the signal fires. */
  change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      if (signal.aborted) return resolve();
      this.waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}

class MemoryElector implements Elector {
  private readonly lease: MemoryLease;
  private readonly identity: string;
  private isOver = false;

  constructor(lease: MemoryLease, identity: string) {
    this.lease = lease;
    this.identity = identity;
  }

  async acquire(signal: AbortSignal): Promise<{ readonly transitions: number } | undefined> {
    while (!signal.aborted && !this.isOver) {
      if (this.lease.holder === undefined) this.lease.pass(this);
      if (this.lease.holder === this) return { transitions: this.lease.transitions };
      await this.lease.change(signal);
    }
    return undefined;
  }

  async hold(signal: AbortSignal): Promise<Error | undefined> {
    while (!signal.aborted && this.isHeld()) await this.lease.change(signal);
    if (signal.aborted) return undefined;
    this.isOver = true;
    return new LeaderElectionException(`${this.identity} lost its lease`);
  }

  isHeld(): boolean {
    return !this.isOver && this.lease.holder === this;
  }

  async release(): Promise<void> {
    if (this.lease.holder === this) this.lease.pass(undefined);
    this.isOver = true;
  }
}
