/** A change of the spec in words: those that `plan` has before it is applied. Pure. */
import { type FlinkJob, type FlinkJobStatus, plannedChange, specOf } from '../../api/index.ts';
import type { FlinkJobFacts } from './facts.ts';

/** What the words go by. */
type ChangeWordsFacts = Pick<FlinkJobFacts, 'desired' | 'revisions'>;

/** `Restart: spec.args changed. The job restarts from …` @param phase of the job when the change came */
export function changeAnnounced(
  facts: ChangeWordsFacts,
  from: string | undefined,
  to: string | undefined,
  phase: FlinkJobStatus['phase'],
): string | undefined {
  const plan = planOf(facts, from, to, phase);
  if (plan === undefined) return undefined;
  const what = plan.effect === 'rescale' ? 'Rescale' : 'Restart';
  return `${what}: ${changed(plan)} ${plan.words.join(' ')}`;
}

/** `spec.args changed. The job restarts from …`, without the full stop. @param phase absent: it is on its way already */
export function changeUnderWay(
  facts: ChangeWordsFacts,
  from: string | undefined,
  to: string | undefined,
  phase?: FlinkJobStatus['phase'],
): string | undefined {
  const plan = planOf(facts, from, to, phase);
  if (plan === undefined) return undefined;
  return [changed(plan), ...(phase === undefined ? [] : plan.words)].join(' ').replace(/\.$/, '');
}

type Plan = ReturnType<typeof plannedChange>;

function planOf(
  { desired, revisions }: ChangeWordsFacts,
  from: string | undefined,
  to: string | undefined,
  phase: FlinkJobStatus['phase'],
): Plan | undefined {
  const before = revisions.get(from ?? '');
  const after = revisions.get(to ?? '');
  if (before === undefined || after === undefined || desired.is === 'invalid') return undefined;
  const { job } = desired;
  const at = ({ semantic }: typeof before): FlinkJob => ({ ...job, spec: specOf(semantic, job.spec) });
  const plan = plannedChange({
    live: at(before),
    wanted: at(after),
    status: { observedGeneration: 0, ...(phase === undefined ? {} : { phase }), ...answered(job) },
    refusals: [],
  });
  return plan.fields.length === 0 ? undefined : plan;
}

/** What triggers ask for is no part of the change. */
function answered({ spec: { triggers } }: FlinkJob): Pick<FlinkJobStatus, 'handledTriggers'> {
  return { handledTriggers: triggers };
}

function changed({ fields }: Plan): string {
  return `${fields.map(({ path }) => path).join(', ')} changed.`;
}
