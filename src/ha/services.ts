/**
 * Everything a job process needs to survive its own end, in one place. Follows Flink's HighAvailabilityServices; the
 * services are written once over a backend, which brings the object of the job and the lease.
 *
 *     const services = await openEmbeddedHaServices({ … });
 *     services.getJobManagerLeaderElectionService(jobId).startLeaderElection(contender);
 *     // granted: the epoch is raised, so everything read from here on is final until this process writes
 *     const checkpoints = await services.getCheckpointRecoveryFactory().createCompletedCheckpointStore(jobId, 1);
 */
import type { Clock } from '../lib/clock.ts';
import type { Elector } from '../lib/elector.ts';
import { messageOf } from '../lib/errors.ts';
import { IllegalArgumentException } from '../lib/java-errors.ts';
import type { Storage } from '../storage/index.ts';
import { type BlobStore, blobStore } from './blob-store.ts';
import { type CheckpointIdCounter, CheckpointIdReserve, checkpointIdCounter } from './checkpoint-id-counter.ts';
import { type CompletedCheckpointStore, recoveredCheckpointStore, retainedOrOne } from './checkpoint-store.ts';
import type { CompletedCheckpoint } from './completed-checkpoint.ts';
import { HaObjectMissingException, HaServicesException, NotLeaderException, tryAll } from './errors.ts';
import { type ExecutionPlan, type ExecutionPlanStore, executionPlanStore } from './execution-plan-store.ts';
import { FencedWriter, OBJECT_LIMIT_BYTES } from './fenced-writer.ts';
import type { Epoch, HandleBackend } from './handle-backend.ts';
import { type JobResultStore, jobResultStore } from './job-result-store.ts';
import { EPOCH_MARK, haDirectory, isCheckpointKey, isExecutionPlanKey, jobManagerComponent } from './keys.ts';
import { type LeaderElection, type LeaderElectionService, leaderElectionService } from './leader-election.ts';
import { LeaseElectionDriver } from './leader-election-driver.ts';
import { type LeaderRetrievalService, leaderRetrievalService } from './leader-retrieval.ts';
import { type LedgerStore, ledgerStore } from './ledger-store.ts';
import { type RunningJobsRegistry, runningJobsRegistry } from './running-jobs-registry.ts';
import { stateStorage } from './state-handle.ts';
import { type StateHandleStore, stateHandleStore } from './state-handle-store.ts';
import { type StoredPast, storedPast } from './stored-past.ts';
import { sweepStateFiles } from './sweep.ts';

/** Makes what a job restores from. Flink's CheckpointRecoveryFactory. */
export interface CheckpointRecoveryFactory {
  /**
   * The completed checkpoints, recovered. `discard` deletes the data of one that is pointed to no longer.
   * @default discard removes the directory of the checkpoint
   */
  createCompletedCheckpointStore(
    jobId: string,
    maxRetained: number,
    discard?: (checkpoint: CompletedCheckpoint) => Promise<void>,
  ): Promise<CompletedCheckpointStore>;
  createCheckpointIdCounter(jobId: string): CheckpointIdCounter;
}

/** The services of one job in one process. Flink's HighAvailabilityServices. */
export interface HighAvailabilityServices {
  getResourceManagerLeaderElectionService(): LeaderElection;
  getDispatcherLeaderElectionService(): LeaderElection;
  getClusterRestEndpointLeaderElectionService(): LeaderElection;
  /** The old name of the REST endpoint's. */
  getWebMonitorLeaderElectionService(): LeaderElection;
  getJobManagerLeaderElectionService(jobId: string): LeaderElection;

  getResourceManagerLeaderRetriever(): LeaderRetrievalService;
  getDispatcherLeaderRetriever(): LeaderRetrievalService;
  getClusterRestEndpointLeaderRetriever(): LeaderRetrievalService;
  /** The old name of the REST endpoint's. */
  getWebMonitorLeaderRetriever(): LeaderRetrievalService;
  getJobManagerLeaderRetriever(jobId: string): LeaderRetrievalService;

  getCheckpointRecoveryFactory(): CheckpointRecoveryFactory;
  getExecutionPlanStore(): ExecutionPlanStore;
  getJobResultStore(): JobResultStore;
  /** What Flink had before it had job results; a view of them. */
  getRunningJobsRegistry(): RunningJobsRegistry;
  createBlobStore(): BlobStore;
  /** The attempts of the job: for its supervisor, and for its leader to add to. */
  getLedgerStore(): LedgerStore;

  /**
   * For the leader, before its epoch gets into any name: leaves the epoch in the storage, so that an object that is made
   * anew, after it was lost, begins above it; then removes what earlier leaders have left (`sweepStateFiles`), as far as
   * that can be done.
   */
  takeOverStorage(): Promise<void>;
  /** Removes files of the stores that crashes of earlier leaders have left; answers how many. For the leader. */
  sweepStateFiles(): Promise<number>;
  /** Ends the services and leaves all data: gives the lease back. */
  close(): Promise<void>;
  /** Ends the services and removes all data of the job in them; blobs only once no pointer is left. */
  closeAndCleanupAllData(): Promise<void>;
  /** Removes the object of the job and the files of the stores. The services stay open. */
  cleanupJobData(jobId: string): Promise<void>;
}

/** What a backend brings: one factory each. */
export interface HaBackend {
  readonly handles: HandleBackend;
  createElector(identity: string): Elector;
  /** Ends what the backend itself runs. */
  close(): Promise<void>;
}

export interface HaServicesOptions {
  readonly backend: HaBackend;
  readonly storage: Storage;
  readonly jobId: string;
  readonly clock: Clock;
  /** Unique to this process and term: names it as lease holder and in the object. */
  readonly identity: string;
  /** The attempt this process belongs to; it leads no other. @default any */
  readonly attempt?: number;
  /** Unguessable hex, without dashes. */
  readonly newId: () => string;
  readonly newSessionId: () => string;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** What people should know and nobody needs to handle. @default nobody is told */
  readonly warn?: (message: string) => void;
  /**
   * The highest epoch of what the job has stored outside its own directory (savepoints): asked where that directory tells of
   * none. @default there is nothing
   */
  readonly epochElsewhere?: (() => Promise<Epoch>) | undefined;
  /** Requests after a lost answer or a refused write, before it is given up. @default 15 */
  readonly retries?: number;
  readonly limitBytes?: number;
}

const DEFAULT_RETRIES = 15;

export function haServices(options: HaServicesOptions): HighAvailabilityServices {
  return new DefaultHaServices(options);
}

class DefaultHaServices implements HighAvailabilityServices {
  private readonly options: HaServicesOptions;
  private readonly warn: (message: string) => void;
  private readonly writer: FencedWriter;
  private readonly ids: CheckpointIdReserve;
  private readonly election: LeaderElectionService;
  private readonly ledger: LedgerStore;
  private readonly blobs: BlobStore[] = [];
  private readonly elections = new Set<LeaderElection>();
  private isClosed = false;

  constructor(options: HaServicesOptions) {
    const { backend, clock, random, retries = DEFAULT_RETRIES, limitBytes = OBJECT_LIMIT_BYTES } = options;
    this.options = options;
    this.warn = options.warn ?? (() => {});
    const patience = { clock, random, retries };
    this.writer = new FencedWriter({ backend: backend.handles, limitBytes, ...patience });
    this.ids = new CheckpointIdReserve(this.writer);
    this.ledger = ledgerStore({ backend: backend.handles, writer: this.writer, patience });
    this.election = leaderElectionService((listener) => {
      const { identity, attempt, newSessionId } = options;
      const elector = backend.createElector(identity);
      return new LeaseElectionDriver({
        writer: this.writer,
        elector,
        identity,
        attempt,
        past: () => this.past(),
        clock,
        newSessionId,
        listener,
        warn: this.warn,
      });
    });
  }

  getResourceManagerLeaderElectionService(): LeaderElection {
    return this.elect('resourcemanager');
  }

  getDispatcherLeaderElectionService(): LeaderElection {
    return this.elect('dispatcher');
  }

  getClusterRestEndpointLeaderElectionService(): LeaderElection {
    return this.elect('restserver');
  }

  getWebMonitorLeaderElectionService(): LeaderElection {
    return this.getClusterRestEndpointLeaderElectionService();
  }

  getJobManagerLeaderElectionService(jobId: string): LeaderElection {
    return this.elect(jobManagerComponent(this.own(jobId)));
  }

  getResourceManagerLeaderRetriever(): LeaderRetrievalService {
    return leaderRetrievalService(this.options.backend.handles, 'resourcemanager');
  }

  getDispatcherLeaderRetriever(): LeaderRetrievalService {
    return leaderRetrievalService(this.options.backend.handles, 'dispatcher');
  }

  getClusterRestEndpointLeaderRetriever(): LeaderRetrievalService {
    return leaderRetrievalService(this.options.backend.handles, 'restserver');
  }

  getWebMonitorLeaderRetriever(): LeaderRetrievalService {
    return this.getClusterRestEndpointLeaderRetriever();
  }

  getJobManagerLeaderRetriever(jobId: string): LeaderRetrievalService {
    return leaderRetrievalService(this.options.backend.handles, jobManagerComponent(this.own(jobId)));
  }

  getCheckpointRecoveryFactory(): CheckpointRecoveryFactory {
    const { storage } = this.options;
    return {
      createCompletedCheckpointStore: async (jobId, maxRetained, discard) => {
        this.own(jobId);
        const handles = this.handles<CompletedCheckpoint>('completedCheckpoint', isCheckpointKey);
        await handles.finishRemovals();
        return recoveredCheckpointStore({
          handles,
          ids: this.ids,
          maxRetained: retainedOrOne(maxRetained, this.warn),
          discard: discard ?? (({ location }) => storage.deleteTree(location)),
          warn: this.warn,
        });
      },
      createCheckpointIdCounter: (jobId) => {
        this.own(jobId);
        return checkpointIdCounter(this.writer, this.ids);
      },
    };
  }

  getExecutionPlanStore(): ExecutionPlanStore {
    return executionPlanStore(this.handles<ExecutionPlan>('submittedExecutionPlan', isExecutionPlanKey), this.warn);
  }

  getJobResultStore(): JobResultStore {
    return jobResultStore(this.writer);
  }

  getRunningJobsRegistry(): RunningJobsRegistry {
    return runningJobsRegistry(this.writer);
  }

  createBlobStore(): BlobStore {
    const { storage, jobId, newId } = this.options;
    const store = blobStore({ storage, jobId, newId, warn: this.warn });
    this.blobs.push(store);
    return store;
  }

  getLedgerStore(): LedgerStore {
    return this.ledger;
  }

  private async past(): Promise<StoredPast> {
    const { storage, jobId, epochElsewhere } = this.options;
    const past = await storedPast(storage, jobId);
    if (past.epoch > 0 || epochElsewhere === undefined) return past;
    return { ...past, epoch: await epochElsewhere() };
  }

  async takeOverStorage(): Promise<void> {
    const { backend, storage, jobId, newId } = this.options;
    const { epoch } = this.writer;
    if (epoch === undefined) throw new NotLeaderException('a mark of its epoch', backend.handles.name);
    await storage.write(`${haDirectory(jobId)}/${EPOCH_MARK}-${epoch}-${newId()}`, new Uint8Array(), {
      exclusive: true,
    });
    try {
      await this.sweepStateFiles();
    } catch (error) {
      if (error instanceof NotLeaderException) throw error;
      this.warn(`what earlier leaders have left in ${haDirectory(jobId)} stays: ${messageOf(error)}`);
    }
  }

  async sweepStateFiles(): Promise<number> {
    const { backend, storage, jobId } = this.options;
    const snapshot = await backend.handles.read();
    if (snapshot === undefined) throw new HaObjectMissingException(backend.handles.name);
    if (snapshot.epoch !== this.writer.epoch) throw new NotLeaderException('a sweep', backend.handles.name);
    return sweepStateFiles(storage, jobId, snapshot);
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.throwAll(await tryAll([...this.blobClosings(), ...this.closings()]), 'Could not properly close the services');
  }

  async closeAndCleanupAllData(): Promise<void> {
    this.isClosed = true;
    // The election ends first, or the leader would take the missing object for somebody's mistake. Then the pointers, and
    // only when they are gone the blobs: so nothing ever points to what is not there.
    const pointers = await tryAll([...this.electionClosings(), () => this.removePointers()]);
    const blobs = this.options.storage;
    if (pointers.length > 0) {
      this.warn('Cannot delete HA blobs because we failed to delete the pointers in the HA store.');
    }
    const rest = await tryAll([
      () => this.options.backend.close(),
      () =>
        pointers.length > 0
          ? undefined
          : blobStore({ ...this.options, storage: blobs, warn: this.warn }).cleanupAllData(),
      ...this.blobClosings(),
    ]);
    this.throwAll([...pointers, ...rest], 'Could not properly close and clean up all data of the services');
  }

  async cleanupJobData(jobId: string): Promise<void> {
    this.own(jobId);
    await this.removePointers();
  }

  /** The object first, the files it pointed to second. */
  private async removePointers(): Promise<void> {
    const { backend, storage, jobId } = this.options;
    const snapshot = await backend.handles.read();
    if (snapshot !== undefined) await backend.handles.remove(snapshot.uid);
    await storage.deleteTree(haDirectory(jobId));
  }

  private handles<T>(kind: string, keyFilter: (key: string) => boolean): StateHandleStore<T> {
    const { storage, jobId, newId } = this.options;
    const { writer, warn } = this;
    const files = stateStorage<T>({ storage, directory: haDirectory(jobId), kind, epoch: () => writer.epoch, newId });
    return stateHandleStore({ writer, storage: files, keyFilter, warn });
  }

  private elect(componentId: string): LeaderElection {
    const election = this.election.createLeaderElection(componentId);
    this.elections.add(election);
    return election;
  }

  private electionClosings(): (() => Promise<void>)[] {
    return [...[...this.elections].map((election) => () => election.close()), () => this.election.close()];
  }

  private closings(): (() => Promise<void>)[] {
    return [...this.electionClosings(), () => this.options.backend.close()];
  }

  private blobClosings(): (() => Promise<void>)[] {
    return this.blobs.map((store) => () => store.close());
  }

  private own(jobId: string): string {
    if (jobId === this.options.jobId) return jobId;
    throw new IllegalArgumentException(`these services belong to job ${this.options.jobId}, not to ${jobId}`);
  }

  private throwAll(failures: readonly unknown[], message: string): void {
    for (const failure of failures.slice(1)) this.warn(messageOf(failure));
    if (failures.length > 0) throw new HaServicesException(message, failures);
  }
}
