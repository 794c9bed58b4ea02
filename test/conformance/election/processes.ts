import {
  FencedWriter,
  type HaBackend,
  type HandleBackend,
  type LeaderContender,
  type LeaderElection,
  type LeaderElectionService,
  type LeaderSession,
  LeaseElectionDriver,
  leaderElectionService,
  leaderRetrievalService,
} from '../../../src/ha/index.ts';
import { putOperation } from '../../../src/ha/state-handle-operations.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';

/** A process of the job: its own writer, elector and service. */
export class Candidate {
  readonly identity: string;
  readonly writer: FencedWriter;
  readonly service: LeaderElectionService;
  private readonly elections: LeaderElection[] = [];

  constructor(backend: HaBackend, identity: string, clock: Clock, attempt: number | undefined) {
    this.identity = identity;
    this.writer = new FencedWriter({ backend: backend.handles, clock: systemClock, random: () => 0.1, retries: 10 });
    this.service = leaderElectionService(
      (listener) =>
        new LeaseElectionDriver({
          writer: this.writer,
          elector: backend.createElector(identity),
          identity,
          attempt,
          clock,
          newSessionId: () => crypto.randomUUID(),
          listener,
        }),
    );
  }

  contend(componentId: string, onGrant: () => void | Promise<void> = () => {}): RecordingContender {
    const election = this.service.createLeaderElection(componentId);
    this.elections.push(election);
    const contender = new RecordingContender(election, onGrant);
    election.startLeaderElection(contender);
    return contender;
  }

  write(value: string) {
    return this.writer.submit(putOperation('value', value, { grows: false }));
  }

  async stop(): Promise<void> {
    for (const election of this.elections) await election.close();
    await this.service.close();
  }
}

/** Remembers what the election tells it. */
export class RecordingContender implements LeaderContender {
  readonly election: LeaderElection;
  readonly grants: LeaderSession[] = [];
  readonly revocations: (Error | undefined)[] = [];
  readonly errors: Error[] = [];
  private readonly onGrant: () => void | Promise<void>;

  constructor(election: LeaderElection, onGrant: () => void | Promise<void>) {
    this.election = election;
    this.onGrant = onGrant;
  }

  get session(): LeaderSession | undefined {
    return this.grants.at(-1);
  }

  get isLeading(): boolean {
    return this.session !== undefined && this.election.hasLeadership(this.session.sessionId);
  }

  grantLeadership(session: LeaderSession): void | Promise<void> {
    this.grants.push(session);
    return this.onGrant();
  }

  revokeLeadership(cause: Error | undefined): void {
    this.revocations.push(cause);
  }

  handleError(error: Error): void {
    this.errors.push(error);
  }

  confirm(address: string): Promise<void> {
    return this.election.confirmLeadership(this.session?.sessionId ?? '', address);
  }
}

/** Remembers the addresses that it is told. */
export class Retriever {
  readonly found: [string | null, string | null][] = [];
  private readonly service;

  constructor(handles: HandleBackend, componentId: string) {
    this.service = leaderRetrievalService(handles, componentId);
    this.service.start({
      notifyLeaderAddress: (address, sessionId) => this.found.push([address, sessionId]),
      handleError: () => {},
    });
  }

  stop(): Promise<void> {
    return this.service.stop();
  }
}

/** Changes entries as somebody else would, whatever happens meanwhile. */
export async function patch(
  handles: HandleBackend,
  entries: Record<string, string>,
  raise: { epoch?: number; attempt?: number } = {},
): Promise<void> {
  for (;;) {
    const seen = await handles.read();
    const answer = await handles.patch({
      expect: { uid: seen?.uid ?? '', epoch: seen?.epoch ?? 0, seq: seen?.seq ?? 0 },
      entries: new Map(Object.entries(entries)),
      raise,
      writer: 'somebody',
    });
    if (answer.answer === 'done') return;
  }
}
