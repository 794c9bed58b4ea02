/** What is counted of requests to the API server. */
import type { CallRecord } from '../../kube/index.ts';
import type { Metrics } from '../../lib/metrics.ts';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Counts every try; under client-go's names. */
export function requestMetrics(metrics: Metrics): (record: CallRecord) => void {
  const total = metrics.counter({
    name: 'rest_client_requests_total',
    help: 'Requests to the API server, by verb, resource and status; code <error> where there was no answer.',
    labels: ['verb', 'resource', 'code'],
  });
  const seconds = metrics.histogram({
    name: 'rest_client_request_duration_seconds',
    help: 'How long the API server took to answer, of a watch to begin.',
    labels: ['verb'],
    buckets: SECONDS,
  });
  return ({ verb, resource, status, durationMs }) => {
    total.add({ verb, resource, code: status === undefined ? '<error>' : String(status) });
    seconds.observe(durationMs / 1000, { verb });
  };
}
