/** What can go wrong with a FlinkJob on a cluster, in words that say what to do next. */
import { ApiError } from '../../kube/index.ts';
import { FlinkJobError } from '../../lib/errors.ts';

type ClusterErrorCode =
  | 'CLUSTER_JOB_NOT_FOUND'
  | 'CLUSTER_NO_DEFINITION'
  | 'CLUSTER_FORBIDDEN'
  | 'CLUSTER_UNREACHABLE'
  | 'CLUSTER_NAME_INVALID'
  | 'CLUSTER_JOB_NOT_RUNNING'
  | 'CLUSTER_NO_LEADER'
  | 'CLUSTER_POD_NOT_FOUND'
  | 'CLUSTER_REST_UNAVAILABLE'
  | 'CLUSTER_REQUEST_FAILED'
  | 'CLUSTER_REQUEST_PUT_BACK'
  | 'CLUSTER_NOT_DONE_IN_TIME';

/** Thrown by the commands for a FlinkJob on a cluster; each becomes one message and exit code 1. */
export class ClusterJobError extends FlinkJobError {
  constructor(code: ClusterErrorCode, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(code, message, options);
  }
}

/** Where a call went, for messages. */
export interface CalledCluster {
  /** `kubeconfig /home/a/.kube/config, context dev`. */
  readonly origin: string;
  readonly server: string;
  readonly namespace: string;
}

/** A failure of the API in the words of these commands; others stay as they are. */
export function inClusterWords(error: unknown, where: CalledCluster): unknown {
  if (!(error instanceof ApiError)) return error;
  const { namespace, server, origin } = where;
  if (error.isForbidden) return forbidden(error, namespace);
  if (isUnanswered(error)) {
    return new ClusterJobError(
      'CLUSTER_UNREACHABLE',
      `the cluster at ${server} (${origin}) does not answer: ${error.message}. Check that it is up and the network, or choose another with --context`,
      { cause: error, retryable: true },
    );
  }
  if (error.isNotFound && error.objectName === undefined && error.call.includes(' flinkjobs')) {
    return new ClusterJobError(
      'CLUSTER_NO_DEFINITION',
      `the cluster at ${server} (${origin}) knows no FlinkJobs: their definition is not installed. ` +
        'Install it with kubectl apply --server-side -f crds/flinkjobs.flinkjob.dev.yaml, or choose another cluster with --context',
      { cause: error },
    );
  }
  return error;
}

function isUnanswered({ code, status }: ApiError): boolean {
  return status === undefined && (code === 'KUBE_NO_ANSWER' || code === 'KUBE_DEADLINE');
}

/** Verb and resource are those of the request: what a Role has to name. */
function forbidden(error: ApiError, namespace: string): ClusterJobError {
  const [verb = '', resource = ''] = error.call.split(' ');
  const user = /User "([^"]*)"/.exec(error.message)?.[1];
  const who = user === undefined ? 'you' : `user ${user}`;
  const part = /resource "([^"]*)"/.exec(error.message)?.[1] ?? resource;
  return new ClusterJobError(
    'CLUSTER_FORBIDDEN',
    `${who} may not ${verb} ${part} in namespace ${namespace}. Somebody who may has to grant it with a Role and a RoleBinding; ` +
      `kubectl auth can-i ${verb} ${part} -n ${namespace} tells when it is`,
    { cause: error },
  );
}
