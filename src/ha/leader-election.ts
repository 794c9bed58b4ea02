/**
 * Leader election for the components of one process: they share one lease, one epoch and one session id. Follows Flink's
 * DefaultLeaderElectionService.
 *
 *     contender ──► LeaderElection ──► service ──► driver ──► lease won ──► epoch raised ──► grant(session)
 *                                         ▲                                                     │
 *                                         └── lease lost, or a write found a later epoch ──► revoke, for good
 *
 * A process leads once. After a revocation it must exit; contending again would need new services. The service never
 * waits for a contender.
 */
import { IllegalStateException } from '../lib/java-errors.ts';
import { LeaderElectionException } from './errors.ts';
import type { Epoch } from './handle-backend.ts';
import type { LeaderInformation } from './leader-information.ts';

/** A term of leadership. Every message of the leader carries the id, every write the epoch. */
export interface LeaderSession {
  /** A new random UUID for each grant. */
  readonly sessionId: string;
  readonly epoch: Epoch;
}

/** What wants to lead. Called once for each event, never while another call of the service waits for the answer. */
export interface LeaderContender {
  grantLeadership(session: LeaderSession): void | Promise<void>;
  revokeLeadership(cause: Error | undefined): void | Promise<void>;
  handleError(error: Error): void;
}

/** The election of one component. */
export interface LeaderElection {
  /** Begins to contend. A contender that comes while this process leads is granted at once. */
  startLeaderElection(contender: LeaderContender): void;
  /**
   * Tells others where the leader is, once it is ready. A session that is no longer this process's is ignored; a second
   * time for one session is an IllegalStateException.
   */
  confirmLeadership(sessionId: string, address: string): Promise<void>;
  /** Whether this process leads now, in this session. */
  hasLeadership(sessionId: string): boolean;
  /** Stops contending; leads no longer. The last one to close gives the lease back. */
  close(): Promise<void>;
}

/** Hands out elections by component. */
export interface LeaderElectionService {
  /** The election of a component; an IllegalStateException when it has one already, or the service is closed. */
  createLeaderElection(componentId: string): LeaderElection;
  close(): Promise<void>;
}

/** What a driver reports, in order. */
export interface LeaderElectionListener {
  granted(session: LeaderSession): void;
  /** The term is over, and no other will come. */
  revoked(cause: Error | undefined): void;
  /** What others find as the leaders' addresses, whenever it changes while this process leads. */
  informationChanged(found: ReadonlyMap<string, LeaderInformation>): void;
  failed(error: Error): void;
}

/** One process's part in one election. */
export interface LeaderElectionDriver {
  start(): void;
  /** Whether this process leads, by its own clock and by all it has seen. */
  hasLeadership(): boolean;
  /** Publishes a component's address, or removes it. Nothing happens when this process does not lead. */
  publish(componentId: string, information: LeaderInformation | undefined): Promise<void>;
  /** Stops contending, writes what is queued, and gives the lease back last. */
  close(): Promise<void>;
}

export type LeaderElectionDriverFactory = (listener: LeaderElectionListener) => LeaderElectionDriver;

/** The service over a driver, which is made with the first contender and closed after the last. */
export function leaderElectionService(driverFactory: LeaderElectionDriverFactory): LeaderElectionService {
  return new DefaultLeaderElectionService(driverFactory);
}

class DefaultLeaderElectionService implements LeaderElectionService, LeaderElectionListener {
  private readonly driverFactory: LeaderElectionDriverFactory;
  private readonly elections = new Map<string, LeaderContender | undefined>();
  private readonly confirmed = new Map<string, LeaderInformation>();
  private driver: LeaderElectionDriver | undefined;
  private session: LeaderSession | undefined;
  private isClosed = false;

  constructor(driverFactory: LeaderElectionDriverFactory) {
    this.driverFactory = driverFactory;
  }

  createLeaderElection(componentId: string): LeaderElection {
    if (this.isClosed) throw new IllegalStateException('The leader election service is closed.');
    if (this.elections.has(componentId)) {
      throw new IllegalStateException(`There is a leader election for the component ${componentId} already.`);
    }
    this.elections.set(componentId, undefined);
    return {
      startLeaderElection: (contender) => this.register(componentId, contender),
      confirmLeadership: (sessionId, address) => this.confirm(componentId, { sessionId, address }),
      hasLeadership: (sessionId) => this.leads(componentId, sessionId),
      close: () => this.remove(componentId),
    };
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    if (this.contenders().length > 0) {
      throw new IllegalStateException('The leader election service cannot be closed while there are contenders.');
    }
    this.isClosed = true;
    await this.closeDriver();
  }

  granted(session: LeaderSession): void {
    this.session = session;
    for (const [, contender] of this.contenders()) this.tell(contender, () => contender.grantLeadership(session));
  }

  revoked(cause: Error | undefined): void {
    if (this.session === undefined) return;
    this.session = undefined;
    this.confirmed.clear();
    for (const [, contender] of this.contenders()) this.tell(contender, () => contender.revokeLeadership(cause));
  }

  informationChanged(found: ReadonlyMap<string, LeaderInformation>): void {
    // Only what was confirmed here is corrected; entries of components unknown to this process are left alone.
    for (const [componentId, ours] of this.confirmed) {
      const theirs = found.get(componentId);
      if (theirs?.sessionId !== ours.sessionId || theirs.address !== ours.address) this.publish(componentId, ours);
    }
  }

  failed(error: Error): void {
    const told =
      error instanceof LeaderElectionException ? error : new LeaderElectionException(error.message, { cause: error });
    for (const [, contender] of this.contenders()) contender.handleError(told);
  }

  private register(componentId: string, contender: LeaderContender): void {
    if (this.isClosed) throw new IllegalStateException('The leader election service is closed.');
    if (!this.elections.has(componentId) || this.elections.get(componentId) !== undefined) {
      throw new IllegalStateException(`The component ${componentId} contends already, or its election was closed.`);
    }
    this.elections.set(componentId, contender);
    const { session } = this;
    // Granted later, so that the caller has finished with what it was doing; by then the session may be over.
    if (session !== undefined) queueMicrotask(() => this.grantLate(componentId, contender, session));
    if (this.driver === undefined) {
      this.driver = this.driverFactory(this);
      this.driver.start();
    }
  }

  private grantLate(componentId: string, contender: LeaderContender, session: LeaderSession): void {
    if (this.session !== session || this.elections.get(componentId) !== contender) return;
    this.tell(contender, () => contender.grantLeadership(session));
  }

  private async confirm(componentId: string, information: LeaderInformation): Promise<void> {
    if (!this.leads(componentId, information.sessionId)) return;
    if (this.confirmed.has(componentId)) {
      throw new IllegalStateException(`The leadership of ${componentId} was confirmed already.`);
    }
    this.confirmed.set(componentId, information);
    await this.driver?.publish(componentId, information);
  }

  private leads(componentId: string, sessionId: string): boolean {
    return (
      this.elections.get(componentId) !== undefined &&
      this.session?.sessionId === sessionId &&
      this.driver?.hasLeadership() === true
    );
  }

  private async remove(componentId: string): Promise<void> {
    if (!this.elections.has(componentId)) return;
    const contender = this.elections.get(componentId);
    this.elections.delete(componentId);
    this.confirmed.delete(componentId);
    if (contender !== undefined && this.session !== undefined) {
      this.tell(contender, () => contender.revokeLeadership(undefined));
      await this.driver?.publish(componentId, undefined);
    }
    if (this.contenders().length === 0) await this.closeDriver();
  }

  private async closeDriver(): Promise<void> {
    const { driver } = this;
    this.driver = undefined;
    this.session = undefined;
    await driver?.close();
  }

  private publish(componentId: string, information: LeaderInformation): void {
    this.driver?.publish(componentId, information).catch((error: Error) => this.failed(error));
  }

  private contenders(): [string, LeaderContender][] {
    return [...this.elections].filter((entry): entry is [string, LeaderContender] => entry[1] !== undefined);
  }

  /** Calls a contender without waiting for it. What it throws is its own to handle, by name. */
  private tell(contender: LeaderContender, call: () => void | Promise<void>): void {
    Promise.resolve()
      .then(call)
      .catch((error: unknown) => {
        contender.handleError(
          new LeaderElectionException('a contender failed on a leadership event', { cause: error }),
        );
      });
  }
}
