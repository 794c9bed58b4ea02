/** FlinkJobs for the tests of the resource: a small valid one, and changes to it. */

export type Manifest = Record<string, unknown>;

/** The smallest job of the TypeScript runtime, with fields of `spec` replaced; undefined removes a field. */
export function aJob(spec: Manifest = {}, metadata: Manifest = {}): Manifest {
  return {
    apiVersion: 'flinkjob.dev/v1alpha1',
    kind: 'FlinkJob',
    metadata: without({ name: 'flight-delays', ...metadata }),
    spec: without({ typescript: { module: 'dist/job.js' }, storage: { uri: 's3://bucket/jobs' }, ...spec }),
  };
}

/** A job of the Flink runtime, with fields of `spec.flink` replaced. */
export function aFlinkRuntimeJob(flink: Manifest = {}, spec: Manifest = {}): Manifest {
  const jar = { uri: 'local:///opt/flink/usrlib/job.jar', entryClass: 'org.example.Job' };
  return aJob({ typescript: undefined, flink: without({ version: '2.3', jar, ...flink }), ...spec });
}

function without(fields: Manifest): Manifest {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
