/** The place where one FlinkJob lives: its resource, ConfigMap, Lease and pods, what people do to them, and what happens to pods. */
import type { FlinkJobStatus } from '../../../src/api/index.ts';
import type { StateLife } from '../../../src/ha/index.ts';
import type { TerminationRecord } from '../../../src/lib/exit-codes.ts';
import type {
  Desired,
  FlinkJobFacts,
  RevisionOnRecord,
  StoragePodSeen,
} from '../../../src/reconcilers/flinkjob/facts.ts';
import { anEnd, desiredOf, T0 } from '../../builders/flinkjob-facts.ts';
import { GRACE_MS, type MutableHandles, type Process, type Spec } from './world-parts.ts';

/** Specs that were read before: reading one is most of the work. */
const READ = new Map<string, Desired>();

export abstract class WorldPlace {
  now = T0;
  spec: Spec;
  desired: Desired;
  generation = 1;
  hasFinalizer = false;
  isGone = false;
  deletingSince: number | undefined;
  isForced = false;
  status: FlinkJobStatus | undefined;
  handles: MutableHandles | undefined;
  private copies: MutableHandles[] = [];
  readonly revisions = new Map<string, RevisionOnRecord>();
  processes: Process[] = [];
  lease: { holder: string; renewed: number } | undefined;
  isSilent = false;
  /** What becomes of the next savepoint. */
  savepoints: 'complete' | 'fail' | 'hang' = 'complete';
  /** What the server makes of pods that are to work in the storage, and what becomes of them. */
  storageWork: 'complete' | 'fail' | 'hang' | 'refused' = 'complete';
  storagePod: StoragePodSeen | undefined;
  protected haveHandlesBeenLost = false;
  private evictions = 0;
  /** Nothing can be made in the namespace any more. */
  isTerminating = false;
  /** The job has stored something, and it is all there. */
  hasBytes = false;
  /** Savepoints that were begun, by the id they were asked for with; they end with the process. */
  protected readonly operations = new Map<string, { what: 'stop' | 'savepoint'; of: string; since: number }>();
  /** The life of the state that an attempt was last opened in. */
  protected life: StateLife | undefined;
  /** Highest that were ever seen. */
  protected readonly most = { attempt: 0, epoch: 0 };
  /** What lies in storage of each life of the state: the highest epoch that led, the newest checkpoint. */
  protected readonly stored = new Map<string, { epoch: number; id: number }>();
  /** For each attempt that pods were made of, the epoch that its opening raised. */
  protected opened = new Map<number, number>();
  protected uids = 0;
  /** Failures and crashes that may be counted. */
  countable = 0;

  constructor(spec: Spec) {
    this.spec = spec;
    this.desired = this.read();
  }

  private read(): Desired {
    const key = JSON.stringify(this.spec);
    const known = READ.get(key);
    if (known !== undefined) return known;
    const desired = desiredOf({ typescript: { module: 'job.js' }, storage: { uri: 's3://bucket/jobs' }, ...this.spec });
    READ.set(key, desired);
    return desired;
  }

  /** The handles as they would be judged, and what is known of how far the job has been. */
  protected abstract judgedHandles(): Pick<FlinkJobFacts, 'handles' | 'past'>;

  protected abstract leader(): Process | undefined;

  /** A leader writes under its epoch, into the object it knows. */
  protected abstract mayWrite(process: Process): boolean;

  // What people do

  edit(fields: Spec): void {
    if (this.deletingSince !== undefined) return;
    this.spec = { ...this.spec, ...fields };
    this.desired = this.read();
    this.generation++;
  }

  trigger(name: 'savepoint' | 'restart' | 'restore'): void {
    const before = (this.spec['triggers'] ?? {}) as Record<string, number>;
    const more = name === 'restore' ? { restoreFrom: 's3://bucket/jobs/savepoint-by-hand' } : {};
    this.edit({ ...more, triggers: { ...before, [name]: (before[name] ?? 0) + 1 } });
  }

  delete(isForced: boolean): void {
    if (!this.hasFinalizer) this.isGone = true;
    this.deletingSince ??= this.now;
    this.isForced ||= isForced;
  }

  removeHandles(): void {
    this.handles = undefined;
    this.haveHandlesBeenLost = true;
    this.forgetUntold();
  }

  /** What nobody can know of any more has not been: neither status, nor the operator's memory, nor a pod told of it. */
  private forgetUntold(): void {
    const { attempt, epoch } = this.judgedHandles().past;
    this.most.attempt = Math.min(this.most.attempt, attempt);
    this.most.epoch = Math.min(this.most.epoch, epoch);
    this.opened = new Map([...this.opened].filter(([number]) => number <= attempt));
    if (this.life?.jobId !== this.status?.jobId) this.life = undefined;
  }

  /** Somebody puts back what they kept a copy of: into the object, or as another one. */
  putBack(isAnother: boolean): void {
    const [copy] = this.copies;
    if (copy === undefined || this.handles === undefined) return;
    this.copies = [];
    this.haveHandlesBeenLost = true;
    const { uid } = this.handles;
    this.handles = { ...copy, uid: isAnother ? `uid-${++this.uids}` : uid, checkpoints: new Map(copy.checkpoints) };
    this.forgetUntold();
  }

  /** Somebody keeps a copy of the object as it is, for `putBack`. */
  copy(): void {
    if (this.handles === undefined) return;
    this.copies = [{ ...this.handles, checkpoints: new Map(this.handles.checkpoints) }];
  }

  deletePod(index: number): void {
    const process = this.pick(index);
    if (process !== undefined) this.askToGo(process);
  }

  /** The namespace goes, and with it all there is, in some order; the job is told as well. */
  terminateNamespace(): void {
    this.isTerminating = true;
  }

  /** What the namespace controller does. */
  takeAway(what: 'job' | 'pods' | 'handles'): void {
    if (!this.isTerminating) return;
    if (what === 'job') this.delete(false);
    if (what === 'handles') this.removeHandles();
    if (what === 'pods') for (const process of this.processes) this.askToGo(process);
  }

  /** The pod that works in the storage is evicted. */
  evictStorageWork(): void {
    const { storagePod: pod } = this;
    if (pod !== undefined && pod.end === undefined && this.evictions < 2) {
      this.evictions++;
      this.storagePod = { ...pod, end: { takenFromOutside: true, answer: undefined, how: 'Evicted' } };
    }
  }

  // What happens to pods

  private pick(index: number): Process | undefined {
    const live = this.processes.filter(({ seen }) => seen.end === undefined);
    return live[index % Math.max(1, live.length)];
  }

  /** Ends a pod as the table of exit codes has it. */
  endPod(index: number, how: 'killed' | 'evicted' | 'failed' | 'suppressed' | 'invalid' | 'stopped'): void {
    const process = this.pick(index);
    if (process === undefined) return;
    const { attempt } = process.seen;
    const record = (outcome: TerminationRecord['outcome'], exitCode: number) => ({
      outcome,
      exitCode,
      attempt,
      epoch: 0,
      cause: 'it had to',
    });
    switch (how) {
      case 'killed':
        if (process.leads !== undefined) this.countable++;
        this.end(process, { exitCode: 137, signal: 'SIGKILL' });
        return;
      case 'evicted':
        this.end(process, { takenFromOutside: true });
        return;
      case 'failed':
        this.countable++;
        this.end(process, { exitCode: 10, record: record('failed', 10) });
        return;
      case 'suppressed':
        this.end(process, { exitCode: 11, record: record('failed', 11) });
        return;
      case 'invalid':
        this.end(process, { exitCode: 13, record: record('invalid', 13) });
        return;
      case 'stopped':
        this.end(process, { exitCode: 14, record: record('stopped', 14) });
        return;
    }
  }

  /** The job reads the last of its input. */
  finish(): void {
    const leader = this.leader();
    if (leader === undefined || !this.mayWrite(leader)) return;
    const { attempt } = leader.seen;
    this.end(leader, { exitCode: 0, record: { outcome: 'finished', exitCode: 0, attempt, epoch: 0 } });
  }

  cutOff(index: number): void {
    const process = this.pick(index);
    if (process === undefined) return;
    process.isCutOff = true;
    process.seen = { ...process.seen, isReady: false };
  }

  hold(index: number): void {
    const process = this.pick(index);
    if (process !== undefined) process.isHeld = true;
  }

  protected end(process: Process, end: Parameters<typeof anEnd>[0]): void {
    process.seen = { ...process.seen, isReady: false, end: anEnd({ at: this.now, ...end }) };
    process.leads = undefined;
  }

  protected askToGo(process: Process): void {
    if (process.seen.isDeleting) return;
    process.seen = { ...process.seen, isDeleting: true, isReady: false, goneBy: this.now + GRACE_MS };
  }
}
