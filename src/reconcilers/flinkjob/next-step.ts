/**
 * The next step of a job: a pure function of all that is known of it. Called again after each step, until it says that there
 * is nothing to do. Every write order is decided here; in this order, and why:
 *
 *     finalizer            before anything that has to be cleaned up
 *     ControllerRevision   before an attempt says that it runs it; with the finalizer, as it goes with the job by itself
 *     ConfigMap <job>-ha   with the first attempt open in it: one write, so that no crash comes between
 *     attempt opened       before pods carry its number; in the same write as the triggers it answers, and a life it begins
 *     children             before pods that run under their account
 *     Lease freed          after the ledger: the epoch is the fence, the Lease only saves time
 *     pods
 *
 *     attempt closed       before its pods are asked to go: from then on none of them can write
 *     pods gone            before the next attempt is opened
 */
import { type AttemptRecord, type Ledger, type LedgerView, openAttemptOf } from '../../ha/index.ts';
import { type RestartStrategy, resolveRestartStrategy } from '../../restart/index.ts';
import { attemptPods, endsByItselfUntil } from './attempt-end.ts';
import { betweenAttempts } from './between-attempts.ts';
import { type Decision, decide } from './decide.ts';
import { deletionStep } from './deletion-step.ts';
import type { Desired, FlinkJobFacts, PodSeen, RevisionOnRecord } from './facts.ts';
import { handlesStep } from './handles-step.ts';
import { invalidSpec } from './invalid-spec.ts';
import { type ExecutionEnd, isInvalidJob } from './judge.ts';
import { crashCounted, failed, finished, gaveUp, replaced } from './ledger-steps.ts';
import { podsStep } from './pods-step.ts';
import { revisionStep } from './revision-proof.ts';
import { savepointStep } from './savepoint-step.ts';
import { settingsInForce } from './settings-in-force.ts';
import type { Hold, Step } from './step.ts';
import { stopStep, withdrawnStop } from './stop-step.ts';
import { specVersion, stopReason } from './target.ts';
import { tidyStep } from './tidy-step.ts';

export function nextStep(facts: FlinkJobFacts): Step {
  if (facts.object.deletingSince !== undefined) return deletionStep(facts);
  // Everything goes, the job as well, and nothing can be made any more.
  if (facts.isNamespaceTerminating === true) return { do: 'rest' };
  return beforeHandles(facts) ?? withHandles(facts);
}

/** Steps that need no ledger; undefined when there is one to go by. */
function beforeHandles(facts: FlinkJobFacts): Step | undefined {
  const { desired, handles, object } = facts;
  if (handles.is === 'corrupt') return hold({ reason: 'HandlesCorrupt', detail: handles.cause });
  if (desired.is === 'invalid') {
    return handles.is === 'there' ? undefined : hold(invalidSpec(desired.violations));
  }
  if (desired.settings.flink !== undefined) return hold({ reason: 'RuntimeNotSupported' });
  const revision = revisionToRecord(facts, desired);
  if (!object.hasFinalizer) return { do: 'addFinalizer', ...(revision === undefined ? {} : { revision }) };
  return revision === undefined ? handlesStep(facts) : { do: 'recordRevision', revision };
}

function revisionToRecord(
  { revisions, settings }: FlinkJobFacts,
  { revision: name, semantic, job }: Extract<Desired, { is: 'valid' }>,
): RevisionOnRecord | undefined {
  if (revisions.has(name)) return undefined;
  const number = 1 + Math.max(0, ...[...revisions.values()].map((each) => each.number));
  return { name, number, semantic, image: job.spec.image ?? settings.image };
}

function withHandles(facts: FlinkJobFacts): Step {
  if (facts.handles.is !== 'there') return hold({ reason: 'HandlesMissing' });
  const { view } = facts.handles;
  const open = openAttemptOf(view.ledger);
  return open === undefined ? betweenAttempts(facts, view) : withinAttempt(facts, view, open);
}

function withinAttempt(facts: FlinkJobFacts, view: LedgerView, open: AttemptRecord): Step {
  const { ledger } = view;
  const pods = attemptPods(facts, open);
  switch (pods.is) {
    case 'ended': {
      const untilMs = pods.pod === undefined ? endsByItselfUntil(facts, open) : undefined;
      return untilMs === undefined ? attemptEnded(facts, view, pods.end) : { do: 'rest', untilMs };
    }
    case 'leaderCrashed':
      return leaderCrashed(facts, ledger, pods.end, pods.pod);
    case 'running':
      break;
  }
  const reason = stopReason(facts, ledger);
  if (reason !== undefined) {
    const step = stopStep(facts, ledger, open, reason);
    const needsPods = step.do === 'rest' && step.because !== undefined;
    return needsPods ? firstOf([podsStep(facts, open, pods.lost), step]) : step;
  }
  return firstOf([
    podsStep(facts, open, pods.lost),
    savepointStep(facts, open),
    tidyStep(facts, ledger),
    revisionStep(facts, ledger, open),
    withdrawnStop(facts, ledger, open),
  ]);
}

/** The first that does something; where all of them rest, until the first of them has something to do. */
function firstOf(steps: readonly (Step | undefined)[]): Step {
  const busy = steps.find((step) => step !== undefined && step.do !== 'rest');
  if (busy !== undefined) return busy;
  const rests = steps.filter((step) => step?.do === 'rest');
  const untilMs = Math.min(...rests.map((rest) => rest.untilMs ?? Number.POSITIVE_INFINITY));
  const because = rests.find((rest) => rest.because !== undefined)?.because;
  return {
    do: 'rest',
    ...(untilMs === Number.POSITIVE_INFINITY ? {} : { untilMs }),
    ...(because === undefined ? {} : { because }),
  };
}

function hold(because: Hold): Step {
  return { do: 'rest', because };
}

/** What the strategy makes of an end. */
function decisionOn(facts: FlinkJobFacts, ledger: Ledger, end: ExecutionEnd): Decision {
  return decide({
    ledger,
    wanted: 'Running',
    strategy: strategyOf(facts, ledger),
    execution: { is: 'ended', end },
    now: facts.now,
    random: facts.random,
  });
}

function strategyOf(facts: FlinkJobFacts, ledger: Ledger): RestartStrategy {
  const { settings } = facts;
  const job = settingsInForce(facts, ledger);
  return resolveRestartStrategy({
    checkpointing: job?.checkpoints.intervalMs !== 0,
    manifest: job?.restart,
    code: ledger.restartStrategyInCode as unknown as RestartStrategy | undefined,
    operatorDefault: settings.restart,
  }).strategy;
}

function attemptEnded(facts: FlinkJobFacts, view: LedgerView, end: ExecutionEnd): Step {
  const { ledger } = view;
  const decision = decisionOn(facts, ledger, end);
  switch (decision.do) {
    case 'closeFinished': {
      const { savepoint } = decision;
      if (savepoint === undefined) return finished(view, facts.now);
      // Asked for by us, or by hand: either way the next attempt goes on from the savepoint, if there is to be one.
      const cause = `stopped with savepoint ${savepoint}`;
      const say = [{ type: 'Normal', reason: 'SavepointCompleted', note: `The job ${cause}.` }] as const;
      return replaced(ledger, { now: facts.now, cause, savepoint, say });
    }
    case 'closeFailed':
      return failed(ledger, decision, facts.now);
    case 'giveUp':
      return gaveUp(ledger, decision, {
        now: facts.now,
        spec: specVersion(facts.object),
        isInvalid: isInvalidJob(end),
        job: facts.object,
      });
    default:
      throw new TypeError(`the end of an attempt cannot lead to ${decision.do}`);
  }
}

function leaderCrashed(facts: FlinkJobFacts, ledger: Ledger, end: ExecutionEnd, pod: PodSeen): Step {
  const decision = decisionOn(facts, ledger, end);
  if (decision.do === 'closeFailed') return crashCounted(ledger, decision, pod, facts.now);
  if (decision.do === 'giveUp') {
    return gaveUp(ledger, decision, {
      now: facts.now,
      spec: specVersion(facts.object),
      isInvalid: false,
      job: facts.object,
    });
  }
  throw new TypeError(`a crash cannot lead to ${decision.do}`);
}
