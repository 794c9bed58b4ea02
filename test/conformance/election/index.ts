/** What every backend owes the election. A backend passes by calling this from a test file. */
import { afterEach } from 'vitest';
import type { HaBackend, LeaseTimes } from '../../../src/ha/index.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { addressesConformance } from './addresses.ts';
import { contendersConformance } from './contenders.ts';
import { Candidate, Retriever } from './processes.ts';
import { termsConformance } from './terms.ts';

/** One job's object and lease, and how processes come to contend for it. */
export interface ElectionFixture {
  /** The backend as one process of the job opens it, with that process's clock. */
  open(clock: Clock): HaBackend;
  /** Makes the lease look as if its holder had gone without a word, and could not be seen to have. */
  abandonLease(holder: string): Promise<void>;
  /** Empties the lease, as somebody who saw its holder end would. */
  emptyLease(): Promise<void>;
  dispose?(): Promise<void> | void;
}

/** What leases use whose end a test waits for, unless their backend needs longer ones. */
export const ELECTION_TIMES = { durationMs: 600, renewDeadlineMs: 400, retryMs: 60 };

/** What leases use that are emptied, not waited for: a busy machine ends no term. */
export const PATIENT_TIMES = { durationMs: 20_000, renewDeadlineMs: 15_000, retryMs: 60 };

/** What a test of the suite begins with. */
export interface ElectionWorld {
  readonly fixture: ElectionFixture;
  /** The object as somebody sees it who does not contend. */
  readonly handles: HaBackend['handles'];
  /** Another process, which stops after the test. */
  process(clock?: Clock, attempt?: number): Candidate;
  /** Somebody who looks for the leader of `job`, until the test ends. */
  newRetriever(): Retriever;
}

export function electionConformance(
  name: string,
  makeFixture: () => Promise<ElectionFixture>,
  times: LeaseTimes = ELECTION_TIMES,
): void {
  const disposals: (() => Promise<unknown> | unknown)[] = [];
  afterEach(async () => {
    for (const dispose of disposals.splice(0).reverse()) await dispose();
  });

  const setUp = async (): Promise<ElectionWorld> => {
    const fixture = await makeFixture();
    disposals.push(() => fixture.dispose?.());
    await fixture.open(systemClock).handles.create(0);
    let count = 0;
    const process = (clock: Clock = systemClock, attempt?: number): Candidate => {
      count += 1;
      const candidate = new Candidate(fixture.open(clock), `process-${count}`, clock, attempt);
      disposals.push(() => candidate.stop());
      return candidate;
    };
    const { handles } = fixture.open(systemClock);
    const newRetriever = (): Retriever => {
      const retriever = new Retriever(handles, 'job');
      disposals.push(() => retriever.stop());
      return retriever;
    };
    return { fixture, process, handles, newRetriever };
  };

  termsConformance(name, setUp, times);
  contendersConformance(name, setUp);
  addressesConformance(name, setUp);
}
