/**
 * What a program of DataStream calls builds: transformations (sources, operators, sinks) joined by edges. Pure
 * description; nothing runs. The stream graph is made anew in every thread from the same code, so it must not depend on
 * anything but code, arguments and settings.
 */
import type { Source, SourceFunction } from '../connectors/source.ts';
import type { OutputTag } from '../functions/output-tag.ts';
import type { KeySelection, OneInputOperator, TwoInputOperator } from '../operators/operator.ts';
import type { TypeInformation } from '../types/type-information.ts';

/** How records of an edge spread over the subtasks downstream. Names are Flink's. */
export type Partitioning =
  | { readonly how: 'forward' }
  | { readonly how: 'hash'; readonly key: KeySelection }
  | { readonly how: 'rebalance' }
  | { readonly how: 'broadcast' };

/** From one transformation into an input (1 or 2) of another. */
export interface StreamEdge {
  readonly source: Transformation;
  readonly partitioning: Partitioning;
  readonly input: 1 | 2;
  /** The side output the edge carries; the main output when undefined. */
  readonly side: OutputTag<unknown> | undefined;
}

/** What makes the operator of a subtask. `source` heads a vertex; the others take input. */
export type TransformationBody =
  | { readonly kind: 'source'; readonly source: Source<unknown> | (() => SourceFunction<unknown>) }
  | { readonly kind: 'oneInput'; readonly create: () => OneInputOperator }
  | { readonly kind: 'twoInput'; readonly create: () => TwoInputOperator };

export interface Transformation {
  readonly ordinal: number;
  /** What kind of operator, for generated uids: `map`, `keyed-process`, … */
  readonly operation: string;
  readonly body: TransformationBody;
  readonly inputs: readonly StreamEdge[];
  /** The source whose watermarks this makes: to whoever wrote the job they are one operator, and share its settings. */
  readonly source?: Transformation;
  /** Key type where the operator is keyed. */
  readonly keyType: TypeInformation<unknown> | undefined;
  name: string;
  uid: string | undefined;
  /** Undefined: the job's. */
  parallelism: number | undefined;
  maxParallelism: number | undefined;
  /** Only ever one subtask, whatever the job's parallelism. */
  readonly fixedParallelism: 1 | undefined;
  /** Type of the records it emits; self-describing when undefined. */
  outputType: TypeInformation<unknown> | undefined;
  chaining: 'always' | 'head' | 'never';
}
