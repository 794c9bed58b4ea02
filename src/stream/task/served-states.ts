/**
 * The worker's end of queryable state: enters what operators make queryable, tells the JobMaster, and answers queries
 * between two turns of the subtasks.
 *
 * Announcements are posted, not confirmed: the port of a worker thread keeps order and loses nothing while the worker
 * lives, and a worker that dies ends the attempt with everything it announced. What is refused fails the job.
 */
import { randomUUID } from 'node:crypto';
import { IllegalArgumentException, IllegalStateException, SuppressRestartsException } from '../../lib/java-errors.ts';
import {
  answerKvStateRequest,
  type KvStateReader,
  KvStateRegistry,
  type KvStateRequest,
  type KvStateResponse,
  TaskKvStateRegistry,
} from '../queryable/index.ts';
import type { KeyedStateBackend, NamespaceKind, TimeWindowLike } from '../state/backend.ts';
import { type StateDescriptor, ValueStateDescriptor } from '../state/descriptors.ts';
import type { Subtask } from './subtask.ts';
import type { FromWorker } from './worker-protocol.ts';

/** The states that the subtasks of one worker serve. */
export class ServedStates {
  readonly #jobId: string;
  readonly #registry = new KvStateRegistry(() => randomUUID().replaceAll('-', ''));
  readonly #tasks: TaskKvStateRegistry[] = [];

  constructor(jobId: string, announce: (message: Extract<FromWorker, { type: 'queryable' }>) => void) {
    this.#jobId = jobId;
    this.#registry.registerListener(jobId, {
      notifyKvStateRegistered: (handle) => announce({ type: 'queryable', registered: true, handle }),
      notifyKvStateUnregistered: (handle) => announce({ type: 'queryable', registered: false, handle }),
    });
  }

  /** Serves the queryable states of a subtask from the moment its operators make them. */
  watch(subtask: Subtask): void {
    const task = new TaskKvStateRegistry(this.#registry, this.#jobId, subtask.vertex.id);
    this.#tasks.push(task);
    for (const { node, backend } of subtask.chain.operators) {
      if (backend !== undefined) serveStatesOf(backend, node.operatorId, task);
    }
  }

  /** Reads a key. Never throws for what the state or the question is. */
  answer(request: KvStateRequest): KvStateResponse {
    return answerKvStateRequest(this.#registry, request, this);
  }

  /** Takes everything back, before the state is disposed of. */
  unregisterAll(): void {
    for (const task of this.#tasks) task.unregisterAll();
  }
}

function serveStatesOf(backend: KeyedStateBackend, operatorId: string, task: TaskKvStateRegistry): void {
  const stateNames = new Map<string, string>();
  backend.onQueryable = (registrationName, descriptor, namespace) => {
    refuseSecondState(stateNames.get(registrationName), registrationName, descriptor.name);
    stateNames.set(registrationName, descriptor.name);
    task.registerKvState({
      operatorId,
      keyGroupRange: { startKeyGroup: backend.firstKeyGroup, endKeyGroup: backend.lastKeyGroup },
      registrationName,
      state: { newReader: () => readerOf(backend, descriptor, namespace) },
    });
  };
}

/** The registry tells operators apart, not the states of one: two of them under one name would hide each other. */
function refuseSecondState(holder: string | undefined, registrationName: string, stateName: string): void {
  if (holder === undefined) return;
  throw new SuppressRestartsException(
    new IllegalStateException(
      `Registration name clash. States "${holder}" and "${stateName}" of one operator are both queryable as ` +
        `'${registrationName}'. Give each its own name with setQueryable.`,
    ),
  );
}

function readerOf(backend: KeyedStateBackend, descriptor: StateDescriptor, kind: NamespaceKind): KvStateReader {
  const fallback = descriptor instanceof ValueStateDescriptor ? descriptor.defaultValue : undefined;
  return {
    read(key, namespace) {
      checkNamespace(descriptor.name, kind, namespace);
      const value = backend.query(descriptor.name, key, namespace as TimeWindowLike | undefined);
      return value === undefined ? { found: false, default: fallback } : { found: true, value };
    },
  };
}

function checkNamespace(stateName: string, kind: NamespaceKind, namespace: unknown): void {
  if ((kind === 'window') === (namespace !== undefined)) return;
  throw new IllegalArgumentException(
    kind === 'window'
      ? `State "${stateName}" has one value per key and window. Name the window: namespace=START,END in milliseconds, END exclusive.`
      : `State "${stateName}" has one value per key, without a namespace. Leave the namespace out.`,
  );
}
