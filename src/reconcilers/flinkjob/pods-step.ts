/** Keeps as many pods of the open attempt as it should have. Pure. */
import type { AttemptRecord } from '../../ha/index.ts';
import { type FlinkJobFacts, isOf, livePods, type PodSeen } from './facts.ts';
import type { Step } from './step.ts';

/** Pods that end in a way that counts for nothing are made again after this long, doubled each time. */
const FIRST_REPLACEMENT_MS = 1_000;
const LONGEST_REPLACEMENT_MS = 60_000;
/** What was lost longer ago says nothing about now. */
const FORGOTTEN_MS = 600_000;

/** Undefined when all pods are there. @param lost pods of the attempt that ended, oldest first */
export function podsStep(facts: FlinkJobFacts, open: AttemptRecord, lost: readonly PodSeen[]): Step | undefined {
  const strays = facts.pods.filter((pod) => pod.attempt !== open.number && pod.end === undefined && !pod.isDeleting);
  if (strays.length > 0) return deletionOf(strays, facts.pods);
  if (facts.unmet.length > 0) return { do: 'makeChildren', names: facts.unmet };
  const live = livePods(facts.pods, open.number);
  const wanted = wantedPods(facts, live.length);
  if (live.length > wanted) return { do: 'deletePods', attempts: [], pods: surplus(live, live.length - wanted, facts) };
  if (live.length === wanted) return undefined;
  // Somebody has deleted the record of what it runs, and the spec, by which it is made again, is not valid.
  if (!facts.revisions.has(open.revision ?? '')) return { do: 'rest', because: { reason: 'InvalidSpec' } };
  const mark = leaseMark(open, lost);
  if (facts.leaseFreedOf !== mark) return { do: 'freeLease', attempt: open.number, mark };
  const notBefore = replacementAt(lost, facts.now);
  if (facts.now < notBefore) return { do: 'rest', untilMs: notBefore };
  const first = facts.highestIndex + 1;
  const indexes = Array.from({ length: wanted - live.length }, (_, offset) => first + offset);
  return { do: 'makePods', attempt: open.number, indexes };
}

/** By an invalid spec, which does not say how many stand by, none is made and none is taken away. */
function wantedPods({ desired }: FlinkJobFacts, live: number): number {
  return desired.is === 'valid' ? 1 + desired.settings.highAvailability.standbys : Math.max(1, live);
}

/** Pods that are to go. In one request where they are all of their attempts: what others have said when they ended stays. */
export function deletionOf(pods: readonly PodSeen[], all: readonly PodSeen[]): Step {
  const attempts = new Set(pods.map(({ attempt }) => attempt));
  const isAll = all.every((pod) => !attempts.has(pod.attempt) || pods.includes(pod));
  return { do: 'deletePods', attempts: isAll ? [...attempts] : [], pods };
}

/** What the Lease was looked at for: each pod that ended may have held it. */
function leaseMark(open: AttemptRecord, lost: readonly PodSeen[]): string {
  return `${open.number}/${lost.map(({ uid }) => uid).join(',')}`;
}

/** When the next pod may be made: at once for the first loss of late, later and later for those after it. */
function replacementAt(lost: readonly PodSeen[], now: number): number {
  const late = lost.filter(({ end }) => (end?.at ?? 0) > now - FORGOTTEN_MS);
  const last = late.at(-1)?.end?.at;
  if (last === undefined) return 0;
  return Math.min(last, now) + Math.min(LONGEST_REPLACEMENT_MS, FIRST_REPLACEMENT_MS * 2 ** (late.length - 1));
}

/** Standbys that are not asked for any more: the youngest, never who leads. */
function surplus(live: readonly PodSeen[], count: number, { handles }: FlinkJobFacts): readonly PodSeen[] {
  const leader = handles.is === 'there' ? handles.view.snapshot.leader : '';
  return live
    .filter((pod) => !isOf(pod, leader))
    .sort((a, b) => b.index - a.index)
    .slice(0, count);
}
