/**
 * What of a checkpoint decides whether a job can take it up: which operators it holds, their maximum parallelism, and the
 * kinds and types of their states. No offsets, no hashes: it is small whatever the state's size, and travels as JSON.
 */
import type { KeyedStateMeta } from '../state/backend.ts';
import type { TypeSchema } from '../types/type-information.ts';
import type {
  CheckpointManifest,
  OperatorState,
  OperatorStateHandle,
  OperatorSubtaskState,
  StoredOperator,
} from './manifest.ts';

/** A checkpoint or savepoint in outline. */
export interface StateOutline {
  readonly kind: 'checkpoint' | 'savepoint';
  readonly checkpointId: number;
  readonly jobName: string;
  readonly operators: readonly OperatorOutline[];
}

/** One operator of it. */
export interface OperatorOutline extends StoredOperator {
  /** Whether there is anything to restore. Registered names without entries are nothing. */
  readonly hasState: boolean;
  /** Whether key groups of it are stored, so that its maximum parallelism binds. */
  readonly hasKeyedState: boolean;
  /** Each way in which subtasks had registered their states. */
  readonly keyed: readonly KeyedOutline[];
  readonly operatorState: readonly OperatorStateOutline[];
}

export interface KeyedOutline {
  readonly keyType: TypeSchema;
  readonly states: readonly KeyedStateMeta[];
}

export type OperatorStateOutline = Omit<OperatorStateHandle, 'partitions'>;

/** The outline of a manifest. */
export function outlineOf({ kind, checkpointId, jobName, operators }: CheckpointManifest): StateOutline {
  return { kind, checkpointId, jobName, operators: operators.map(operatorOutline) };
}

/** An outline that came over a wire; undefined: it is none that this version knows. Types in it are not looked into. */
export function outlineFrom(value: unknown): StateOutline | undefined {
  const { kind, checkpointId, jobName, operators } = (value ?? {}) as Partial<Record<keyof StateOutline, unknown>>;
  const isOutline =
    (kind === 'checkpoint' || kind === 'savepoint') &&
    typeof checkpointId === 'number' &&
    typeof jobName === 'string' &&
    Array.isArray(operators) &&
    operators.every(isOperator);
  return isOutline ? (value as StateOutline) : undefined;
}

const OPERATOR_FIELDS = {
  uid: 'string',
  operatorId: 'string',
  name: 'string',
  parallelism: 'number',
  maxParallelism: 'number',
  finished: 'boolean',
  hasState: 'boolean',
  hasKeyedState: 'boolean',
} as const;

function isOperator(value: unknown): value is OperatorOutline {
  const fields = (value ?? {}) as Readonly<Record<string, unknown>>;
  return (
    Object.entries(OPERATOR_FIELDS).every(([name, type]) => typeof fields[name] === type) &&
    Array.isArray(fields['keyed']) &&
    Array.isArray(fields['operatorState'])
  );
}

/**
 * The maximum parallelism that the stored state has, when all its operators agree on one: a job that only has the default
 * adopts it.
 */
export function storedMaxParallelism({
  operators,
}: {
  readonly operators: readonly Pick<OperatorOutline, 'maxParallelism'>[];
}): number | undefined {
  const stored = new Set(operators.map(({ maxParallelism }) => maxParallelism));
  return stored.size === 1 ? [...stored][0] : undefined;
}

function operatorOutline(state: OperatorState): OperatorOutline {
  const { uid, operatorId, name, parallelism, maxParallelism, finished, subtasks } = state;
  const hasKeyedState = subtasks.some(holdsKeyedState);
  return {
    uid,
    operatorId,
    name,
    parallelism,
    maxParallelism,
    finished,
    hasState: hasKeyedState || subtasks.some(holdsOperatorState),
    hasKeyedState,
    keyed: distinct(subtasks.flatMap(({ keyed }) => (keyed === undefined ? [] : [keyedOutline(keyed)]))),
    operatorState: distinct(
      subtasks.flatMap(({ operatorState = [] }) => operatorState.map(({ partitions: _, ...rest }) => rest)),
    ),
  };
}

function keyedOutline({ keyType, states }: NonNullable<OperatorSubtaskState['keyed']>): KeyedOutline {
  return { keyType, states: states.map(({ blocks: _, ...meta }) => meta) };
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}

function holdsKeyedState({ keyed, rawKeyed = [] }: OperatorSubtaskState): boolean {
  return rawKeyed.length > 0 || (keyed?.states.some(({ blocks }) => blocks.length > 0) ?? false);
}

function holdsOperatorState({ operatorState = [], rawOperator = [] }: OperatorSubtaskState): boolean {
  return rawOperator.length > 0 || operatorState.some(({ partitions }) => partitions.length > 0);
}
