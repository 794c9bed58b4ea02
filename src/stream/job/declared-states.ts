/**
 * Whether the states that a program's functions ask for fit those of a checkpoint. Functions say which states they have when
 * they are opened, so they are, once each, with the names, kinds and types of the checkpoint and without its entries: the
 * comparison is the one that a start makes. No record flows. Sources and sinks are not opened, as they do things then.
 */
import type { Clock } from '../../lib/clock.ts';
import { causeChain, messageOf } from '../../lib/errors.ts';
import { IllegalStateException, StateMigrationException } from '../../lib/java-errors.ts';
import type { OperatorOutline, StateOutline } from '../checkpoint/state-outline.ts';
import type { JobGraph, OperatorNode } from '../graph/job-graph.ts';
import { keyGroupRange } from '../key-groups.ts';
import type { OperatorContext, OperatorRestore, Output, ProcessingTimeService } from '../operators/operator.ts';
import { createKeyedStateBackend } from '../state/keyed-state-backend.ts';

/** What came of it. */
export interface DeclaredStates {
  /** Why a start would fail; empty: as far as it was looked at, it would not. */
  readonly problems: readonly string[];
  /** What was not looked at, and why. */
  readonly unchecked: readonly string[];
}

/** What functions are told of their surroundings. */
export interface DeclaredStatesFacts {
  readonly graph: JobGraph;
  readonly state: StateOutline;
  readonly jobId: string;
  readonly jobName: string;
  readonly args: readonly string[];
  readonly clock: Clock;
}

/** Opens every function that has state in the checkpoint. Never rejects; what a function opens stays open. */
export async function declaredStates(facts: DeclaredStatesFacts): Promise<DeclaredStates> {
  const stored = new Map(facts.state.operators.map((each) => [each.operatorId, each]));
  const problems: string[] = [];
  const unchecked: string[] = [];
  for (const node of facts.graph.operators) {
    const outline = stored.get(node.operatorId);
    if (outline?.hasState !== true || outline.finished) continue;
    const { body, operation } = node.transformation;
    if (body.kind === 'source' || operation === 'sink') {
      unchecked.push(`the states of ${nameOf(node)}: a ${body.kind === 'source' ? 'source' : 'sink'} is not opened`);
      continue;
    }
    const error = await openingError(node, outline, facts);
    if (error === undefined) continue;
    if (isMisfit(error)) problems.push(`${nameOf(node)}: ${messageOf(error)}`);
    else unchecked.push(`the states of ${nameOf(node)}: its function could not be opened here: ${messageOf(error)}`);
  }
  return { problems, unchecked };
}

function nameOf({ name, uid }: OperatorNode): string {
  return `operator "${name}" (uid ${uid})`;
}

/** What our own code refuses with; whatever else a function throws may have to do with the place. */
function isMisfit(error: unknown): boolean {
  return causeChain(error).some(
    (each) => each instanceof StateMigrationException || each instanceof IllegalStateException,
  );
}

async function openingError(node: OperatorNode, stored: OperatorOutline, facts: DeclaredStatesFacts): Promise<unknown> {
  const { body } = node.transformation;
  if (body.kind === 'source') return undefined;
  try {
    const operator = body.create();
    operator.setup(contextOf(node, facts));
    await operator.initializeState({ restored: withoutEntries(stored, facts.state.checkpointId) });
    await operator.open();
    return undefined;
  } catch (error) {
    return error ?? new Error('it threw nothing');
  }
}

function withoutEntries({ keyed, operatorState }: OperatorOutline, checkpointId: number): OperatorRestore {
  return {
    checkpointId,
    keyed: keyed.map((each) => ({ ...each, blocks: [] })),
    operatorState: operatorState.map((each) => ({ ...each, partitions: [] })),
    rawKeyed: new Map(),
    rawOperator: [],
  };
}

const NOWHERE: Output = { collect: () => {}, collectSide: () => {}, emitWatermark: () => {}, emitIdle: () => {} };

function contextOf(node: OperatorNode, { graph, jobId, jobName, args, clock, state }: DeclaredStatesFacts) {
  const { uid, operatorId, name, parallelism, maxParallelism, transformation } = node;
  const range = keyGroupRange(0, parallelism, maxParallelism);
  const processingTime: ProcessingTimeService = { now: () => clock.now(), registerTimer: () => () => {} };
  const { checkpointId } = state;
  const context: OperatorContext = {
    subtask: {
      jobId,
      jobName,
      attempt: 1,
      epoch: 0,
      origin: { from: 'checkpoint', jobId, checkpointId, epoch: 0, restorable: [] },
      args,
      vertexId: graph.vertices.find(({ operators }) => operators.includes(node))?.id ?? operatorId,
      taskName: name,
      subtaskIndex: 0,
      parallelism,
      maxParallelism,
    },
    uid,
    operatorId,
    name,
    output: NOWHERE,
    clock,
    processingTime,
    metrics: { recordsIn: 0, recordsOut: 0, lateRecordsDropped: 0, user: new Map() },
    keyedBackend:
      transformation.keyType === undefined
        ? undefined
        : createKeyedStateBackend({
            keyType: transformation.keyType,
            maxParallelism,
            firstKeyGroup: range.start,
            lastKeyGroup: range.end,
            clock,
          }),
    failTask: () => {},
    runOnTask: () => {},
  };
  return context;
}
