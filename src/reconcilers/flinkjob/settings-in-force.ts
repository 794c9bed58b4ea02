/** By which settings a job runs: those of its spec, or of the last one that was valid. Pure. */
import { type FlinkJobSettings, jobOfRevision, resolveFlinkJob } from '../../api/index.ts';
import type { Ledger } from '../../ha/index.ts';
import type { FlinkJobFacts } from './facts.ts';

/** While the spec is invalid its Hot fields are not known: they are as if nobody had set them. Undefined: nothing is on record. */
export function settingsInForce(
  { desired, revisions, object }: Pick<FlinkJobFacts, 'desired' | 'revisions' | 'object'>,
  ledger: Ledger,
): FlinkJobSettings | undefined {
  if (desired.is === 'valid') return desired.settings;
  const revision = revisions.get(ledger.attempts.at(-1)?.revision ?? '');
  const { name, namespace } = object;
  return revision === undefined ? undefined : resolveFlinkJob(jobOfRevision({ name, namespace }, revision, undefined));
}
