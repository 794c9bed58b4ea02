/**
 * Brings the subtasks of an attempt up inside this thread: subtask i of every vertex in slot i, as workers have them, each
 * slot with a graph of its own, because functions are not shared between threads either. State comes from bytes.
 */
import type { Clock } from '../../lib/clock.ts';
import type { Storage } from '../../storage/index.ts';
import { readManifest } from '../checkpoint/manifest-codec.ts';
import type { SubtaskAssignment } from '../checkpoint/restore-assignment.ts';
import { storedMaxParallelism } from '../checkpoint/state-outline.ts';
import { StateReader } from '../checkpoint/state-reader.ts';
import { type SubtaskRef, subtaskKey } from '../checkpoint/subtask-state.ts';
import type { Job } from '../datastream/environment.ts';
import type { AttemptOrigin } from '../functions/attempt-origin.ts';
import type { JobGraph } from '../graph/job-graph.ts';
import { JobExecutionError } from '../job/errors.ts';
import { buildJob } from '../job/job-module.ts';
import { assignRestorePoint, originOf, type ReadRestorePoint, restorablePoints } from '../job/restore-point.ts';
import { connectSubtasks } from '../task/connect-subtasks.ts';
import type { Subtask, SubtaskListener } from '../task/subtask.ts';
import type { SeededRandom } from './seeded-random.ts';
import { TestChannels } from './test-channels.ts';
import type { TestCheckpoint } from './test-checkpoint.ts';

/** What an attempt is made from. */
export interface DeployOptions {
  readonly job: Job;
  readonly args: readonly string[];
  readonly parallelism: number;
  readonly maxParallelism: number | undefined;
  readonly workingDirectory: string;
  readonly jobId: string;
  readonly jobName: string;
  /** From 1; the epoch too. */
  readonly attempt: number;
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly storage: Storage;
  readonly from: TestCheckpoint | undefined;
  readonly allowNonRestoredState: boolean;
}

/** What stands for a worker. */
export interface Slot {
  readonly graph: JobGraph;
  readonly subtasks: readonly Subtask[];
}

/** The slots of an attempt, connected. Nothing is restored or open yet; `start` does that. */
export interface Deployed {
  readonly slots: readonly Slot[];
  start(): Promise<void>;
}

/** Builds and connects all subtasks. @throws what the job's program throws; SuppressRestartsException for foreign state */
export async function deploy(
  options: DeployOptions,
  listenerOf: (ref: SubtaskRef) => SubtaskListener,
): Promise<Deployed> {
  const point = options.from === undefined ? undefined : await restorePoint(options.storage, options.from);
  const maxParallelism =
    options.maxParallelism ?? (point === undefined ? undefined : storedMaxParallelism(point.manifest));
  const graphs = await buildGraphs({ ...options, maxParallelism });
  const channels = new TestChannels(options.random);
  const origin = originOf(point, { hasBegun: options.attempt > 1, restorable: await restorablePoints(options) });
  const slots = graphs.map((graph, index) => connectSlot(options, graph, index, { channels, listenerOf, origin }));
  return { slots, start: () => startSlots(options, slots, point) };
}

async function restorePoint(storage: Storage, { directory, sha256, kind }: TestCheckpoint): Promise<ReadRestorePoint> {
  const manifest = await readManifest(storage, directory, { sha256 });
  const origin = kind === 'savepoint' ? 'startPoint' : 'latestCheckpoint';
  return { candidate: { origin, storageUri: storage.uri, directory, metadataSha256: sha256 }, manifest };
}

/** One graph per slot; all must be the same, as in a real run, where each thread builds its own. */
async function buildGraphs(options: DeployOptions): Promise<JobGraph[]> {
  const { graph: first } = await buildJob(options.job, options);
  const slots = Math.max(...first.vertices.map((vertex) => vertex.parallelism));
  const graphs = [first];
  while (graphs.length < slots) {
    const { graph } = await buildJob(options.job, options);
    if (graph.hash !== first.hash) {
      throw new JobExecutionError(
        'JOB_GRAPH_NOT_DETERMINISTIC',
        "the job's program builds a different graph each time. It must depend on nothing but its arguments: no time, randomness or global state.",
      );
    }
    graphs.push(graph);
  }
  return graphs;
}

function connectSlot(
  options: DeployOptions,
  graph: JobGraph,
  index: number,
  {
    channels,
    listenerOf,
    origin,
  }: {
    readonly channels: TestChannels;
    readonly listenerOf: (ref: SubtaskRef) => SubtaskListener;
    readonly origin: AttemptOrigin;
  },
): Slot {
  const { args, workingDirectory, jobId, jobName, attempt, clock, random } = options;
  const subtasks = connectSubtasks({
    graphs: new Map([[index, graph]]),
    clock,
    channels,
    listenerOf,
    gateOptions: () => ({ sliceRecords: random.between(1, 16), firstChannel: (count) => random.below(count) }),
    data: {
      program: { args, workingDirectory },
      jobId,
      jobName,
      attempt,
      epoch: attempt,
      origin,
    },
  });
  return { graph, subtasks };
}

/** Restores and opens everything; which slot comes first is drawn. Within a slot upstream comes first, as in a worker. */
async function startSlots(
  options: DeployOptions,
  slots: readonly Slot[],
  point: ReadRestorePoint | undefined,
): Promise<void> {
  const assigned = point === undefined ? undefined : assignmentsOf(options, slots, point);
  for (const { subtasks } of options.random.shuffled(slots)) {
    // A reader per slot, as each worker has its own: nothing is shared by reference.
    const reader = new StateReader({ storage: options.storage, directory: point?.candidate.directory ?? '' });
    for (const subtask of subtasks) await startSubtask(subtask, reader, point, assigned);
  }
}

async function startSubtask(
  subtask: Subtask,
  reader: StateReader,
  point: ReadRestorePoint | undefined,
  assigned: ReadonlyMap<string, SubtaskAssignment> | undefined,
): Promise<void> {
  if (point === undefined) {
    await subtask.start({ restored: undefined, checkpointId: 0 });
    return;
  }
  const key = subtaskKey({ vertexId: subtask.vertex.id, subtaskIndex: subtask.info.subtaskIndex });
  const assignment = assigned?.get(key);
  const restored = assignment === undefined ? new Map() : await reader.read(assignment);
  await subtask.start({ restored, checkpointId: point.manifest.checkpointId });
}

function assignmentsOf(
  { jobId, jobName, allowNonRestoredState }: DeployOptions,
  slots: readonly Slot[],
  point: ReadRestorePoint,
): Map<string, SubtaskAssignment> {
  const [slot] = slots;
  if (slot === undefined) return new Map();
  const { vertices } = assignRestorePoint(point, { jobId, jobName, graph: slot.graph, allowNonRestoredState });
  return new Map(vertices.flatMap(({ subtasks }) => subtasks.map((each) => [subtaskKey(each), each])));
}
