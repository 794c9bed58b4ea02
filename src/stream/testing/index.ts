/** The public test kit, `flinkjob/testing`. See README.md. */
export { CommittedRecords } from './committed-records.ts';
export { TestJobError, type TestJobErrorCode } from './errors.ts';
export { RecordedOutput, type TimestampedRecord } from './recorded-output.ts';
export { type RunJobOptions, runJob } from './run-job.ts';
export { SeededRandom } from './seeded-random.ts';
export {
  type HarnessOptions,
  type KeyedHarnessOptions,
  StreamHarness,
  TwoInputHarness,
  testFunction,
  testStream,
  testTwoInputs,
} from './stream-harness.ts';
export { TestCheckpoint } from './test-checkpoint.ts';
export { TestClock } from './test-clock.ts';
export { TestInput } from './test-input.ts';
export { TestJob } from './test-job.ts';
export type { RestoreOptions, StateOptions, TestJobOptions, TestJobStatus } from './test-job-options.ts';
