import { IllegalArgumentException } from '../../lib/java-errors.ts';
import { keyGroupOf, operatorIndexForKeyGroup } from '../key-groups.ts';
import type { TimeWindowLike } from '../state/backend.ts';
import { type StateDescriptor, ValueStateDescriptor } from '../state/descriptors.ts';
import type { ChainedOperator } from '../task/operator-chain.ts';
import type { Subtask } from '../task/subtask.ts';

/** Which state is meant. */
export interface StateQuestion {
  readonly descriptor: StateDescriptor;
  readonly key: unknown;
  /** Of the operator; needed where several have a state of that name for that key. */
  readonly uid: string | undefined;
  /** For states inside windows. */
  readonly window: TimeWindowLike | undefined;
}

/**
 * A keyed state as the function would read it, from the subtask that owns the key. Copies: the state cannot be changed
 * through them.
 * @throws IllegalArgumentException where two operators could be meant, or none is keyed
 */
export function readKeyedState(subtasks: readonly Subtask[], question: StateQuestion): unknown {
  const owners = subtasks.flatMap((subtask) =>
    subtask.chain.operators.filter((each) => isOwner(subtask, each, question)),
  );
  if (owners.length === 0) {
    throw new IllegalArgumentException(
      question.uid === undefined
        ? 'No operator of the job is keyed.'
        : `No operator of the job with uid "${question.uid}" is keyed.`,
    );
  }
  const found = owners.flatMap(({ backend }) => {
    const value = backend?.query(question.descriptor.name, question.key, question.window);
    return value === undefined ? [] : [value];
  });
  if (found.length > 1) {
    throw new IllegalArgumentException(
      `Several operators have a state "${question.descriptor.name}" for this key: ${owners.map(({ node }) => node.uid).join(', ')}. Say which one with uid.`,
    );
  }
  return found[0] ?? emptyOf(question.descriptor);
}

function isOwner(subtask: Subtask, { node, backend }: ChainedOperator, { key, uid }: StateQuestion): boolean {
  if (backend?.keyType.hash === undefined || (uid !== undefined && node.uid !== uid)) return false;
  const { subtaskIndex, parallelism } = subtask.info;
  const keyGroup = keyGroupOf(backend.keyType.hash(key), backend.maxParallelism);
  return operatorIndexForKeyGroup(keyGroup, parallelism, backend.maxParallelism) === subtaskIndex;
}

function emptyOf(descriptor: StateDescriptor): unknown {
  switch (descriptor.kind) {
    case 'list':
      return [];
    case 'map':
      return new Map();
    default:
      return descriptor instanceof ValueStateDescriptor ? (descriptor.defaultValue ?? undefined) : undefined;
  }
}
