/**
 * The REST API of a job, reached through the API server: `services/<job>-rest:rest/proxy`. Nobody has to forward a port, and
 * what a person may do is what his rights on `services/proxy` say.
 */
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { DEFAULT_REST_PORT } from '../../api/index.ts';
import { FlinkClient, FlinkUnreachableError, type HttpResponse, type HttpRoute } from '../../flink/index.ts';
import { ApiError, type HttpStream, SERVICES } from '../../kube/index.ts';
import { messageOf } from '../../lib/errors.ts';
import { objectNames } from '../../resources/index.ts';
import { ClusterJobError, inClusterWords } from './errors.ts';
import type { ClusterJob } from './open-cluster.ts';

/** What comes through is held in memory. */
const MOST_BYTES = 16 * 1024 * 1024;

/** A client of the job's REST API; reads only. `onFailure` is told why an answer did not come. */
export function restClient(
  job: ClusterJob,
  { timeoutMs = 10_000, onFailure }: { timeoutMs?: number; onFailure?: (error: unknown) => void } = {},
): FlinkClient {
  const { client, namespace, name, server } = job;
  const service = `${objectNames(name).rest}:rest`;
  const base = `${server}/api/v1/namespaces/${namespace}/services/${service}/proxy`;
  const through: HttpRoute = async ({ url, signal }) => {
    const part = `proxy${url.slice(base.length)}`;
    try {
      const ref = { namespace, name: service };
      return await answerOf(await client.openPart(SERVICES, ref, part, { signal, deadlineMs: timeoutMs }), part);
    } catch (error) {
      onFailure?.(error);
      throw error;
    }
  };
  return new FlinkClient(base, { route: through, timeoutMs });
}

/** What the API server itself has to say is no answer of the job. */
async function answerOf(stream: HttpStream, part: string): Promise<HttpResponse> {
  const body = await wholeBody(stream);
  const refusal = stream.status >= 400 ? statusIn(body) : undefined;
  if (refusal !== undefined) {
    throw new ApiError({
      code: stream.status < 500 ? 'KUBE_REFUSED' : 'KUBE_SERVER_ERROR',
      call: `get services/proxy ${part.slice('proxy'.length)}`,
      why: refusal.message ?? `the API server answered ${stream.status}`,
      outcome: 'notApplied',
      retryable: stream.status >= 500,
      status: stream.status,
      answer: refusal,
    });
  }
  return { status: stream.status, chunks: Readable.from([Buffer.from(body)]) };
}

async function wholeBody(stream: HttpStream): Promise<string> {
  const declared = Number(stream.headers['content-length'] ?? 0);
  if (declared > MOST_BYTES) {
    stream.cut();
    throw new Error(`the answer has ${declared} bytes`);
  }
  return (await buffer(Readable.from(stream.chunks))).toString('utf8');
}

function statusIn(body: string): { readonly message?: string; readonly reason?: string } | undefined {
  try {
    const parsed = JSON.parse(body) as { kind?: string; apiVersion?: string; message?: string; reason?: string } | null;
    return parsed?.kind === 'Status' && parsed.apiVersion === 'v1' ? parsed : undefined;
  } catch {
    // Not JSON: whatever is behind the proxy said it.
    return undefined;
  }
}

/** Why the REST API did not answer, in words of these commands; other errors stay as they are. */
export function inRestWords(error: unknown, job: ClusterJob): unknown {
  const cause = error instanceof FlinkUnreachableError ? error.cause : error;
  const refused = inClusterWords(cause, job);
  if (refused instanceof ClusterJobError) return refused;
  if (!(cause instanceof ApiError || error instanceof FlinkUnreachableError)) return error;
  const { namespace, name } = job;
  return new ClusterJobError(
    'CLUSTER_REST_UNAVAILABLE',
    `the REST API of job ${namespace}/${name} cannot be reached through the API server: ${messageOf(cause ?? error)}. ` +
      `Its pods may be starting or unable to answer, or a NetworkPolicy keeps the API server from their port ${DEFAULT_REST_PORT}: ` +
      `kubectl flinkjob status ${name} -n ${namespace} shows how they are`,
    { cause: error, retryable: true },
  );
}
