/**
 * Asks a running job for one value: key -> key group -> owner -> answer. Follows the query path of Flink's queryable
 * state, with bounded tries and a rule Flink lacks: an answer counts only when the same execution of the job ran before
 * and after it, so a rescale or restart in between gives `unavailable`, never a value of the wrong owner.
 */

import type { StateAnswer, StateUnavailableReason } from '../../flink/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import type { Clock } from '../../lib/clock.ts';
import { DEFAULT_RETRY_LIMITS, pause, type RetryLimits, retryDelayMs } from './backoff.ts';
import {
  KvStateServerUnreachableException,
  UnknownKvStateKeyGroupLocationException,
  UnknownKvStateLocation,
  UnknownLocationException,
} from './errors.ts';
import type { KvStateServerAddress } from './kv-state-location.ts';
import { type AssignToKeyGroup, KvStateLocator } from './kv-state-locator.ts';
import type { KvStateLocationOracle } from './kv-state-registry-gateway.ts';
import type { KvStateRequest, KvStateResponse } from './kv-state-server.ts';

/** Whether the job can answer, and which execution of it does: `execution` differs after each restart and rescale. */
export type JobAvailability =
  | { readonly status: 'running'; readonly execution: number | string }
  | { readonly status: 'unavailable'; readonly reason: StateUnavailableReason };

/** What {@link KvStateClient} is made of. */
export interface KvStateClientDeps {
  readonly jobId: string;
  readonly assignToKeyGroup: AssignToKeyGroup;
  /** The job's situation at this instant. */
  readonly availability: () => JobAvailability;
  /** Asks a server. @throws KvStateServerUnreachableException when it is gone; anything else is thrown on */
  readonly send: (address: KvStateServerAddress, request: KvStateRequest) => Promise<KvStateResponse>;
  readonly clock: Clock;
  readonly retry?: Partial<RetryLimits>;
  /** How long one server may take. @default 2000 */
  readonly tryTimeoutMs?: number;
}

/** An owner that was silent twice is busy in code of the job, for who knows how long: whoever asks is told soon. */
const MOST_SILENT_TRIES = 2;

/** One question. `keyHash` is the hash by which records with this key are routed. */
export interface StateQuestion {
  readonly stateName: string;
  readonly key: unknown;
  readonly keyHash: number;
  readonly namespace?: unknown;
  /** Answer only for a state of this operator. @default any operator */
  readonly operatorId?: string;
}

/** What one try came to: an answer, or the reason to try again. */
type Try =
  | { readonly done: StateAnswer }
  /** `silent`: the owner took the question and did not answer in time. */
  | { readonly again: StateUnavailableReason; readonly silent?: boolean };

/** Queries of one job. */
export class KvStateClient {
  readonly #deps: KvStateClientDeps;
  readonly #limits: RetryLimits;
  readonly #locator: KvStateLocator;
  #execution: number | string | undefined;

  constructor(deps: KvStateClientDeps) {
    this.#deps = deps;
    this.#limits = { ...DEFAULT_RETRY_LIMITS, ...deps.retry };
    this.#locator = new KvStateLocator(deps.jobId, deps.assignToKeyGroup);
  }

  /** Sets who knows locations when the JobMaster is connected; undefined when it goes. */
  setOracle(oracle: KvStateLocationOracle | undefined): void {
    this.#locator.setOracle(oracle);
  }

  /**
   * The answer, after at most `maxTries` tries, or two that were not answered in time. Ends early with the last reason when `signal` fires.
   * @throws FlinkJobNotFoundException when the JobMaster runs another job; what `send` throws beyond its contract
   */
  async query(question: StateQuestion, signal?: AbortSignal): Promise<StateAnswer> {
    let reason: StateUnavailableReason = 'notReady';
    let silent = 0;
    for (let tries = 1; tries <= this.#limits.maxTries; tries++) {
      const outcome = await this.#tryOnce(question, tries > 1);
      if ('done' in outcome) return outcome.done;
      reason = outcome.again;
      // These two do not pass within seconds: the caller is told at once.
      if (reason === 'notLeader' || reason === 'terminated' || signal?.aborted === true) break;
      if (outcome.silent === true && ++silent === MOST_SILENT_TRIES) break;
      if (tries < this.#limits.maxTries) await pause(this.#deps.clock, retryDelayMs(this.#limits, tries), signal);
    }
    return { status: 'unavailable', reason };
  }

  async #tryOnce(question: StateQuestion, forced: boolean): Promise<Try> {
    const before = this.#deps.availability();
    if (before.status === 'unavailable') return { again: before.reason };
    if (before.execution !== this.#execution) {
      this.#execution = before.execution;
      this.#locator.forgetAll();
    }
    const outcome = await this.#ask(question, forced);
    const after = this.#deps.availability();
    if (after.status === 'unavailable') return { again: after.reason };
    return after.execution === before.execution ? outcome : { again: 'restarting' };
  }

  async #ask(question: StateQuestion, forced: boolean): Promise<Try> {
    const { stateName, keyHash, operatorId, key, namespace } = question;
    try {
      const owner = await this.#locator.locate(stateName, keyHash, forced);
      const holder = owner.location.operatorId;
      if (operatorId !== undefined && holder !== undefined && operatorId !== holder) {
        return { done: { status: 'unknownState' } };
      }
      const request: KvStateRequest = { kvStateId: owner.kvStateId, key, namespace };
      return outcomeOf(await this.#sendWithin(owner.address, request));
    } catch (error) {
      return outcomeOfError(error);
    }
  }

  #sendWithin(address: KvStateServerAddress, request: KvStateRequest): Promise<KvStateResponse> {
    const { clock, send, tryTimeoutMs = 2_000 } = this.#deps;
    return new Promise((resolve, reject) => {
      const cancelTimer = clock.setTimer(tryTimeoutMs, () => {
        reject(new SilentOwnerError(`no answer from ${address.host}:${address.port} in ${tryTimeoutMs} ms`));
      });
      send(address, request).then(resolve, reject).finally(cancelTimer);
    });
  }
}

class SilentOwnerError extends KvStateServerUnreachableException {}

function outcomeOf(response: KvStateResponse): Try {
  switch (response.kind) {
    case 'found':
      return { done: { status: 'found', value: response.value, source: 'live' } };
    case 'notFound':
      return {
        done:
          response.default === undefined ? { status: 'notFound' } : { status: 'notFound', default: response.default },
      };
    case 'badRequest':
      return { done: { status: 'badRequest', message: response.message } };
    case 'failed':
      return { done: { status: 'failed', cause: response.cause } };
    case 'unknownKvStateId':
      return { again: 'notReady' };
    default:
      return assertNever(response);
  }
}

function outcomeOfError(error: unknown): Try {
  if (error instanceof UnknownKvStateLocation) return { done: { status: 'unknownState' } };
  if (error instanceof SilentOwnerError) return { again: 'unreachable', silent: true };
  if (error instanceof KvStateServerUnreachableException) return { again: 'unreachable' };
  if (error instanceof UnknownKvStateKeyGroupLocationException || error instanceof UnknownLocationException) {
    return { again: 'notReady' };
  }
  throw error;
}
