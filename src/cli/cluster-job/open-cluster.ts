/** What all commands for a FlinkJob on a cluster have in common: connect, find it, turn failures into one message. */
import { resolve } from 'node:path';
import { nearest } from '../../api/index.ts';
import { ApiClient, FLINK_JOBS, type FlinkJobObject, openConnection } from '../../kube/index.ts';
import { FlinkJobError } from '../../lib/errors.ts';
import { type CliIo, EXIT } from '../command.ts';
import { printable } from '../inspect/printable.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { type CalledCluster, ClusterJobError, inClusterWords } from './errors.ts';

/** A FlinkJob's name on a cluster, and the way there. */
export interface ClusterJob extends CalledCluster {
  readonly client: ApiClient;
  readonly name: string;
  /** Ends whatever goes on. */
  readonly signal: AbortSignal;
}

/** What every call of a command says: a person waits. */
export const PATIENCE_MS = 15_000;

/** Does something with a job of a cluster; for errors that say what to do, exit code 1 and one message. */
export async function withClusterJob(
  wanted: string,
  options: ClusterOptions,
  io: CliIo,
  work: (job: ClusterJob) => Promise<number>,
): Promise<number> {
  try {
    return await connected(wanted, options, io, work);
  } catch (error) {
    if (!(error instanceof FlinkJobError)) throw error;
    io.stderr.write(`error: ${error.message.split('\n').map(printable).join('\n')}\n`);
    return EXIT.failed;
  }
}

async function connected(
  wanted: string,
  { namespace, context, kubeconfig }: ClusterOptions,
  io: CliIo,
  work: (job: ClusterJob) => Promise<number>,
): Promise<number> {
  const [name = '', named, ...rest] = wanted.split('/').reverse();
  if (name === '' || rest.length > 0 || (named !== undefined && namespace !== undefined && named !== namespace)) {
    throw new ClusterJobError(
      'CLUSTER_NAME_INVALID',
      `${wanted} is no name of a FlinkJob: write NAME -n NAMESPACE, or NAMESPACE/NAME`,
    );
  }
  const connection = await openConnection({
    environment: io.env,
    ...(kubeconfig === undefined ? {} : { kubeconfig: resolve(io.cwd, kubeconfig) }),
    ...(context === undefined ? {} : { context }),
  });
  const client = ApiClient.for(connection, { fieldManager: 'flinkjob-cli' });
  const { origin, server } = connection;
  const where = { origin, server, namespace: namespace ?? named ?? connection.namespace };
  try {
    return await work({ ...where, client, name, signal: io.signal ?? new AbortController().signal });
  } catch (error) {
    throw inClusterWords(error, where);
  } finally {
    await client.close();
  }
}

/** The FlinkJob. @throws ClusterJobError with the nearest name when there is none */
export async function readJob(job: ClusterJob): Promise<FlinkJobObject> {
  const { client, namespace, name, signal } = job;
  const found = await client.get(FLINK_JOBS, { namespace, name }, { signal, deadlineMs: PATIENCE_MS });
  if (found === undefined) throw await notFound(job);
  return found;
}

/** That there is no such job, with what could have been meant. */
export async function notFound(job: ClusterJob): Promise<ClusterJobError> {
  const { namespace, name, origin } = job;
  const here = await namesIn(job, namespace);
  const elsewhere = here.includes(name)
    ? []
    : (await namesIn(job, undefined)).filter((path) => path.endsWith(`/${name}`));
  return new ClusterJobError(
    'CLUSTER_JOB_NOT_FOUND',
    `there is no FlinkJob ${name} in namespace ${namespace} (${origin}). ${hintFor(name, here, elsewhere)}`,
  );
}

function hintFor(name: string, here: readonly string[], elsewhere: readonly string[]): string {
  const [other] = elsewhere;
  if (other !== undefined) return `There is one in namespace ${other.slice(0, other.indexOf('/'))}: name it with -n.`;
  const near = nearest(name, here);
  if (near !== undefined) return `Did you mean ${near}?`;
  if (here.length === 0)
    return 'There are none there; name another namespace with -n, or another cluster with --context.';
  return `There are: ${here.slice(0, 10).join(', ')}${here.length > 10 ? ', …' : ''}.`;
}

/** Names of the jobs of a namespace, or `namespace/name` of all; none where they may not be listed. */
async function namesIn({ client, signal }: ClusterJob, namespace: string | undefined): Promise<string[]> {
  try {
    const selection = namespace === undefined ? {} : { namespace };
    const { items } = await client.listPage(FLINK_JOBS, { ...selection, limit: 500, signal, deadlineMs: PATIENCE_MS });
    return items.map(({ metadata = {} }) =>
      namespace === undefined ? `${metadata.namespace}/${metadata.name}` : (metadata.name ?? ''),
    );
  } catch {
    // The hint is not worth another error.
    return [];
  }
}
