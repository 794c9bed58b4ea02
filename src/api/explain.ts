/**
 * Why a job is where it is, and what mends it: one closed table, reason → cause → remedy. Conditions, Events and the
 * command line all take their words from here, so that a person reads the same sentence in every place. Pure: facts in,
 * sentences out, and a fact that is not known leaves its part of the sentence out.
 */

import { ANNOTATIONS, LABELS } from './names.ts';

/** Every reason that a condition, an Event or the command line gives. The names of pods' troubles are the kubelet's. */
export const REASONS = [
  'Progressing',
  'ProgressingWithRetry',
  'Succeeded',
  'Suspended',
  'Finished',
  'Deleting',
  'OperatorAbsent',
  'InvalidSpec',
  'InvalidJob',
  'Forbidden',
  'NameConflict',
  'FailedCreate',
  'RestartsExhausted',
  'RestartsSuppressed',
  'RestoreDecisionNeeded',
  'HandlesMissing',
  'HandlesCorrupt',
  'StateTooLarge',
  'StorageUnreachable',
  'StorageNotShared',
  'CheckpointsFailing',
  'SavepointFailed',
  'RolledBack',
  'DeadlineExceeded',
  'VersionMismatch',
  'RuntimeNotSupported',
  'ImagePullBackOff',
  'ErrImagePull',
  'CrashLoopBackOff',
  'RunContainerError',
  'OOMKilled',
  'Unschedulable',
  'FailedMount',
  'CreateContainerConfigError',
  'Evicted',
  'NodeLost',
] as const;

/** One of REASONS. */
export type Reason = (typeof REASONS)[number];

/** What is known of the case; each may be left out. */
export interface ExplainFacts {
  /** Name of the FlinkJob, for the commands of the remedy. */
  readonly job?: string | undefined;
  readonly namespace?: string | undefined;
  /** What the one who noticed it said, e.g. the API server's message; becomes one line without a full stop. */
  readonly detail?: string | undefined;
  readonly pod?: string | undefined;
  readonly node?: string | undefined;
  readonly image?: string | undefined;
  /** Memory limit of the container, as a quantity. */
  readonly memory?: string | undefined;
  /** When it is tried again, as an instant or a duration with its word: `at 10:00:03Z`, `in 4s`. */
  readonly nextAt?: string | undefined;
  /** Where the newest state lies that is known: a URI, or `checkpoint 812`. */
  readonly checkpoint?: string | undefined;
  /** ControllerRevision that runs. */
  readonly revision?: string | undefined;
  /** A period that has run out, or how long something has lasted: `2m`. */
  readonly period?: string | undefined;
}

/** Two texts of whole sentences. */
export interface Explanation {
  /** What is the case, and why. */
  readonly cause: string;
  /** The command or the edit that mends it; where nothing needs mending, what happens by itself. */
  readonly remedy: string;
}

/** The words for a reason. Never throws; what a stranger wrote is repeated in `detail` only. */
export function explain(reason: Reason, facts: ExplainFacts = {}): Explanation {
  return TABLE[reason](facts);
}

/** Whether a word that was read somewhere is a reason of the table. */
export function isReason(word: string): word is Reason {
  return Object.hasOwn(TABLE, word);
}

/** Whether somebody has to do something: false for what goes on, or stands still, as it was asked to. */
export function needsSomebody(reason: Reason): boolean {
  return !BY_ITSELF.has(reason);
}

const BY_ITSELF: ReadonlySet<Reason> = new Set([
  'Progressing',
  'ProgressingWithRetry',
  'Succeeded',
  'Suspended',
  'Finished',
  'Deleting',
  'Evicted',
  'NodeLost',
]);

const TABLE: Readonly<Record<Reason, (facts: ExplainFacts) => Explanation>> = {
  Progressing: (facts) => ({
    cause: `The operator is carrying out what the resource asks for${because(facts)}.`,
    remedy: `Nothing to do: it goes on by itself. ${command('status --watch', facts)} follows it.`,
  }),
  ProgressingWithRetry: (facts) => ({
    cause: `Something failed that is tried again${space(facts.nextAt)}${because(facts)}.`,
    remedy: `Nothing to do while it recovers; if it does not, ${command('logs --previous', facts)} shows what ended the last attempt.`,
  }),
  Succeeded: (facts) => ({
    cause: `The job runs as the resource asks${because(facts)}.`,
    remedy: 'Nothing to do.',
  }),
  Suspended: (facts) => ({
    cause: `The job is suspended, as spec.state asks; its state is kept${within(facts.checkpoint)}.`,
    remedy: `${command('resume', facts)} starts it again from there.`,
  }),
  Finished: (facts) => ({
    cause: `The job has read all of its input and has finished${because(facts)}.`,
    remedy: `Nothing to do. A change of its spec runs it again; ${kubectl('delete', facts)} removes it.`,
  }),
  Deleting: (facts) => ({
    cause: `The resource is being deleted, and its finalizer is not done yet${because(facts)}.`,
    remedy: `Nothing to do: after spec.deletion.timeout it ends by force. ${kubectl('annotate', facts)} ${ANNOTATIONS.forceDelete}=true skips that wait.`,
  }),
  OperatorAbsent: (facts) => ({
    cause: `No operator has looked at this resource${since(facts.period)}: there is no status${because(facts)}.`,
    remedy: `Start the operator, or let it watch ${namespaceText(facts)}; kubectl get pods -A -l ${LABELS.partOf}=flinkjob,${LABELS.component}=operator shows whether it runs.`,
  }),
  InvalidSpec: (facts) => ({
    cause: `The spec cannot be carried out; a job that runs goes on with its last valid revision.${told('What is wrong', facts)}`,
    remedy: `Correct it with ${kubectl('edit', facts)}, or in the file that is applied; flinkjob validate FILE lists everything that is wrong.`,
  }),
  InvalidJob: (facts) => ({
    cause: `The job's program cannot be run, and a restart would not change that${because(facts)}.`,
    remedy: `Correct the program, and apply the job with the new image or source. ${command('logs --previous', facts)} shows the whole message.`,
  }),
  Forbidden: (facts) => ({
    cause: `The API server does not let the operator do what the job needs${because(facts)}.`,
    remedy: `Apply the operator's Role and RoleBinding of its own version in ${namespaceText(facts)} (manifests/rbac.yaml has them); a quota (kubectl describe quota${inNamespace(facts)}) or an admission policy has to allow it, too.`,
  }),
  NameConflict: (facts) => ({
    cause: `An object that the job needs exists already and belongs to something else${because(facts)}.`,
    remedy:
      'Remove that object with kubectl delete, or create the job under another name. The operator takes over nothing that it did not make.',
  }),
  FailedCreate: (facts) => ({
    cause: `An object of the job cannot be created${because(facts)}.`,
    remedy: `Mend what the message names: a quota (kubectl describe quota${inNamespace(facts)}), an admission policy or a field of spec. It is tried again by itself.`,
  }),
  RestartsExhausted: (facts) => ({
    cause: `The job failed more often than its restart strategy allows; its state is kept${within(facts.checkpoint)}.${told('The last failure', facts)}`,
    remedy: `Mend what failed (${command('logs --previous', facts)}), then ${command('restart', facts)}; or change spec, and it starts from its newest state.`,
  }),
  RestartsSuppressed: (facts) => ({
    cause: `The job failed and said that a restart cannot help; its state is kept${within(facts.checkpoint)}.${told('The failure', facts)}`,
    remedy: `Mend what it names, then ${command('restart', facts)}, or apply a changed spec.`,
  }),
  RestoreDecisionNeeded: (facts) => ({
    cause: `What to start from cannot be decided safely; nothing is started, so that no state is lost.${told('What is missing', facts)}`,
    remedy: `${restorePoint(facts)}To give the state up, set spec.upgrade.mode: Stateless.`,
  }),
  HandlesMissing: (facts) => ({
    cause: `The pointers to the job's state are gone, while the job has state${because(facts)}.`,
    remedy: `${restorePoint(facts)}With spec.upgrade.restorePolicy: Auto the operator takes the newest checkpoint on record by itself.`,
  }),
  HandlesCorrupt: (facts) => ({
    cause: `The pointers to the job's state cannot be read; nothing is overwritten.${told('What is wrong', facts)}`,
    remedy:
      `${command('ha verify', facts)} says what is wrong. Put the ConfigMap ${haName(facts)} back from a copy. ${restorePoint(facts)}`.trim(),
  }),
  StateTooLarge: (facts) => ({
    cause: `The ConfigMap ${haName(facts)} comes near 1 MiB, where the API server refuses writes${because(facts)}.`,
    remedy: `Lower spec.checkpoints.retained with ${kubectl('edit', facts)}.`,
  }),
  StorageUnreachable: (facts) => ({
    cause: `The storage of the job cannot be reached${because(facts)}.`,
    remedy:
      'Check spec.storage.uri, the Secret of its credentials or the volume it lies on, and the network of the pods. It is tried again by itself.',
  }),
  StorageNotShared: (facts) => ({
    cause: `The pods of the job do not share its storage, so that one on another node cannot go on from its checkpoints${because(facts)}.`,
    remedy:
      'Put it on a volume that all nodes share, a claim with ReadWriteMany that is mounted in spec.jobManager.podTemplate, or use a storage outside of the cluster.',
  }),
  CheckpointsFailing: (facts) => ({
    cause: `Checkpoints fail; after a restart the job repeats its work since ${facts.checkpoint ?? 'the last one'}.${told('The last failure', facts)}`,
    remedy: `${command('checkpoints', facts)} shows which and why. Too slow: raise spec.checkpoints.timeout. Refused: look at the storage.`,
  }),
  SavepointFailed: (facts) => ({
    cause: `The savepoint could not be taken; the job goes on.${told('The failure', facts)}`,
    remedy: `Mend the cause, then ${command('savepoint', facts)} asks for another.`,
  }),
  RolledBack: (facts) => ({
    cause: `The changed spec did not get stable in time and was rolled back${to(facts.revision)}${because(facts)}.`,
    remedy: `Correct the spec and apply it again (a new revision is tried at once), or ${command('restart', facts)} to try the same once more.`,
  }),
  DeadlineExceeded: (facts) => ({
    cause: `It was not done within its deadline${of(facts.period)}${because(facts)}.`,
    remedy: `${command('events', facts)} shows where the time went; a longer one is set in spec.upgrade.deadline or spec.deletion.timeout.`,
  }),
  VersionMismatch: (facts) => ({
    cause: `The image runs another version of Apache Flink than spec.flink.version says${because(facts)}.`,
    remedy: `Make spec.image and spec.flink.version agree with ${kubectl('edit', facts)}.`,
  }),
  RuntimeNotSupported: (facts) => ({
    cause: `This version of the operator cannot run such a job${because(facts)}.`,
    remedy: 'Use spec.typescript, or an operator whose version has that runtime.',
  }),
  ImagePullBackOff: imageTrouble,
  ErrImagePull: imageTrouble,
  CrashLoopBackOff: (facts) => ({
    cause: `${podText(facts)} ends again and again soon after its start${because(facts)}.`,
    remedy: `${command('logs --previous', facts)} shows how it ended; mend that, or change spec.`,
  }),
  RunContainerError: (facts) => ({
    cause: `The container of ${podName(facts)} cannot be started${because(facts)}.`,
    remedy: `Correct image, command or security context in spec with ${kubectl('edit', facts)}.`,
  }),
  OOMKilled: (facts) => ({
    cause: `${podText(facts)} used more memory than its limit${of(facts.memory)} and was killed${because(facts)}.`,
    remedy: `Raise spec.jobManager.resources.limits.memory with ${kubectl('edit', facts)}, or give the job less state per process.`,
  }),
  Unschedulable: (facts) => ({
    cause: `No node takes ${podName(facts)}${because(facts)}.`,
    remedy: `Lower the requests in spec.jobManager.resources, relax its node selector, affinity or tolerations, or add nodes.`,
  }),
  FailedMount: (facts) => ({
    cause: `A volume of ${podName(facts)} cannot be mounted${because(facts)}.`,
    remedy:
      'Create the claim, Secret or ConfigMap that the message names; a volume that one node holds must be ReadWriteMany for several pods.',
  }),
  CreateContainerConfigError: (facts) => ({
    cause: `The container of ${podName(facts)} refers to something that is not there${because(facts)}.`,
    remedy: `Create the Secret or ConfigMap that the message names in ${namespaceText(facts)}, or correct the name in spec.`,
  }),
  Evicted: (facts) => ({
    cause: `${podText(facts)} was evicted${from(facts.node)}; that counts as no failure of the job.${told('The reason', facts)}`,
    remedy: 'Nothing to do: the pod is made again. If it happens often, give it requests that match what it uses.',
  }),
  NodeLost: (facts) => ({
    cause: `The node${space(facts.node)} of ${podName(facts)} does not answer; that counts as no failure of the job.${told('The reason', facts)}`,
    remedy: `Nothing to do: a standby takes over, or the pod is made again elsewhere. spec.highAvailability.standbys: 1 makes that fast.`,
  }),
};

function imageTrouble(facts: ExplainFacts): Explanation {
  return {
    cause: `The image${space(facts.image)} of ${podName(facts)} cannot be pulled${because(facts)}.`,
    remedy: `Correct spec.image with ${kubectl('edit', facts)}, push the image, or name the Secret of a private registry in spec.jobManager.podTemplate (imagePullSecrets).`,
  };
}

/** `kubectl flinkjob resume flight-delays -n team-a`, to be copied as it stands. */
function command(verb: string, { job, namespace }: ExplainFacts): string {
  return `kubectl flinkjob ${verb} ${job ?? 'JOB'}${inNamespace({ namespace })}`;
}

function kubectl(verb: string, { job, namespace }: ExplainFacts): string {
  return `kubectl ${verb} flinkjob ${job ?? 'JOB'}${inNamespace({ namespace })}`;
}

function restorePoint(facts: ExplainFacts): string {
  const from = facts.checkpoint === undefined ? 'a checkpoint or savepoint' : facts.checkpoint;
  return `To start from ${from}, name its URI in spec.restoreFrom and raise spec.triggers.restore. `;
}

function because(facts: ExplainFacts): string {
  const line = lineOf(facts);
  return line === '' ? '' : `: ${line}`;
}

/** A sentence of its own, where the one before goes on after the cause. */
function told(label: string, facts: ExplainFacts): string {
  const line = lineOf(facts);
  return line === '' ? '' : ` ${label}: ${line}.`;
}

function lineOf({ detail = '' }: ExplainFacts): string {
  return detail
    .replace(/\s+/g, ' ')
    .replace(/[. ]+$/, '')
    .trim();
}

function space(text: string | undefined): string {
  return text === undefined ? '' : ` ${text}`;
}

function within(place: string | undefined): string {
  return place === undefined ? '' : ` in ${place}`;
}

function of(text: string | undefined): string {
  return text === undefined ? '' : ` of ${text}`;
}

function to(text: string | undefined): string {
  return text === undefined ? '' : ` to ${text}`;
}

function from(text: string | undefined): string {
  return text === undefined ? '' : ` from ${text}`;
}

function since(period: string | undefined): string {
  return period === undefined ? '' : ` for ${period}`;
}

function podName({ pod }: ExplainFacts): string {
  return pod === undefined ? 'a pod' : `pod ${pod}`;
}

function podText({ pod }: ExplainFacts): string {
  return pod === undefined ? 'A pod' : `Pod ${pod}`;
}

function haName({ job }: ExplainFacts): string {
  return `${job ?? 'JOB'}-ha`;
}

function namespaceText({ namespace }: ExplainFacts): string {
  return namespace === undefined ? 'its namespace' : `namespace ${namespace}`;
}

function inNamespace({ namespace }: Pick<ExplainFacts, 'namespace'>): string {
  return namespace === undefined ? '' : ` -n ${namespace}`;
}
