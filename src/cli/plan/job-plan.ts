/** A job graph, and what of its stored state would be restored, as one record. Pure. */
import {
  describeType,
  type JobEdge,
  type JobGraph,
  type ManifestDescription,
  type OperatorDescription,
  type OperatorNode,
  type RestorePreview,
} from '../../stream/index.ts';

/** The stable form of `-o json`. */
export interface JobPlanReport {
  readonly name: string;
  readonly namespace: string;
  readonly parallelism: number;
  /** In effect. Several where operators differ. */
  readonly maxParallelism: readonly number[];
  readonly bounded: boolean;
  readonly vertices: readonly VertexPlan[];
  readonly edges: readonly EdgePlan[];
  readonly restore: RestorePlan;
}

export interface VertexPlan {
  readonly id: string;
  readonly name: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  /** configured: in the resource or the code; state: as stored; default: for the parallelism. */
  readonly maxParallelismFrom: 'configured' | 'state' | 'default';
  readonly operators: readonly OperatorPlan[];
}

export interface OperatorPlan {
  readonly uid: string;
  /** Made from the operator's place in the program: it changes when operators come or go before it. */
  readonly uidGenerated: boolean;
  readonly name: string;
  readonly operation: string;
  readonly keyType?: string;
  /** As the newest checkpoint holds them; absent without one, or where it does not know the operator. */
  readonly states?: readonly StatePlan[];
}

export interface StatePlan {
  readonly name: string;
  /** value, list, map…, or how operator state is redistributed. */
  readonly kind: string;
  readonly type: string;
}

export interface EdgePlan {
  /** Ids of vertices. */
  readonly from: string;
  readonly to: string;
  readonly shipStrategy: string;
  readonly keyType?: string;
  readonly sideOutput?: string;
}

/** What a start would begin from. */
export type RestorePlan =
  | { readonly from: 'nothing'; readonly reason: string }
  | {
      readonly from: 'checkpoint' | 'savepoint';
      readonly id: number;
      readonly location: string;
      readonly fits: boolean;
      /** Why it would be refused. */
      readonly problems: readonly string[];
      /** Uids that would start empty. */
      readonly added: readonly string[];
      /** Uids of the state that the job does not have. */
      readonly removed: readonly { readonly uid: string; readonly hasState: boolean }[];
      readonly rescaled: readonly { readonly uid: string; readonly from: number; readonly to: number }[];
    };

/** What the stored state is, and what would become of it. */
export interface RestoreFindings {
  readonly location: string;
  readonly description: ManifestDescription;
  readonly preview: RestorePreview;
}

export interface PlanFacts {
  readonly name: string;
  readonly namespace: string;
  readonly parallelism: number;
  /** Set by the resource; the rest of the job follows it. */
  readonly maxParallelismSet: boolean;
  readonly graph: JobGraph;
  readonly restore: RestoreFindings | { readonly none: string };
}

export function jobPlan({ name, namespace, parallelism, maxParallelismSet, graph, restore }: PlanFacts): JobPlanReport {
  const findings = 'none' in restore ? undefined : restore;
  const stored = new Map(findings?.description.operators.map((operator) => [operator.operatorId, operator]));
  const vertexOf = new Map(graph.vertices.flatMap((vertex) => vertex.operators.map((node) => [node, vertex.id])));
  const vertices = graph.vertices.map(
    (vertex): VertexPlan => ({
      id: vertex.id,
      name: vertex.name,
      parallelism: vertex.parallelism,
      maxParallelism: vertex.maxParallelism,
      maxParallelismFrom: originOfMaximum(vertex.operators, maxParallelismSet, findings !== undefined),
      operators: vertex.operators.map((node) => operatorPlan(node, stored.get(node.operatorId))),
    }),
  );
  return {
    name,
    namespace,
    parallelism,
    maxParallelism: [...new Set(vertices.map((vertex) => vertex.maxParallelism))],
    bounded: !graph.unbounded,
    vertices,
    edges: graph.edges.map((edge) => edgePlan(edge, vertexOf)),
    restore: 'none' in restore ? { from: 'nothing', reason: restore.none } : restorePlan(restore),
  };
}

/** A job without a maximum of its own is built with the stored one, which then looks as if it were configured. */
function originOfMaximum(
  operators: readonly OperatorNode[],
  maxParallelismSet: boolean,
  hasState: boolean,
): VertexPlan['maxParallelismFrom'] {
  const [head] = operators;
  if (maxParallelismSet || head?.transformation.maxParallelism !== undefined) return 'configured';
  return hasState && head?.maxParallelismConfigured === true ? 'state' : 'default';
}

function operatorPlan(node: OperatorNode, stored: OperatorDescription | undefined): OperatorPlan {
  const { transformation, uid, uidSet, name } = node;
  return {
    uid,
    uidGenerated: !uidSet,
    name,
    operation: transformation.operation,
    ...(transformation.keyType === undefined ? {} : { keyType: describeType(transformation.keyType.schema) }),
    ...(stored === undefined ? {} : { states: statesOf(stored) }),
  };
}

function statesOf({ keyed, operatorState, rawKeyedBytes, rawOperatorBytes }: OperatorDescription): StatePlan[] {
  const raw = (kind: string, bytes: number): StatePlan[] => (bytes === 0 ? [] : [{ name: '(raw)', kind, type: '-' }]);
  return [
    ...keyed.map(({ name, kind, type }) => ({ name, kind, type })),
    ...operatorState.map(({ name, mode, type }) => ({ name, kind: mode, type })),
    ...raw('keyed', rawKeyedBytes),
    ...raw('operator', rawOperatorBytes),
  ];
}

function edgePlan({ from, to, edge, partitioning }: JobEdge, vertexOf: ReadonlyMap<OperatorNode, string>): EdgePlan {
  return {
    from: vertexOf.get(from) ?? from.operatorId,
    to: vertexOf.get(to) ?? to.operatorId,
    shipStrategy: partitioning.how.toUpperCase(),
    ...(partitioning.how === 'hash' ? { keyType: describeType(partitioning.key.type.schema) } : {}),
    ...(edge.side === undefined ? {} : { sideOutput: edge.side.id }),
  };
}

function restorePlan({ location, description, preview }: RestoreFindings): RestorePlan {
  const { problems, added, removed, rescaled } = preview;
  return {
    from: description.kind,
    id: description.checkpointId,
    location,
    fits: problems.length === 0,
    problems,
    added: added.map(({ uid }) => uid),
    removed: removed.map(({ uid, hasState }) => ({ uid, hasState })),
    rescaled: rescaled.map(({ uid, from, to }) => ({ uid, from, to })),
  };
}
