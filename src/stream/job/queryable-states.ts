/**
 * The JobMaster's end of queryable state: enters what workers announce, and asks the owner of a key.
 *
 * The main thread's event loop is the JobMaster's event queue: a message is entered before the next one, or a request, is
 * looked at. A worker posts its announcements before it says that it is deployed, so a running job has told every state
 * that its operators made in `open`.
 */
import type { StateAnswer } from '../../flink/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import { messageOf } from '../../lib/errors.ts';
import type { OperatorNode } from '../graph/job-graph.ts';
import { keyGroupOf } from '../key-groups.ts';
import {
  type JobAvailability,
  JobMasterKvStateGateway,
  KvStateChannel,
  KvStateClient,
  KvStateLocationRegistry,
} from '../queryable/index.ts';
import type { StateQueryCommand } from '../rest/index.ts';
import type { FromWorker } from '../task/worker-protocol.ts';
import type { ExecutionGraph } from './execution-graph.ts';
import type { JobMaster, JobMasterState } from './job-master.ts';
import { isFinal } from './job-view-of.ts';
import { keyFromText, windowFromText } from './key-from-text.ts';
import type { JobOutcome } from './settings.ts';

/** The queryable states of one attempt. Hears of them from when it is made: before the JobMaster runs. */
export class QueryableStates {
  readonly #master: JobMaster;
  readonly #gateway: JobMasterKvStateGateway;
  readonly #client: KvStateClient;
  /** By worker; emptied when the workers are gone. */
  readonly #channels = new Map<number, KvStateChannel>();
  readonly #closed = new AbortController();
  #registry: { readonly execution: ExecutionGraph; readonly of: KvStateLocationRegistry } | undefined;

  constructor(master: JobMaster) {
    const { jobId, clock, attempt } = master.options;
    this.#master = master;
    this.#gateway = new JobMasterKvStateGateway({
      jobId,
      eventQueue: { run: async (event) => event() },
      registry: () => this.#currentRegistry(),
    });
    this.#client = new KvStateClient({
      jobId,
      clock,
      assignToKeyGroup: keyGroupOf,
      // One process runs one execution: another attempt is another process.
      availability: () => availabilityOf({ ...situationOf(master), execution: attempt }),
      send: async ({ port }, request) => this.#channelTo(port).request(request),
    });
    this.#client.setOracle(this.#gateway);
    master.onOtherMessage = (workerIndex, message) => this.#onMessage(workerIndex, message);
    master.onWorkersGone = () => this.#onWorkersGone();
  }

  /** The value of a key, or why there is none now. `signal` ends the tries. */
  async query(command: StateQueryCommand, signal: AbortSignal): Promise<StateAnswer> {
    const availability = availabilityOf({ ...situationOf(this.#master), execution: 0 });
    // Told at once: what the caller waits for, it knows better than this process, which may be about to end.
    if (availability.status === 'unavailable') return availability;
    const operator = this.#holderOf(command.stateName);
    if (operator === undefined || (command.operatorUid !== undefined && command.operatorUid !== operator.uid)) {
      return { status: 'unknownState' };
    }
    const question = questionOf(command, operator);
    return 'problem' in question
      ? { status: 'badRequest', message: question.problem }
      : this.#client.query(question, AbortSignal.any([signal, this.#closed.signal]));
  }

  /** Queries under way end with the reason they have met so far. */
  close(): void {
    this.#closed.abort();
  }

  #holderOf(stateName: string): OperatorNode | undefined {
    const location = this.#currentRegistry()?.getKvStateLocation(stateName);
    return this.#registry?.execution.graph.operators.find(({ operatorId }) => operatorId === location?.operatorId);
  }

  /** A deployment that is tried again from an older checkpoint has another execution graph, and a registry of its own. */
  #currentRegistry(): KvStateLocationRegistry | undefined {
    const { execution, options } = this.#master;
    if (execution === undefined) return undefined;
    if (this.#registry?.execution !== execution) {
      const of = new KvStateLocationRegistry(options.jobId, {
        maxParallelismOf: (id) => execution.graph.vertices.find((vertex) => vertex.id === id)?.maxParallelism,
        failVertex: (id, cause) => this.#failVertex(execution, id, cause),
      });
      this.#registry = { execution, of };
    }
    return this.#registry.of;
  }

  #failVertex(execution: ExecutionGraph, vertexId: string, cause: Error): void {
    const now = this.#master.options.clock.now();
    for (const subtask of execution.all()) {
      if (subtask.vertexId === vertexId && subtask.endedAt === undefined) execution.move(subtask, 'FAILED', now);
    }
    this.#master.fail(cause);
  }

  #onMessage(workerIndex: number, message: FromWorker): void {
    if (message.type === 'queryResult') this.#channels.get(workerIndex)?.receive(message);
    if (message.type === 'queryable') this.#enter(workerIndex, message);
  }

  /** Nothing is lost on the way (see task/served-states.ts), so one that is refused is wrong for good. */
  #enter(workerIndex: number, { registered, handle }: Extract<FromWorker, { type: 'queryable' }>): void {
    const { jobId, ...entry } = handle;
    if (registered) {
      const address = { host: 'worker', port: workerIndex };
      this.#gateway.notifyKvStateRegistered(jobId, { ...entry, address }).catch((error: Error) => {
        this.#master.fail(error);
      });
      return;
    }
    this.#gateway.notifyKvStateUnregistered(jobId, entry).catch((error: unknown) => {
      this.#master.options.log.warn(`queryable state ${handle.registrationName} was not taken back`, {
        cause: messageOf(error),
      });
    });
  }

  #channelTo(workerIndex: number): KvStateChannel {
    const known = this.#channels.get(workerIndex);
    if (known !== undefined) return known;
    const made = new KvStateChannel((message) => this.#master.pool().send(workerIndex, { type: 'query', ...message }));
    this.#channels.set(workerIndex, made);
    return made;
  }

  #onWorkersGone(): void {
    for (const channel of this.#channels.values()) channel.close('the worker has ended');
    this.#channels.clear();
  }
}

/** What decides whether the job can answer. */
export interface Situation {
  readonly state: JobMasterState;
  readonly attempt: number;
  readonly outcome: JobOutcome | undefined;
  /** The state it restores was stored at another parallelism. */
  readonly isRescale: boolean;
}

/** Whether the job can answer queries, and if not, what its caller may wait for. */
export function availabilityOf({
  state,
  attempt,
  outcome,
  isRescale,
  execution,
}: Situation & { readonly execution: number }): JobAvailability {
  switch (state) {
    case 'RUNNING':
      return { status: 'running', execution };
    case 'INITIALIZING':
      if (isRescale) return { status: 'unavailable', reason: 'rescaling' };
      return { status: 'unavailable', reason: attempt > 1 ? 'restarting' : 'notReady' };
    case 'FAILING':
    case 'FAILED': {
      const isOver = outcome?.outcome === 'failed' && isFinal(outcome.error);
      return { status: 'unavailable', reason: isOver ? 'terminated' : 'restarting' };
    }
    // Stopped without a savepoint: whoever stopped this process, or another one, runs the job again.
    case 'SUSPENDED':
      return { status: 'unavailable', reason: 'restarting' };
    case 'FINISHED':
    case 'CANCELLING':
    case 'CANCELED':
      return { status: 'unavailable', reason: 'terminated' };
    default:
      return assertNever(state);
  }
}

function situationOf({ state, outcome, restored, options }: JobMaster): Situation {
  return { state, outcome, attempt: options.attempt, isRescale: restored?.isRescale ?? false };
}

type Question = Parameters<KvStateClient['query']>[0];

/** A command with its texts read by the types of the operator that holds the state. */
function questionOf(command: StateQueryCommand, operator: OperatorNode): Question | { readonly problem: string } {
  const type = operator.transformation.keyType;
  if (type?.hash === undefined) return { problem: `operator ${operator.uid} has no keys.` };
  const { kind } = type.schema;
  if (command.keyKind !== undefined && command.keyKind !== kind) {
    return { problem: `the keys of state "${command.stateName}" are of kind ${kind}, not ${command.keyKind}.` };
  }
  const key = keyFromText(type, command.key);
  if ('problem' in key) return key;
  const window = command.namespace === undefined ? undefined : windowFromText(command.namespace);
  if (window !== undefined && 'problem' in window) return window;
  return {
    stateName: command.stateName,
    key: key.value,
    keyHash: type.hash(key.value),
    namespace: window?.value,
    operatorId: operator.operatorId,
  };
}
