/**
 * Which reason of the table fits a job: its resource, and what its pods suffer from, in; one explanation out. Pure. The
 * first that speaks decides: deletion, an operator that is away, what cannot go on, pods that cannot run, what is under
 * way, what a running job should be helped with.
 */
import { formatDurationMs } from '../lib/durations.ts';
import { type ExplainFacts, type Explanation, explain, isReason, needsSomebody, type Reason } from './explain.ts';
import type { FlinkJobStatus } from './flink-job.ts';

/** A FlinkJob as it was read, as far as its explanation needs it. */
export interface ObservedJob {
  readonly metadata?: {
    readonly name?: string | undefined;
    readonly namespace?: string | undefined;
    readonly generation?: number | undefined;
    /** RFC 3339; anything else counts as not known. */
    readonly creationTimestamp?: unknown;
    readonly deletionTimestamp?: unknown;
  };
  readonly spec?: { readonly state?: string | undefined };
  readonly status?: Partial<FlinkJobStatus> | undefined;
}

/** What keeps a pod from running, or ended it. */
export interface PodTrouble {
  readonly reason: Reason;
  readonly pod: string;
  readonly detail?: string | undefined;
  readonly node?: string | undefined;
  readonly image?: string | undefined;
  readonly memory?: string | undefined;
}

/** An explanation and the word it stands under. */
export interface JobExplanation extends Explanation {
  readonly reason: Reason;
}

/** What is known besides the resource. */
export interface ExplainContext {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly pods?: readonly PodTrouble[];
  /** What the job waits for at this moment, as its pods tell. */
  readonly doing?: string | undefined;
  /** When somebody changed the spec last; tells an operator that is away from one that has only just been asked. */
  readonly changedAt?: number | undefined;
}

/** An operator that runs writes a status within moments. */
const OPERATOR_ANSWERS_WITHIN_MS = 60_000;

/** Why the job is where it is. Never throws, whatever the status says. */
export function explainJob(job: ObservedJob, context: ExplainContext): JobExplanation {
  const found = caseOf(job, context);
  const { name, namespace } = job.metadata ?? {};
  const latest = job.status?.checkpoint?.latest;
  const facts: ExplainFacts = {
    job: name,
    namespace,
    checkpoint: latest === undefined ? undefined : `checkpoint ${latest.id}`,
    ...found.facts,
  };
  return { reason: found.reason, ...told(found.reason, facts) };
}

interface Case {
  readonly reason: Reason;
  readonly facts?: ExplainFacts;
}

function caseOf(job: ObservedJob, context: ExplainContext): Case {
  const status = job.status ?? {};
  return (
    beingDeleted(job) ??
    unseen(job, context) ??
    stalled(status) ??
    worstPod(status, context.pods ?? []) ??
    underWay(job, context) ??
    ended(status) ??
    unwell(status) ?? { reason: isReady(status) ? 'Succeeded' : 'Progressing' }
  );
}

function beingDeleted({ metadata, status }: ObservedJob): Case | undefined {
  if (metadata?.deletionTimestamp === undefined) return undefined;
  const said = status?.conditions?.find(({ reason }) => reason === 'Deleting')?.message;
  return { reason: 'Deleting', facts: { detail: status?.lastError?.message ?? said } };
}

/** Nobody has written a status, or none for the newest spec. */
function unseen({ metadata, status }: ObservedJob, { now, changedAt }: ExplainContext): Case | undefined {
  const observed = status?.observedGeneration ?? -1;
  const generation = metadata?.generation ?? 0;
  if (observed >= generation) return undefined;
  const since = observed < 0 ? timeOf(metadata?.creationTimestamp) : changedAt;
  const waitedMs = now - (since ?? now);
  const detail = observed < 0 ? undefined : `generation ${generation} waits, ${observed} was seen last`;
  if (waitedMs < OPERATOR_ANSWERS_WITHIN_MS) {
    return { reason: 'Progressing', facts: { detail: detail ?? 'the operator has not looked at it yet' } };
  }
  return { reason: 'OperatorAbsent', facts: { detail, period: minutesText(waitedMs) } };
}

function stalled(status: Partial<FlinkJobStatus>): Case | undefined {
  const { conditions, lastError, rootException, phase } = status;
  const condition = conditionOf(conditions, 'Stalled', 'True');
  if (condition === undefined && phase !== 'Failed') return undefined;
  const ready = conditionOf(conditions, 'Ready', 'False');
  const word = [condition?.reason, ready?.reason].find((reason) => reason !== undefined && isReason(reason));
  return {
    reason: word !== undefined && isReason(word) ? word : 'RestartsExhausted',
    facts: { detail: condition?.message ?? ready?.message ?? lastError?.message ?? rootException },
  };
}

/** Pods matter while the job is to run and does not; a pod that was replaced is no news. */
function worstPod(status: Partial<FlinkJobStatus>, pods: readonly PodTrouble[]): Case | undefined {
  if (status.phase === 'Suspended' || status.phase === 'Succeeded' || status.phase === 'Running') return undefined;
  const worst = pods.find(({ reason }) => needsSomebody(reason)) ?? pods[0];
  if (worst !== undefined) {
    const { reason, ...facts } = worst;
    return { reason, facts };
  }
  const condition = conditionOf(status.conditions, 'PodsHealthy', 'False');
  return condition !== undefined && isReason(condition.reason)
    ? { reason: condition.reason, facts: { detail: condition.message } }
    : undefined;
}

function underWay({ status = {} }: ObservedJob, { now, doing }: ExplainContext): Case | undefined {
  const { restarts, phase } = status;
  if (phase === 'Restarting') {
    const leftMs = restarts?.nextAt === undefined ? 0 : Date.parse(restarts.nextAt) - now;
    const nextAt = leftMs > 0 ? `in ${formatDurationMs(Math.ceil(leftMs / 1_000) * 1_000)}` : undefined;
    return { reason: 'ProgressingWithRetry', facts: { detail: restarts?.lastCause, nextAt } };
  }
  const condition = conditionOf(status.conditions, 'Reconciling', 'True');
  if (condition === undefined) return undefined;
  const reason = isReason(condition.reason) ? condition.reason : 'Progressing';
  // What a condition does not say, because it changes from one moment to the next.
  const isBare = condition.message === explain(reason).cause;
  return { reason, facts: { detail: isBare && doing !== undefined ? doing : condition.message } };
}

function ended({ phase }: Partial<FlinkJobStatus>): Case | undefined {
  if (phase === 'Suspended') return { reason: 'Suspended' };
  return phase === 'Succeeded' ? { reason: 'Finished' } : undefined;
}

/** A job that runs and should be looked at all the same. */
function unwell(status: Partial<FlinkJobStatus>): Case | undefined {
  const { conditions, savepoints, revision } = status;
  const storage = conditionOf(conditions, 'StorageReachable', 'False');
  const isApart = storage?.reason === 'StorageNotShared';
  if (storage !== undefined && !isApart) return { reason: 'StorageUnreachable', facts: { detail: storage.message } };
  const checkpoints = conditionOf(conditions, 'CheckpointHealthy', 'False');
  if (checkpoints !== undefined) return { reason: 'CheckpointsFailing', facts: { detail: checkpoints.message } };
  const rolledBack = conditionOf(conditions, 'RolledBack', 'True');
  if (rolledBack !== undefined) return { reason: 'RolledBack', facts: { detail: rolledBack.message, revision } };
  if (isApart) return { reason: 'StorageNotShared', facts: { detail: storage.message } };
  const [newest] = savepoints ?? [];
  if (newest?.state === 'Failed' || newest?.state === 'Expired') {
    return { reason: 'SavepointFailed', facts: { detail: newest.cause } };
  }
  return undefined;
}

/** The words of the table; where the message is made of them already, the message itself, cause and remedy apart. */
function told(reason: Reason, facts: ExplainFacts): Explanation {
  const { detail = '' } = facts;
  if (!isMadeFromTable(detail, reason)) return explain(reason, facts);
  const at = detail.indexOf(` ${commonStart(explain(reason).remedy, explain(reason, EVERYTHING).remedy)}`);
  if (at > 0) return { cause: detail.slice(0, at), remedy: detail.slice(at + 1) };
  return { cause: detail, remedy: explain(reason, { ...facts, detail: undefined }).remedy };
}

const MARK = '\u0000';
const EVERYTHING: Required<ExplainFacts> = {
  job: MARK,
  namespace: MARK,
  detail: MARK,
  pod: MARK,
  node: MARK,
  image: MARK,
  memory: MARK,
  nextAt: MARK,
  checkpoint: MARK,
  revision: MARK,
  period: MARK,
};

/** Shorter ones may be in anybody's message. */
const TELLING_LENGTH = 12;

/** Whether a message has a stretch of the table's cause in it, whatever facts it was made with. */
function isMadeFromTable(message: string, reason: Reason): boolean {
  const known = [explain(reason).cause, ...stretches(explain(reason, EVERYTHING).cause)].map(bare);
  return known.some((stretch) => stretch.length >= TELLING_LENGTH && message.includes(stretch));
}

/** What stands between the facts. */
function stretches(text: string): string[] {
  return text.split(MARK);
}

function commonStart(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return a.slice(0, length);
}

function bare(stretch: string): string {
  return stretch.replace(/^[:;. ]+|[:;. ]+$/g, '');
}

type Conditions = NonNullable<FlinkJobStatus['conditions']>;

function conditionOf(
  conditions: Conditions | undefined,
  type: string,
  status: 'True' | 'False',
): Conditions[number] | undefined {
  return conditions?.find((condition) => condition.type === type && condition.status === status);
}

function isReady({ conditions, phase }: Partial<FlinkJobStatus>): boolean {
  return conditionOf(conditions, 'Ready', 'True') !== undefined || phase === 'Running';
}

function timeOf(text: unknown): number | undefined {
  const at = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}

function minutesText(durationMs: number): string {
  const minutes = Math.floor(durationMs / 60_000);
  return minutes < 60 ? `${minutes}m` : `${Math.floor(minutes / 60)}h${minutes % 60}m`;
}
