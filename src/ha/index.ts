/** High availability: who leads a job, what it has stored, how its attempts went. See README.md. */

export { DEFAULT_LEASE_TIMES, type Elector, type LeaseTimes } from '../lib/elector.ts';
export { type BlobKey, type BlobStore, blobStore } from './blob-store.ts';
export { type CheckpointIdCounter, checkpointIdCounter, INITIAL_CHECKPOINT_ID } from './checkpoint-id-counter.ts';
export {
  type BrokenCheckpoint,
  type CompletedCheckpointStore,
  type CompletedCheckpointStoreOptions,
  recoveredCheckpointStore,
  retainedOrOne,
} from './checkpoint-store.ts';
export {
  CHECKPOINT_NEVER_RETAINED,
  CHECKPOINT_RETAINED_ON_CANCELLATION,
  CHECKPOINT_RETAINED_ON_FAILURE,
  type CheckpointProperties,
  type CompletedCheckpoint,
  isDiscardedOnShutdown,
  isDiscardedOnSubsume,
  SAVEPOINT,
  SYNCHRONOUS_SAVEPOINT,
  subsumed,
} from './completed-checkpoint.ts';
export { EmbeddedHandleBackend } from './embedded/embedded-backend.ts';
export { decideLease, EmbeddedElector, type LeaseFacts, type LeaseRecord } from './embedded/embedded-elector.ts';
export { type EmbeddedHaOptions, embeddedBackend, openEmbeddedHaServices, readEmbeddedLease } from './embedded/open.ts';
export { currentProcess, type Liveness, livenessOf, type ProcessIdentity } from './embedded/process-identity.ts';
export {
  type SetAnswer,
  VERSIONED_FILE_FAULT_POINTS,
  type Versioned,
  VersionedFile,
  type VersionedFileOptions,
} from './embedded/versioned-file.ts';
export {
  AlreadyExistException,
  HaError,
  HaObjectCorruptException,
  HaObjectMissingException,
  HaServicesException,
  HaStoreException,
  LeaderElectionException,
  NotExistException,
  NotLeaderException,
  PossibleInconsistentStateException,
  RemovalFailedException,
  StateTooLargeException,
} from './errors.ts';
export {
  type ExecutionPlan,
  type ExecutionPlanListener,
  type ExecutionPlanStore,
  executionPlanStore,
} from './execution-plan-store.ts';
export { FencedWriter, type FencedWriterOptions, OBJECT_LIMIT_BYTES, type TakeOver } from './fenced-writer.ts';
export {
  type Entries,
  type EntryChanges,
  type EntryLocks,
  type Epoch,
  type HaBeginning,
  type HandleBackend,
  type HandleObserver,
  type HaPatch,
  type HaSnapshot,
  isExpected,
  type PatchAnswer,
  patched,
} from './handle-backend.ts';
export { decodeHandle, encodeLive, encodeMarked, type HandlePointer, type StoredHandle } from './handle-codec.ts';
export {
  type ApplicationStatus,
  endOfJob,
  type JobResult,
  type JobResultStore,
  type JobSummary,
  jobResultStore,
} from './job-result-store.ts';
export { isGloballyTerminal, type JobStatus } from './job-status.ts';
export { keepResult, keptResult } from './kept-result.ts';
export {
  blobDirectory,
  COUNTER_KEY,
  checkpointIdOf,
  checkpointKey,
  epochInName,
  executionPlanKey,
  haDirectory,
  isCheckpointKey,
  isExecutionPlanKey,
  isJobId,
  jobResultKey,
  LAYOUT,
  LAYOUT_KEY,
  LEDGER_KEY,
  leaderKey,
} from './keys.ts';
export { type KubernetesHaOptions, openKubernetesHaServices } from './kubernetes/open.ts';
export {
  type LeaderContender,
  type LeaderElection,
  type LeaderElectionService,
  type LeaderSession,
  leaderElectionService,
} from './leader-election.ts';
export { LeaseElectionDriver, type LeaseElectionDriverOptions } from './leader-election-driver.ts';
export {
  decodeLeaderInformation,
  encodeLeaderInformation,
  type LeaderInformation,
  leadersIn,
} from './leader-information.ts';
export {
  type LeaderRetrievalListener,
  type LeaderRetrievalService,
  leaderRetrievalService,
} from './leader-retrieval.ts';
export {
  type AttemptCause,
  type AttemptEnd,
  type AttemptRecord,
  beginLife,
  closeAttempt,
  decodeLedger,
  EMPTY_LEDGER,
  encodeLedger,
  type FailureEntry,
  type FailureReport,
  forgetFailures,
  forgetStopping,
  forgiveRevision,
  giveUp,
  type HandledTriggers,
  type JsonValue,
  type KnownRevisions,
  LEDGER_LIMIT_BYTES,
  type Ledger,
  ledgerAfterLoss,
  nextAttemptAt,
  noteBegun,
  noteHandled,
  noteRestartStrategyInCode,
  noteRevisions,
  noteStopping,
  openAttempt,
  openAttemptOf,
  recordCrash,
  recordFailure,
  reportFailure,
  type StateLife,
  type Stopping,
  type StopReason,
  waitAnew,
} from './ledger.ts';
export {
  beginningOf,
  emptyLedgerView,
  isBegunWith,
  type LedgerStore,
  type LedgerView,
  type LedgerWritten,
  ledgerStore,
  ledgerViewOf,
  type SupervisorLedger,
  supervisorLedger,
} from './ledger-store.ts';
export { MemoryHa } from './memory/memory-backend.ts';
export { StringResourceVersion } from './resource-version.ts';
export type { JobSchedulingStatus, RunningJobsRegistry } from './running-jobs-registry.ts';
export {
  type CheckpointRecoveryFactory,
  type HaBackend,
  type HaServicesOptions,
  type HighAvailabilityServices,
  haServices,
} from './services.ts';
export {
  BrokenStateException,
  jsonCodec,
  type RetrievableStateHandle,
  type StateCodec,
  type StateStorage,
  type StateStorageOptions,
  stateStorage,
} from './state-handle.ts';
export { type StateHandleStore, type StateHandleStoreOptions, stateHandleStore } from './state-handle-store.ts';
export { highestEpochIn, type StoredPast } from './stored-past.ts';
export { staleNames } from './sweep.ts';
export type { NotDoneReason, WriteOutcome } from './write-outcome.ts';
export { openZooKeeperHaServices, type ZooKeeperHaOptions } from './zookeeper/open.ts';
