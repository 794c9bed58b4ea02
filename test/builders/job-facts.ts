/** Facts that the objects of a job are built from. */
import { stringify } from 'yaml';
import { parseFlinkJob } from '../../src/api/index.ts';
import type { PodFacts } from '../../src/resources/index.ts';

/** A job with one standby, and pod 0 of its third attempt. */
export function aPodOf(spec: Readonly<Record<string, unknown>> = {}, more: Partial<PodFacts> = {}): PodFacts {
  const { name = 'flights', namespace = 'default' } = more;
  const manifest = {
    apiVersion: 'flinkjob.dev/v1alpha1',
    kind: 'FlinkJob',
    metadata: { name, namespace },
    spec: { typescript: { module: 'dist/job.js' }, storage: { uri: 's3://bucket/jobs' }, ...spec },
  };
  return {
    job: parseFlinkJob(stringify(manifest), 'test'),
    namespace,
    name,
    uid: '7d0f9f3e-0b8e-4d0e-9a55-1c2a5a2b1f00',
    jobId: 'a'.repeat(32),
    since: '2026-11-21T10:00:00Z',
    revision: `${name}-6c7f5d`,
    image: 'example.org/flights:1.4.2',
    attempt: 3,
    index: 0,
    ...more,
  };
}
