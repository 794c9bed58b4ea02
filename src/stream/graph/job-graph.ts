/**
 * The plan that runs: transformations with settled uids and parallelism, chained into vertices. Two operators share a
 * vertex (and a subtask, with plain calls between them) when records need not move: a forward edge, or any edge between
 * operators of parallelism 1, into an operator with a single input. Follows Flink's StreamingJobGraphGenerator.
 */
import { createHash } from 'node:crypto';
import { defaultMaxParallelism } from '../key-groups.ts';
import { operatorIdOf } from '../operator-id.ts';
import { JobGraphError } from './errors.ts';
import type { Partitioning, StreamEdge, Transformation } from './transformation.ts';

/** An operator with everything settled. */
export interface OperatorNode {
  readonly transformation: Transformation;
  readonly uid: string;
  /** False when generated from the operator's place in the program. */
  readonly uidSet: boolean;
  readonly operatorId: string;
  readonly name: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly maxParallelismConfigured: boolean;
}

/** An edge between vertices. */
export interface JobEdge {
  readonly id: number;
  readonly from: OperatorNode;
  readonly to: OperatorNode;
  readonly edge: StreamEdge;
  readonly partitioning: Partitioning;
}

/** Operators that run in one subtask, head first, in an order in which inputs come before outputs. */
export interface JobVertex {
  readonly id: string;
  readonly index: number;
  readonly name: string;
  readonly operators: readonly OperatorNode[];
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly inputs: readonly JobEdge[];
  readonly outputs: readonly JobEdge[];
}

export interface JobGraph {
  readonly operators: readonly OperatorNode[];
  readonly vertices: readonly JobVertex[];
  readonly edges: readonly JobEdge[];
  /** Whether any source never ends. */
  readonly unbounded: boolean;
  /** Same code, arguments and settings give the same hash; every worker compares it. */
  readonly hash: string;
}

export interface JobGraphSettings {
  readonly parallelism: number;
  /** Undefined: the default for the parallelism, or what the restored state has. */
  readonly maxParallelism: number | undefined;
}

/** @throws JobGraphError naming every operator that cannot run */
export function buildJobGraph(transformations: readonly Transformation[], settings: JobGraphSettings): JobGraph {
  if (transformations.length === 0) {
    throw new JobGraphError(
      'JOB_EMPTY',
      'the job defines no operators. Start with env.fromSource(…) and end with a sink.',
    );
  }
  const operators = settle(transformations, settings);
  const node = new Map(operators.map((each) => [each.transformation, each]));
  const nodeOf = (transformation: Transformation): OperatorNode => {
    const found = node.get(transformation);
    if (found !== undefined) return found;
    throw new JobGraphError(
      'JOB_MIXED_ENVIRONMENTS',
      `operator "${transformation.name}" belongs to another environment.`,
    );
  };
  const chained = new Map<OperatorNode, OperatorNode>();
  for (const each of operators) {
    const upstream = chainTarget(each, nodeOf);
    if (upstream !== undefined) chained.set(each, upstream);
  }
  return assemble(operators, chained, nodeOf);
}

/** The operator whose subtask this one joins, or undefined when it heads a vertex of its own. */
function chainTarget(node: OperatorNode, nodeOf: (t: Transformation) => OperatorNode): OperatorNode | undefined {
  const [edge, ...others] = node.transformation.inputs;
  if (edge === undefined || others.length > 0 || node.transformation.chaining !== 'always') return undefined;
  const upstream = nodeOf(edge.source);
  if (upstream.transformation.chaining === 'never' || upstream.parallelism !== node.parallelism) return undefined;
  if (upstream.maxParallelism !== node.maxParallelism) return undefined;
  return edge.partitioning.how === 'forward' || node.parallelism === 1 ? upstream : undefined;
}

function assemble(
  operators: readonly OperatorNode[],
  chained: ReadonlyMap<OperatorNode, OperatorNode>,
  nodeOf: (t: Transformation) => OperatorNode,
): JobGraph {
  const headOf = (node: OperatorNode): OperatorNode => {
    const upstream = chained.get(node);
    return upstream === undefined ? node : headOf(upstream);
  };
  const members = Map.groupBy(operators, headOf);
  const edges: JobEdge[] = [];
  for (const to of operators) {
    if (chained.has(to)) continue;
    for (const edge of to.transformation.inputs) {
      const from = nodeOf(edge.source);
      edges.push({ id: edges.length, from, to, edge, partitioning: settlePartitioning(edge.partitioning, from, to) });
    }
  }
  const vertices = [...members.values()].map((chain, index) => vertexOf(chain, index, edges));
  const unbounded = operators.some(
    ({ transformation: { body } }) =>
      body.kind === 'source' && (typeof body.source === 'function' || body.source.boundedness === 'unbounded'),
  );
  return { operators, vertices, edges, unbounded, hash: hashOf(vertices, edges) };
}

/** Forward needs equal parallelism; where it differs records are dealt out in turn, as in Flink. */
function settlePartitioning(partitioning: Partitioning, from: OperatorNode, to: OperatorNode): Partitioning {
  return partitioning.how === 'forward' && from.parallelism !== to.parallelism ? { how: 'rebalance' } : partitioning;
}

function vertexOf(chain: readonly OperatorNode[], index: number, edges: readonly JobEdge[]): JobVertex {
  const [head] = chain;
  if (head === undefined) throw new JobGraphError('JOB_EMPTY', 'a vertex without operators');
  return {
    id: head.operatorId,
    index,
    name: chain.map((each) => each.name).join(' -> '),
    operators: chain,
    parallelism: head.parallelism,
    maxParallelism: head.maxParallelism,
    inputs: edges.filter((edge) => chain.includes(edge.to)),
    outputs: edges.filter((edge) => chain.includes(edge.from)),
  };
}

function settle(transformations: readonly Transformation[], settings: JobGraphSettings): OperatorNode[] {
  const problems: string[] = [];
  const taken = new Map<string, Transformation>();
  const counts = new Map<string, number>();
  const nodes = transformations.map((transformation) => {
    const count = (counts.get(transformation.operation) ?? 0) + 1;
    counts.set(transformation.operation, count);
    const uid = transformation.uid ?? `${transformation.operation}-${count}`;
    const holder = taken.get(uid);
    if (holder !== undefined) {
      problems.push(
        `operators "${holder.name}" and "${transformation.name}" have the same uid "${uid}"; give each its own with .uid("…")`,
      );
    }
    taken.set(uid, transformation);
    return operatorNode(transformation, uid, settings, problems);
  });
  if (problems.length > 0) {
    throw new JobGraphError('JOB_GRAPH_INVALID', `the job graph is not valid: ${problems.join('; ')}.`);
  }
  return nodes;
}

function operatorNode(
  transformation: Transformation,
  uid: string,
  settings: JobGraphSettings,
  problems: string[],
): OperatorNode {
  const parallelism = transformation.fixedParallelism ?? transformation.parallelism ?? settings.parallelism;
  const configured = transformation.maxParallelism ?? settings.maxParallelism;
  const maxParallelism = configured ?? defaultMaxParallelism(settings.parallelism);
  if (maxParallelism < parallelism) {
    problems.push(
      `operator "${transformation.name}" has parallelism ${parallelism} above its maximum parallelism ${maxParallelism}; lower the parallelism or raise maxParallelism`,
    );
  }
  return {
    transformation,
    uid,
    uidSet: transformation.uid !== undefined,
    operatorId: operatorIdOf(uid),
    name: transformation.name,
    parallelism,
    maxParallelism,
    maxParallelismConfigured: configured !== undefined,
  };
}

function hashOf(vertices: readonly JobVertex[], edges: readonly JobEdge[]): string {
  const facts = {
    vertices: vertices.map((vertex) => ({
      parallelism: vertex.parallelism,
      maxParallelism: vertex.maxParallelism,
      operators: vertex.operators.map((each) => [
        each.uid,
        each.transformation.operation,
        each.transformation.keyType?.schema,
      ]),
    })),
    edges: edges.map((each) => [
      each.from.uid,
      each.to.uid,
      each.edge.input,
      each.partitioning.how,
      each.edge.side?.id,
    ]),
  };
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 16);
}
