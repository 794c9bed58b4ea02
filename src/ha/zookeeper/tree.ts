/**
 * Where everything of a job lies in ZooKeeper: the tree that Apache Flink has from 1.15 on, below `<root>/<cluster>`, with
 * one node of our own. Names are spelled here and nowhere else.
 *
 *     leader/latch/_c_<uuid>-latch-<n>             who contends; the lowest number leads        ends with the session
 *     leader/<component>/connection_info           who leads the component, where               ends with the session
 *     execution-plans/<job>                        what is to be run                            ┐
 *     jobs/<job>/checkpoints/<19 digits>           a completed checkpoint                       │ may be locked by
 *     jobs/<job>/checkpoint_id_counter             the id of the next checkpoint                │ <node>/locks/<uuid>
 *     jobs/<job>/flinkjob                          the fence: uid, epoch, attempt, leader; its version is the seq
 *     jobs/<job>/flinkjob/<uid>/<entry>            every other entry                            ┘
 */
import { decodeConnectionInfo, encodeConnectionInfo, FlinkDataError } from '../../flink/index.ts';
import { IllegalArgumentException } from '../../lib/java-errors.ts';
import { nodePath } from '../../zookeeper/index.ts';
import {
  COUNTER_KEY,
  checkpointIdOf,
  checkpointKey,
  componentIdOf,
  executionPlanJobId,
  executionPlanKey,
  isCheckpointKey,
  isExecutionPlanKey,
  isLeaderKey,
  leaderKey,
} from '../keys.ts';
import { decodeLeaderInformation, encodeLeaderInformation } from '../leader-information.ts';

/** What Flink calls two components otherwise than we do. */
const FLINK_COMPONENTS: readonly (readonly [string, string])[] = [
  ['resourcemanager', 'resource_manager'],
  ['restserver', 'rest_server'],
];

/** Flink's counter is a Java int. */
const LARGEST_COUNT = 2 ** 31 - 1;
/** How a Java object stream begins. */
const JAVA_STREAM = Buffer.from([0xac, 0xed]);

/** A path for each thing of one job. */
export class JobTree {
  readonly cluster: string;
  readonly latch: string;
  readonly leader: string;
  readonly plans: string;
  readonly job: string;
  readonly checkpoints: string;
  readonly counter: string;
  readonly fence: string;
  readonly #jobId: string;

  constructor(root: string, cluster: string, jobId: string) {
    if (jobId === '' || jobId.includes('/')) throw new IllegalArgumentException(`"${jobId}" is no job id`);
    this.cluster = nodePath(root, cluster);
    this.leader = nodePath(this.cluster, 'leader');
    this.latch = nodePath(this.leader, 'latch');
    this.plans = nodePath(this.cluster, 'execution-plans');
    this.job = nodePath(this.cluster, 'jobs', jobId);
    this.checkpoints = nodePath(this.job, 'checkpoints');
    this.counter = nodePath(this.job, 'checkpoint_id_counter');
    this.fence = nodePath(this.job, 'flinkjob');
    this.#jobId = jobId;
  }

  /** Holds the entries that Flink has no node for, and shows by being there that the object is this one. */
  own(uid: string): string {
    return `${this.fence}/${uid}`;
  }

  get plan(): string {
    return `${this.plans}/${this.#jobId}`;
  }

  connectionInfo(component: string): string {
    const known = FLINK_COMPONENTS.find(([ours]) => ours === component);
    return `${this.leader}/${known?.[1] ?? encodeURIComponent(component)}/connection_info`;
  }

  /** The node of an entry. */
  pathOf(key: string, uid: string): string {
    if (key === COUNTER_KEY) return this.counter;
    if (isLeaderKey(key)) return this.connectionInfo(componentIdOf(key));
    if (isCheckpointKey(key) && checkpointKey(checkpointIdOf(key)) === key) {
      return `${this.checkpoints}/${key.slice(-CHECKPOINT_DIGITS)}`;
    }
    if (isExecutionPlanKey(key) && executionPlanJobId(key) === this.#jobId) return this.plan;
    return `${this.own(uid)}/${encodedName(key)}`;
  }

  get planKey(): string {
    return executionPlanKey(this.#jobId);
  }
}

const CHECKPOINT_DIGITS = 19;

/** The entry in a node of the checkpoints; undefined for a name that is none. */
export function checkpointKeyOf(name: string): string | undefined {
  const id = Number(name);
  return /^\d{19}$/.test(name) && Number.isSafeInteger(id) ? checkpointKey(id) : undefined;
}

/** The entry of a component's node. */
export function leaderKeyOf(name: string): string {
  return leaderKey(FLINK_COMPONENTS.find(([, flinks]) => flinks === name)?.[0] ?? decodeURIComponent(name));
}

/** The entry in a node of our own. */
export const ownKeyOf = (name: string): string => decodeURIComponent(name);

/** ZooKeeper allows no slash in a name, and neither `.` nor `..` as one. */
function encodedName(key: string): string {
  return /^\.+$/.test(key) ? key.replaceAll('.', '%2E') : encodeURIComponent(key);
}

/** An entry's text as its node holds it: Flink's forms where Flink has one, else the text. */
export function bytesOf(key: string, text: string): Uint8Array {
  if (key === COUNTER_KEY) return counterBytes(text);
  if (isLeaderKey(key)) {
    const information = decodeLeaderInformation(text);
    if (information !== undefined && isUuid(information.sessionId)) return encodeConnectionInfo(information);
  }
  return Buffer.from(text, 'utf8');
}

/** The text of an entry; undefined for a leader's node that names nobody, or that nobody can read. */
export function textOf(key: string, bytes: Buffer, path: string): string | undefined {
  if (key === COUNTER_KEY) return bytes.length === 4 ? String(bytes.readInt32BE(0)) : bytes.toString('utf8');
  if (!isLeaderKey(key)) return bytes.toString('utf8');
  if (bytes.length === 0) return undefined;
  if (!bytes.subarray(0, 2).equals(JAVA_STREAM)) return bytes.toString('utf8');
  try {
    const information = decodeConnectionInfo(bytes, path);
    return information === undefined ? undefined : encodeLeaderInformation(information);
  } catch (error) {
    if (error instanceof FlinkDataError) return undefined;
    throw error;
  }
}

function counterBytes(text: string): Uint8Array {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0 || count > LARGEST_COUNT) {
    throw new IllegalArgumentException(
      `Checkpoint counter overflow: ${text} does not fit the 4 bytes of its node; ${LARGEST_COUNT} is the last`,
    );
  }
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(count);
  return bytes;
}

const isUuid = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
