/**
 * A world in which one FlinkJob lives: its resource, ConfigMap, Lease and pods, and the processes in them, each as simple as
 * decisions can tell. The operator in it decides with the real `nextStep` and reports with the real `statusOf`. What must never
 * happen is checked where it would: `Violated` is thrown.
 */
import { type Ledger, openAttemptOf } from '../../../src/ha/index.ts';
import {
  type Desired,
  type FlinkJobFacts,
  livePods,
  type RevisionOnRecord,
} from '../../../src/reconcilers/flinkjob/facts.ts';
import { nextStep } from '../../../src/reconcilers/flinkjob/next-step.ts';
import { isWorthWriting, statusOf } from '../../../src/reconcilers/flinkjob/status.ts';
import type { Hold, Step } from '../../../src/reconcilers/flinkjob/step.ts';
import { T0 } from '../../builders/flinkjob-facts.ts';
import { checkRequests, checkStatus } from './world-checks.ts';
import { WorldLooks } from './world-looks.ts';
import { type Process, Violated } from './world-parts.ts';

/** The operator's process ends here. */
class Killed extends Error {}

const MOST_STEPS = 40;
/** Steps that make something. */
const MAKING: ReadonlySet<Step['do']> = new Set([
  'recordRevision',
  'createHandles',
  'makeChildren',
  'makePods',
  'probeNamespace',
  'workInStorage',
]);

export class World extends WorldLooks {
  statusWrites = 0;
  readonly log: string[] = [];

  /**
   * One reconcile; false when it did nothing but look. `killedAfter`: the operator's process ends after so many steps.
   * `movedAt`: before the step of that number somebody else writes to the ConfigMap.
   */
  reconcile(faults: { readonly killedAfter?: number; readonly movedAt?: number } = {}): {
    readonly steps: number;
    readonly untilMs: number | undefined;
    readonly because: Hold | undefined;
  } {
    let steps = 0;
    let because: Hold | undefined;
    let untilMs: number | undefined;
    try {
      for (;;) {
        if (this.isGone) return { steps, untilMs: undefined, because };
        const facts = this.facts();
        const step = nextStep(facts);
        this.log.push(`${(this.now - T0) / 1_000}: ${step.do}${step.do === 'writeLedger' ? ` (${step.why})` : ''}`);
        if (step.do === 'rest') {
          if (step.untilMs !== undefined && step.untilMs <= this.now) throw new Violated('rests until the past');
          ({ because, untilMs } = step);
          break;
        }
        if (steps >= MOST_STEPS) throw new Violated('does not come to rest');
        if (steps === faults.movedAt && this.handles !== undefined) this.handles.seq++;
        const isKilled = steps === faults.killedAfter;
        steps++;
        const isAgain = this.refuses(step) || this.act(step, facts, isKilled);
        if (isKilled) throw new Killed();
        if (!isAgain) break;
      }
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      this.forget();
      return { steps, untilMs: undefined, because };
    }
    if (!this.isGone) this.report(because);
    return { steps, untilMs, because };
  }

  private report(because: Hold | undefined): void {
    const facts = this.facts();
    const status = statusOf(facts, { because, error: undefined });
    const again = statusOf({ ...facts, status }, { because, error: undefined });
    if (isWorthWriting(status, again)) {
      throw new Violated(`status is not stable: ${JSON.stringify(status)} then ${JSON.stringify(again)}`);
    }
    checkStatus(this.status, status, this.generation);
    checkRequests(status, this.now);
    if (!isWorthWriting(this.status, status)) return;
    this.status = status;
    this.statusWrites++;
  }

  /** True: decides anew at once. */
  private act(step: Exclude<Step, { do: 'rest' }>, facts: FlinkJobFacts, isHalf: boolean): boolean {
    switch (step.do) {
      case 'addFinalizer':
        if (step.revision !== undefined) this.record(step.revision);
        // Of the two writes at a time one may be all that there was time for.
        this.hasFinalizer = !isHalf;
        return true;
      case 'removeFinalizer':
        this.isGone = true;
        return false;
      case 'deleteJob':
        this.delete(false);
        return true;
      case 'recordRevision':
        this.record(step.revision);
        return true;
      case 'deleteRevisions':
        for (const name of step.names) this.revisions.delete(name);
        return false;
      case 'createHandles':
        this.createHandles(step, facts);
        return true;
      case 'deleteHandles':
        this.handles = undefined;
        return true;
      case 'writeLedger':
        this.writeLedger(step, facts);
        return true;
      case 'makeChildren':
      case 'deleteChildren':
        return true;
      case 'freeLease':
        this.freeLease(step.attempt);
        this.memory.leaseFreedOf = step.mark;
        return true;
      case 'makePods':
        for (const index of step.indexes) this.makePod(step.attempt, index, facts);
        return true;
      case 'deletePods': {
        const uids = new Set(step.pods.map(({ uid }) => uid));
        const doomed = this.processes.filter(({ seen }) => uids.has(seen.uid));
        for (const process of doomed) this.askToGo(process);
        this.processes = this.processes.filter(({ seen }) => !(uids.has(seen.uid) && seen.end !== undefined));
        return true;
      }
      case 'forcePods': {
        const uids = new Set(step.pods.map(({ uid }) => uid));
        const [forced, others] = [true, false].map((is) =>
          this.processes.filter(({ seen }) => uids.has(seen.uid) === is),
        ) as [Process[], Process[]];
        for (const process of forced) process.seen = { ...process.seen, isForced: true };
        this.processes = [...others, ...forced.filter(({ isHeld }) => isHeld)];
        return true;
      }
      case 'probeNamespace':
        this.memory.isTerminating = false;
        return true;
      case 'workInStorage':
        this.makeStoragePod(step, facts);
        return true;
      case 'endStorageWork':
        if (this.storagePod !== undefined) this.storagePod = { ...this.storagePod, isDeleting: true };
        return true;
      case 'stopWithSavepoint':
      case 'takeSavepoint':
        return this.begin(step, facts);
    }
  }

  /** In a namespace that goes nothing is made; whoever tries once knows it, and does not try again. */
  private refuses({ do: what }: Step): boolean {
    if (!this.isTerminating || !MAKING.has(what)) return false;
    if (this.memory.isTerminating === true) throw new Violated(`${what} in a namespace that is known to go`);
    this.memory.isTerminating = true;
    return true;
  }

  private makeStoragePod({ order }: Extract<Step, { do: 'workInStorage' }>, facts: FlinkJobFacts): void {
    const { desired, handles, pods, object, now } = facts;
    const isMeant = desired.is === 'valid' && desired.settings.deletion.storage === 'Delete';
    if (!isMeant || object.deletingSince === undefined) throw new Violated('removes bytes that are to stay');
    if (object.isDeletionForced) throw new Violated('removes bytes though deletion is forced');
    if (now >= object.deletingSince + desired.settings.deletion.timeoutMs) throw new Violated('removes bytes late');
    if (handles.is === 'there' || pods.length > 0) throw new Violated('removes bytes while somebody may write');
    // What the ledger knew of attempts and lives went with it: status has to know it by then.
    const isForgotten = order.attempts < this.most.attempt || !order.jobIds.includes(this.life?.jobId ?? '');
    if (isForgotten && !this.haveHandlesBeenLost) throw new Violated('forgets lives of which bytes are there');
    const tried = { times: (this.memory.tries?.times ?? 0) + 1, at: now };
    if (this.storageWork === 'refused') {
      this.memory.tries = { ...tried, refused: 'no' };
      return;
    }
    this.memory.tries = tried;
    this.storagePod ??= {
      name: 'flights-storage-remove',
      uid: `storage#${++this.uids}`,
      isDeleting: false,
      end: undefined,
      trouble: undefined,
    };
  }

  private record(revision: RevisionOnRecord): void {
    if (this.revisions.has(revision.name)) throw new Violated('a revision is recorded twice');
    this.revisions.set(revision.name, revision);
  }

  private createHandles(step: Extract<Step, { do: 'createHandles' }>, { desired }: FlinkJobFacts): void {
    const { ledger } = step;
    const opens = openAttemptOf(ledger);
    const attempt = opens?.number ?? 0;
    if (opens !== undefined) {
      this.mayOpen(ledger, { ...ledger, attempts: ledger.attempts.slice(0, -1) }, desired);
      if (!this.revisions.has(opens.revision ?? ''))
        throw new Violated('opens an attempt of a revision that is not on record');
    }
    const epoch = Math.max(1, step.epoch);
    const uid = `uid-${++this.uids}`;
    const made = { uid, epoch, seq: 0, attempt, leader: '', ledger, checkpoints: new Map() };
    // The operator knows no epoch beyond status; a leader of the object before is refused by its uid.
    this.most.epoch = epoch;
    this.handles = made;
    this.neverBack(made);
  }

  private writeLedger(
    { ledger, above }: Extract<Step, { do: 'writeLedger' }>,
    { handles, desired }: FlinkJobFacts,
  ): void {
    const isThere = above === undefined ? handles.is === 'there' : handles.is === 'old';
    if (!isThere || !('view' in handles) || this.handles === undefined) throw new Violated('writes into nothing');
    const { snapshot, ledger: before } = handles.view;
    // Refused as moved: it is decided anew.
    if (snapshot.uid !== this.handles.uid || snapshot.seq !== this.handles.seq) return;
    const opens = openAttemptOf(ledger);
    if (opens !== undefined && openAttemptOf(before) === undefined) this.mayOpen(ledger, before, desired);
    if (above !== undefined) {
      if (opens !== undefined) throw new Violated('begins anew with an open attempt');
      this.handles.checkpoints.clear();
      this.change(this.handles, { ledger, attempt: 0, epoch: Math.max(this.handles.epoch, above) + 1 });
      return;
    }
    const attempt = opens?.number ?? 0;
    if (ledger.life?.jobId !== before.life?.jobId && before.life !== undefined) this.handles.checkpoints.clear();
    const isRaised = attempt !== this.handles.attempt;
    this.change(this.handles, { ledger, attempt, epoch: this.handles.epoch + (isRaised ? 1 : 0) });
    if (ledger.restarts > this.countable) throw new Violated('counts a failure that there was not');
  }

  private mayOpen(ledger: Ledger, before: Ledger, desired: Desired): void {
    const alive = this.processes.filter(({ seen }) => seen.end === undefined && !seen.isDeleting);
    if (alive.length > 0) throw new Violated('opens an attempt while pods of another one live');
    if (this.deletingSince !== undefined) throw new Violated('opens an attempt of a job that is deleted');
    const known = this.life;
    this.life = ledger.life;
    if (known === undefined || (known.jobId === ledger.life?.jobId && known.restoreFrom === ledger.life.restoreFrom))
      return;
    if (desired.is === 'invalid') throw new Violated('drops the state of an invalid spec');
    const last = before.attempts.at(-1);
    const isTold =
      last?.end?.how === 'finished' ||
      desired.settings.triggers.restore > (before.handled?.restore ?? 0) ||
      (desired.settings.upgrade.mode === 'Stateless' && last?.revision !== ledger.attempts.at(-1)?.revision);
    if (!isTold) throw new Violated('drops the state without being told to');
  }

  private freeLease(attempt: number): void {
    this.lease ??= { holder: '', renewed: this.now };
    const pods = this.processes.map(({ seen }) => seen);
    const holds = this.lease.holder;
    if (!livePods(pods, attempt).some(({ uid }) => uid === holds)) this.lease.holder = '';
  }

  private makePod(attempt: number, index: number, { handles }: FlinkJobFacts): void {
    const open = handles.is === 'there' ? openAttemptOf(handles.view.ledger) : undefined;
    if (open?.number !== attempt) throw new Violated(`makes a pod of attempt ${attempt}, which is not open`);
    if (!this.revisions.has(open.revision ?? '')) throw new Violated('makes a pod of a revision that is not on record');
    const name = `flights-${attempt}-${index}`;
    if (this.processes.some(({ seen }) => seen.name === name)) throw new Violated(`makes pod ${name} twice`);
    const known = this.opened.get(attempt) ?? open.epoch;
    if (known !== open.epoch) throw new Violated(`makes a pod of another attempt ${attempt} than there has been`);
    this.opened.set(attempt, open.epoch);
    const uid = `${name}#${++this.uids}`;
    this.processes.push({
      seen: {
        name,
        uid,
        attempt,
        index,
        ip: '10.0.0.1',
        node: 'n',
        isReady: false,
        isDeleting: false,
        isForced: false,
        goneBy: undefined,
        end: undefined,
        trouble: undefined,
      },
      leads: undefined,
      isCutOff: false,
      isHeld: false,
      runningSince: undefined,
      completed: 0,
    });
  }

  private begin(step: Extract<Step, { do: 'stopWithSavepoint' | 'takeSavepoint' }>, facts: FlinkJobFacts): boolean {
    const { memory } = this;
    const leader = this.leader();
    const open = facts.handles.is === 'there' ? openAttemptOf(facts.handles.view.ledger) : undefined;
    const isReachable = open !== undefined && livePods(facts.pods, open.number).some(({ isReady }) => isReady);
    if (!isReachable) return false;
    const tries = (memory.operation?.triggerId === step.triggerId ? memory.operation.tries : 0) + 1;
    if (this.isSilent || leader === undefined) {
      const notBefore = this.now + 1_000 * tries;
      memory.operation = { triggerId: step.triggerId, tries, state: { is: 'unknown' }, notBefore };
      return true;
    }
    const what = step.do === 'stopWithSavepoint' ? 'stop' : 'savepoint';
    this.operations.set(step.triggerId, { what, of: leader.seen.uid, since: this.now });
    memory.operation = { triggerId: step.triggerId, tries, state: { is: 'inProgress' }, notBefore: 0 };
    return true;
  }
}
