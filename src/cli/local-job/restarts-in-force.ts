/** The restart strategy of a local job, and what it says of a job that was given up. Pure. */
import {
  NOT_RECOVERABLE,
  type ResolvedRestartStrategy,
  type RestartStrategy,
  resolveRestartStrategy,
} from '../../restart/index.ts';
import { gaveUpText } from '../run/gave-up-text.ts';
import type { LocalJobRecord } from './local-job.ts';

type Record = Pick<LocalJobRecord, 'settings' | 'ledger'>;

/** From what the job was run with last; where that is not known, from its code and the default. */
export function strategyInForce({ settings, ledger }: Record): ResolvedRestartStrategy {
  const code = ledger.restartStrategyInCode as RestartStrategy | undefined;
  return resolveRestartStrategy({ manifest: settings?.restart, code, checkpointing: true });
}

/** Why the job is not started again, in plain words; the ledger has Flink's. Undefined while it may be. */
export function gaveUpOf(record: Record): string | undefined {
  const { gaveUp } = record.ledger;
  if (gaveUp === undefined) return undefined;
  return gaveUpText({ ...strategyInForce(record), unrecoverable: gaveUp.reason === NOT_RECOVERABLE });
}
