/** The HA data of TypeScript jobs (ConfigMap `<job>-ha`), in the record in which that of Flink clusters is shown. */
import type { ConfigMapShape, HaCheckpoint, HaFinding, HaHandle, HaInspection, HaJob } from '../../flink/index.ts';
import {
  COUNTER_KEY,
  checkpointIdOf,
  decodeHandle,
  type HandlePointer,
  isCheckpointKey,
  isExecutionPlanKey,
  LAYOUT,
  LAYOUT_KEY,
  leadersIn,
} from '../../ha/index.ts';

/** A TypeScript job: what Flink clusters have, and the numbers that fence it. */
export interface OwnInspection extends HaInspection {
  readonly object: {
    /** Of the newest leader or attempt; writes of older ones are refused. */
    readonly epoch: string;
    readonly attempt: string;
    /** Who raised the epoch last. */
    readonly leader: string;
  };
}

/** An entry that points to a file of the job's storage. */
export interface OwnPointer {
  readonly configMap: string;
  readonly key: string;
  readonly text: string;
  readonly of: 'checkpoint' | 'plan';
  readonly pointer: HandlePointer;
  readonly deleting: boolean;
}

const NAME = /^(.+)-ha$/;
const EPOCH = 'flinkjob.dev/epoch';
const ATTEMPT = 'flinkjob.dev/attempt';

/** Whether this ConfigMap is the object of a TypeScript job. */
export function isOwnObject({ metadata }: ConfigMapShape): boolean {
  return NAME.test(metadata.name) && metadata.annotations?.[EPOCH] !== undefined;
}

/** Whether this record is that of a TypeScript job. */
export function isOwn(inspection: HaInspection): inspection is OwnInspection {
  return 'object' in inspection;
}

/** One record for each TypeScript job in these ConfigMaps. */
export function inspectOwnJobs(shapes: readonly ConfigMapShape[]): OwnInspection[] {
  return shapes.filter(isOwnObject).map(inspectionOf);
}

/** The pointers of a job that can be read, in the order of their keys. */
export function ownPointers({ metadata, data = {} }: ConfigMapShape): OwnPointer[] {
  return Object.entries(data).flatMap(([key, text]): OwnPointer[] => {
    const stored = decodeHandle(isPointerKey(key) ? text : undefined);
    if (stored.kind !== 'live' && stored.kind !== 'marked') return [];
    const of = isCheckpointKey(key) ? 'checkpoint' : 'plan';
    const deleting = stored.kind === 'marked';
    return [{ configMap: metadata.name, key, text, of, pointer: stored.pointer, deleting }];
  });
}

/** The job id, as far as the entries tell it: every pointer leads below a directory of that name. */
export function ownJobId(shape: ConfigMapShape): string | null {
  const [first] = ownPointers(shape);
  const inPlan = Object.keys(shape.data ?? {}).find((key) => /^(?:executionPlan|jobResult)-[0-9a-f]{32}$/.test(key));
  return inPlan?.slice(-32) ?? first?.pointer.path.split('/', 1)[0] ?? null;
}

function inspectionOf(shape: ConfigMapShape): OwnInspection {
  const { metadata, data = {} } = shape;
  const { name, namespace = null, resourceVersion = null, annotations = {} } = metadata;
  const jobId = ownJobId(shape);
  const leaders = [...leadersIn(new Map(Object.entries(data)))].map(([component, information]) => ({
    component,
    jobId: component === `job-${jobId}` ? jobId : null,
    ...information,
    configMap: name,
  }));
  const job = jobOf(shape, jobId, leaders.find((each) => each.jobId !== null) ?? leaders[0]);
  return {
    flinkVersions: [],
    clusterId: NAME.exec(name)?.[1] ?? name,
    namespace,
    configMaps: [{ name, role: 'job', resourceVersion, bytes: bytesOf(data) + bytesOf(annotations) }],
    leases: [],
    leaders,
    jobs: job === undefined ? [] : [job],
    findings: findingsOf(shape, job),
    object: {
      epoch: annotations[EPOCH] ?? '',
      attempt: annotations[ATTEMPT] ?? '',
      leader: annotations['flinkjob.dev/leader'] ?? '',
    },
  };
}

function jobOf(
  shape: ConfigMapShape,
  jobId: string | null,
  leader: { readonly sessionId: string; readonly address: string } | undefined,
): HaJob | undefined {
  if (jobId === null) return undefined;
  const pointers = ownPointers(shape);
  const plan = pointers.find(({ of }) => of === 'plan');
  const counter = shape.data?.[COUNTER_KEY];
  return {
    jobId,
    configMap: shape.metadata.name,
    leader: leader === undefined ? null : { sessionId: leader.sessionId, address: leader.address },
    checkpoints: pointers
      .filter(({ of }) => of === 'checkpoint')
      .map((each): HaCheckpoint => ({ id: checkpointIdOf(each.key), ...handleOf(each) }))
      .sort((a, b) => a.id - b.id),
    counter: counter !== undefined && /^\d{1,15}$/.test(counter) ? Number(counter) : null,
    executionPlan: plan === undefined ? null : handleOf(plan),
  };
}

function handleOf({ key, pointer, deleting }: OwnPointer): HaHandle {
  return { name: key, uri: pointer.path, bytes: pointer.sizeBytes, serialVersionUID: null, deleting };
}

/** What fences the object. Without it nobody leads. */
const NUMBERS = [EPOCH, 'flinkjob.dev/seq', ATTEMPT] as const;

function fenceFindings({ metadata: { name, annotations = {} }, data = {} }: ConfigMapShape): HaFinding[] {
  const broken = NUMBERS.filter((key) => !/^\d{1,15}$/.test(annotations[key] ?? ''));
  const keys: readonly string[] = data[LAYOUT_KEY] === LAYOUT ? broken : [...broken, LAYOUT_KEY];
  return keys.map((key) => {
    const message =
      'it is missing, or not what the job writes there: nobody can lead. Restore it, or delete the ConfigMap to have it made anew';
    return { severity: 'error', code: 'UnreadableValue', configMap: name, key, message };
  });
}

function findingsOf(shape: ConfigMapShape, job: HaJob | undefined): HaFinding[] {
  const { metadata, data = {} } = shape;
  const { name } = metadata;
  const pointers = Object.entries(data)
    .filter(([key, text]) => isPointerKey(key) && decodeHandle(text).kind === 'corrupt')
    .map(([key]): HaFinding => {
      const message =
        'it is no pointer: the job passes over it, and starts from an older checkpoint where there is one';
      return { severity: 'error', code: 'UnreadableValue', configMap: name, key, message };
    });
  const unreadable = [...fenceFindings(shape), ...pointers];
  const newest = job?.checkpoints.at(-1)?.id ?? -1;
  if (job === undefined || newest < 0 || (job.counter !== null && job.counter > newest)) return unreadable;
  const message = `the next checkpoint would get an id that was given already: ${newest} exists`;
  const code = job.counter === null ? 'CounterMissing' : 'CounterBehind';
  return [...unreadable, { severity: 'error', code, configMap: name, key: COUNTER_KEY, message }];
}

function isPointerKey(key: string): boolean {
  return isCheckpointKey(key) || isExecutionPlanKey(key);
}

function bytesOf(texts: Readonly<Record<string, string>>): number {
  return Object.entries(texts).reduce((sum, [key, text]) => sum + Buffer.byteLength(key) + Buffer.byteLength(text), 0);
}
