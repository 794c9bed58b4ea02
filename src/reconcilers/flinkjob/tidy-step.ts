/** Revisions beyond the limit go, when nothing else is to be done. Pure. */
import type { Ledger } from '../../ha/index.ts';
import type { FlinkJobFacts } from './facts.ts';
import { obsoleteRevisions } from './revisions.ts';
import type { Step } from './step.ts';

export function tidyStep({ desired, revisions }: FlinkJobFacts, ledger: Ledger): Step | undefined {
  if (desired.is === 'invalid') return undefined;
  const { stable, bad } = ledger.revisions ?? {};
  const inUse = ledger.attempts.at(-1)?.revision;
  const needed = new Set([desired.revision, stable, bad, inUse]);
  const names = obsoleteRevisions(revisions, needed, desired.job.spec.revisionHistoryLimit);
  return names.length === 0 ? undefined : { do: 'deleteRevisions', names };
}
