import { systemClock } from '../../../src/lib/clock.ts';
import {
  type CheckpointView,
  type DoorOptions,
  type JobControl,
  type JobView,
  type OpenDoor,
  openDoor,
  type RestService,
  type RestServiceOptions,
  restService,
  type SubtaskAckView,
  type SubtaskView,
  type VertexView,
} from '../../../src/stream/rest/index.ts';

export const JOB = 'a'.repeat(32);
export const SOURCE = 'c'.repeat(32);
export const COUNT = 'd'.repeat(32);
export const T0 = 1_700_000_000_000;

export function aSubtask(more: Partial<SubtaskView> = {}): SubtaskView {
  return {
    state: 'RUNNING',
    attempt: 0,
    startTime: T0 + 100,
    worker: 'worker-0',
    recordsIn: 10,
    recordsOut: 5,
    bytesIn: 1_000,
    bytesOut: 500,
    backPressuredMs: 10,
    idleMs: 20,
    busyMs: 30,
    backPressuredRatio: 0,
    idleRatio: 0.4,
    busyRatio: 0.6,
    ...more,
  };
}

export function aVertex(more: Partial<VertexView> = {}): VertexView {
  return {
    id: COUNT,
    name: 'count',
    parallelism: 2,
    maxParallelism: 128,
    operators: [{ uid: 'count-uid', name: 'count' }],
    inputs: [{ vertexId: SOURCE, shipStrategy: 'HASH' }],
    subtasks: [aSubtask(), aSubtask({ worker: 'worker-1', recordsIn: 30 })],
    ...more,
  };
}

export function anAck(more: Partial<SubtaskAckView> = {}): SubtaskAckView {
  return {
    ackTime: T0 + 1_040,
    checkpointedSize: 100,
    stateSize: 400,
    syncMs: 2,
    asyncMs: 20,
    alignmentMs: 1,
    startDelayMs: 3,
    ...more,
  };
}

export function aCheckpoint(id: number, more: Partial<CheckpointView> = {}): CheckpointView {
  return {
    id,
    status: 'COMPLETED',
    type: 'CHECKPOINT',
    triggerTime: T0 + 1_000,
    acks: { [SOURCE]: [anAck()], [COUNT]: [anAck(), anAck({ ackTime: T0 + 1_050 })] },
    location: `file:///state/${JOB}/chk-${id}`,
    ...more,
  };
}

export function aJob(more: Partial<JobView> = {}): JobView {
  return {
    jobId: JOB,
    name: 'flight delays',
    state: 'RUNNING',
    stateTimestamps: { CREATED: T0, RUNNING: T0 + 500 },
    startTime: T0,
    attempt: 1,
    restarts: 0,
    parallelism: 2,
    maxParallelism: 128,
    workers: 2,
    vertices: [
      aVertex({
        id: SOURCE,
        name: 'source',
        parallelism: 1,
        operators: [{ uid: 'source-uid', name: 'flights' }],
        inputs: [],
        subtasks: [aSubtask()],
      }),
      aVertex(),
    ],
    checkpoints: { counts: { restored: 0, inProgress: 0, completed: 0, failed: 0 }, history: [], latest: {} },
    checkpointConfig: {
      intervalMs: 10_000,
      timeoutMs: 600_000,
      minPauseMs: 0,
      maxConcurrent: 1,
      tolerableFailures: 0,
      onCancel: 'Retain',
      storage: 'file:///state',
    },
    exceptions: [],
    exceptionsTruncated: false,
    restartStrategy: 'fixed delay (3 attempts, 10s)',
    userConfig: { 'checkpoints.interval': '10s' },
    ...more,
  };
}

/** A control that refuses everything a test did not say. */
export function aControl(more: Partial<JobControl> = {}): JobControl {
  const refuse = (what: string) => () => Promise.reject(new Error(`${what} was not expected`));
  return {
    triggerSavepoint: refuse('triggerSavepoint'),
    cancelWithSavepoint: refuse('cancelWithSavepoint'),
    stopWithSavepoint: refuse('stopWithSavepoint'),
    triggerCheckpoint: refuse('triggerCheckpoint'),
    cancel: refuse('cancel'),
    restorePoint: refuse('restorePoint'),
    query: refuse('query'),
    ...more,
  };
}

/** How a server is started: what the service is made of, and how it is listened for. */
export type ServerOptions = RestServiceOptions & Pick<DoorOptions, 'port' | 'limits'>;

export function serverOptions(more: Partial<ServerOptions> & { job?: JobView } = {}): ServerOptions {
  const { job = aJob(), ...rest } = more;
  return {
    host: '127.0.0.1',
    port: 0,
    view: () => ({ status: 'serving', job }),
    control: aControl(),
    product: { version: '0.1.0', revision: 'abcdef0' },
    clock: { ...systemClock, now: () => T0 + 10_000 },
    ...rest,
  };
}

/** A service that is listened for. */
export type TestServer = Pick<OpenDoor, 'host' | 'port' | 'url'> &
  Pick<RestService, 'resultsRead'> & {
    close(graceMs: number): Promise<void>;
  };

export async function startServer(options: ServerOptions): Promise<TestServer> {
  const door = await openDoor(options);
  const service = restService(options);
  door.attach(service.handle);
  const { host, port, url } = door;
  const close = (graceMs: number): Promise<void> => {
    service.close();
    return door.close(graceMs);
  };
  return { host, port, url, resultsRead: service.resultsRead, close };
}
