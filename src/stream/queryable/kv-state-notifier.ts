/**
 * Brings a task's announcements to the JobMaster: one after the other, in order, each until it is confirmed. Flink sends
 * each once and forgets it, and a lost one makes the state invisible until the job restarts.
 */
import type { Clock } from '../../lib/clock.ts';
import { FlinkJobError } from '../../lib/errors.ts';
import { pause, type RetryLimits, retryDelayMs } from './backoff.ts';
import type { KvStateServerAddress } from './kv-state-location.ts';
import type { KvStateHandle, KvStateRegistryListener } from './kv-state-registry.ts';
import type { KvStateRegistryGateway } from './kv-state-registry-gateway.ts';

/** What {@link KvStateNotifier} is made of. */
export interface KvStateNotifierDeps {
  readonly gateway: KvStateRegistryGateway;
  /** Where this process answers queries. */
  readonly address: KvStateServerAddress;
  readonly clock: Clock;
  /** Told about an announcement the JobMaster refused for good, such as a name clash. */
  readonly onRefused: (handle: KvStateHandle, error: Error) => void;
  /** Pauses between tries. The number of tries is not bounded: only {@link KvStateNotifier.close} ends them. */
  readonly pauses?: Pick<RetryLimits, 'initialDelayMs' | 'maxDelayMs'>;
}

interface Notification {
  readonly registered: boolean;
  readonly handle: KvStateHandle;
}

/** A listener for {@link KvStateRegistry} that retries until confirmed. Made on connect, closed on disconnect. */
export class KvStateNotifier implements KvStateRegistryListener {
  readonly #deps: KvStateNotifierDeps;
  readonly #stopped = new AbortController();
  #last: Promise<void> = Promise.resolve();

  constructor(deps: KvStateNotifierDeps) {
    this.#deps = deps;
  }

  notifyKvStateRegistered(handle: KvStateHandle): void {
    this.#enqueue({ registered: true, handle });
  }

  notifyKvStateUnregistered(handle: KvStateHandle): void {
    this.#enqueue({ registered: false, handle });
  }

  /** Resolves when everything handed in so far is confirmed, refused or given up by {@link close}. */
  settled(): Promise<void> {
    return this.#last;
  }

  /** Gives up what is not confirmed yet. */
  close(): void {
    this.#stopped.abort();
  }

  #enqueue(notification: Notification): void {
    this.#last = this.#last.then(() => this.#deliver(notification));
  }

  async #deliver(notification: Notification): Promise<void> {
    const { clock, pauses, onRefused } = this.#deps;
    const limits = { initialDelayMs: 50, maxDelayMs: 2_000, ...pauses, maxTries: Number.POSITIVE_INFINITY };
    for (let failures = 1; !this.#stopped.signal.aborted; failures++) {
      try {
        await this.#send(notification);
        return;
      } catch (error) {
        if (isRefusal(error)) {
          onRefused(notification.handle, error);
          return;
        }
      }
      await pause(clock, retryDelayMs(limits, failures), this.#stopped.signal);
    }
  }

  async #send({ registered, handle }: Notification): Promise<void> {
    const { jobId, ...entry } = handle;
    const { gateway, address } = this.#deps;
    if (registered) await gateway.notifyKvStateRegistered(jobId, { ...entry, address });
    else await gateway.notifyKvStateUnregistered(jobId, entry);
  }
}

/** An answer of the JobMaster that another try would get again; anything else may be a lost message. */
function isRefusal(error: unknown): error is FlinkJobError {
  return error instanceof FlinkJobError && !error.retryable;
}
