/** What the processes of a FlinkJob do: they contend for leadership, take checkpoints, stop when asked, and lose what they had. */
import { checkpointKey, encodeLive, noteBegun, openAttemptOf } from '../../../src/ha/index.ts';
import { BAD_ARGS, LEASE_MS, type MutableHandles, newestIn, type Process, Violated } from './world-parts.ts';
import { WorldPlace } from './world-place.ts';

export abstract class WorldProcesses extends WorldPlace {
  protected override leader(): Process | undefined {
    return this.processes.find(({ leads, seen }) => leads !== undefined && seen.end === undefined);
  }

  protected override mayWrite({ leads, seen }: Process): boolean {
    const { handles } = this;
    if (handles === undefined || leads === undefined || handles.attempt !== seen.attempt) return false;
    return handles.epoch === leads.epoch && handles.uid === leads.of && handles.seq >= leads.seq;
  }

  /** Everything that lives goes on a little. */
  live(): void {
    for (const process of [...this.processes]) this.liveOne(process);
    this.processes = this.processes.filter(({ seen, isCutOff, isHeld }) => !seen.isDeleting || isCutOff || isHeld);
    this.workInStorage();
    if (this.lease === undefined) return;
    const holder = this.processes.find(({ seen }) => seen.uid === this.lease?.holder && seen.end === undefined);
    if (holder !== undefined && !holder.isCutOff) this.lease.renewed = this.now;
  }

  private workInStorage(): void {
    const { storagePod: pod, storageWork } = this;
    if (pod?.isDeleting === true) this.storagePod = undefined;
    else if (pod !== undefined && pod.end === undefined && storageWork !== 'hang') {
      const isWhole = storageWork === 'complete';
      if (isWhole) this.hasBytes = false;
      const answer = { did: 'removeBytes', isWhole, files: 1, bytes: 1, ...(isWhole ? {} : { error: 'no' }) } as const;
      this.storagePod = { ...pod, end: { takenFromOutside: false, answer, how: 'exit code 0' } };
    }
  }

  private liveOne(process: Process): void {
    const { seen } = process;
    if (seen.end !== undefined || seen.isDeleting || process.isCutOff) return;
    if (!seen.isReady) {
      process.seen = { ...seen, isReady: true };
      return;
    }
    if (process.leads === undefined) {
      this.contend(process);
      return;
    }
    if (!this.mayWrite(process)) {
      const { attempt } = seen;
      const record = { outcome: 'lostLeadership', exitCode: 12, attempt, epoch: process.leads.epoch } as const;
      this.end(process, { exitCode: 12, record });
      return;
    }
    if (this.isBad(process)) {
      this.countable++;
      const record = { outcome: 'failed', exitCode: 10, attempt: seen.attempt, epoch: 0, cause: 'bad' } as const;
      this.end(process, { exitCode: 10, record });
      return;
    }
    process.runningSince ??= this.now;
    this.checkpoint(process);
    this.stopIfAsked(process);
  }

  private isBad({ seen }: Process): boolean {
    const open = this.handles === undefined ? undefined : openAttemptOf(this.handles.ledger);
    const revision = open?.number === seen.attempt ? this.revisions.get(open.revision ?? '') : undefined;
    return JSON.stringify(revision?.semantic['args'] ?? []) === JSON.stringify(BAD_ARGS);
  }

  private contend(process: Process): void {
    const { handles, lease } = this;
    const isFree = lease === undefined || lease.holder === '' || this.now - lease.renewed >= LEASE_MS;
    if (!isFree || handles === undefined || lease === undefined) return;
    if (handles.attempt !== process.seen.attempt) {
      const record = { outcome: 'lostLeadership', exitCode: 12, attempt: process.seen.attempt, epoch: 0 } as const;
      this.end(process, { exitCode: 12, record });
      return;
    }
    const others = this.processes.filter((each) => each.leads !== undefined && this.mayWrite(each));
    lease.holder = process.seen.uid;
    lease.renewed = this.now;
    const stored = this.storedIn(handles);
    // Names in storage say that the object is older than they are: its pointers count for nothing.
    if (stored.epoch > handles.epoch || stored.id > newestIn(handles)) handles.checkpoints.clear();
    const epoch = Math.max(handles.epoch, stored.epoch) + 1;
    this.change(handles, { epoch, leader: `${process.seen.uid}_nonce` });
    if (others.some((each) => this.mayWrite(each))) throw new Violated('two leaders may write');
    process.leads = { epoch, of: handles.uid, seq: handles.seq };
    this.restored(handles, stored);
    stored.epoch = epoch;
    handles.ledger = noteBegun(handles.ledger);
  }

  private storedIn({ ledger }: MutableHandles): { epoch: number; id: number } {
    const jobId = ledger.life?.jobId ?? '';
    const stored = this.stored.get(jobId) ?? { epoch: 0, id: 0 };
    this.stored.set(jobId, stored);
    return stored;
  }

  /** Nothing but the newest checkpoint of its life is what a leader goes on from: pointed to, or without pointers found. */
  private restored(handles: MutableHandles, stored: { readonly id: number }): void {
    const from = handles.checkpoints.size === 0 ? stored.id : newestIn(handles);
    if (from < stored.id) throw new Violated(`restored checkpoint ${from}, and ${stored.id} was complete`);
  }

  private checkpoint(process: Process): void {
    const { handles } = this;
    if (handles === undefined || process.completed >= 2) return;
    const jobId = handles.ledger.life?.jobId ?? '';
    const stored = this.storedIn(handles);
    const id = 1 + stored.id;
    const path = `${jobId}/chk-${id}-${handles.epoch}-aa`;
    handles.checkpoints.clear();
    handles.checkpoints.set(checkpointKey(id), encodeLive({ id: 'a', path, sizeBytes: 1, sha256: '0'.repeat(64) }));
    stored.id = id;
    this.hasBytes = true;
    this.change(handles, {});
    if (process.leads !== undefined) process.leads.seq = handles.seq;
    process.completed++;
  }

  private stopIfAsked(process: Process): void {
    if (this.savepoints !== 'complete') return;
    for (const [, { what, of }] of this.operations) {
      if (what !== 'stop' || of !== process.seen.uid) continue;
      const { attempt } = process.seen;
      const savepoint = 's3://bucket/jobs/savepoint-1';
      this.end(process, {
        exitCode: 0,
        record: { outcome: 'stoppedWithSavepoint', exitCode: 0, attempt, epoch: 0, savepoint },
      });
    }
  }

  protected change(handles: MutableHandles, to: Partial<MutableHandles>): void {
    Object.assign(handles, to);
    handles.seq++;
    this.neverBack(handles);
  }

  protected neverBack({ epoch, ledger }: MutableHandles): void {
    const number = ledger.attempts.at(-1)?.number ?? 0;
    if (epoch < this.most.epoch) throw new Violated(`epoch ${epoch} after ${this.most.epoch}`);
    if (number < this.most.attempt) throw new Violated(`attempt ${number} after ${this.most.attempt}`);
    this.most.epoch = epoch;
    this.most.attempt = number;
  }
}
