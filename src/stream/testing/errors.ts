import { FlinkJobError } from '../../lib/errors.ts';

/** What went wrong in a test run. */
export type TestJobErrorCode =
  /** The job's code failed; `cause` is what it threw. The job can be restored. */
  | 'TEST_JOB_FAILED'
  /** A checkpoint was declined; the job runs on. */
  | 'TEST_CHECKPOINT_DECLINED'
  /** Nothing is left to do and what was waited for has not come. */
  | 'TEST_JOB_STUCK'
  /** The test asked for something that cannot be now. */
  | 'TEST_JOB_MISUSED';

/** Thrown by the test kit. The message names the seed, with which the same run happens again. */
export class TestJobError extends FlinkJobError {
  declare readonly code: TestJobErrorCode;
  readonly seed: number;
  /** Scheduling steps taken until then. */
  readonly step: number;

  constructor(
    code: TestJobErrorCode,
    message: string,
    at: { readonly seed: number; readonly step: number },
    options: { cause?: unknown } = {},
  ) {
    super(code, `${message} (seed ${at.seed}, step ${at.step}; replay with { seed: ${at.seed} })`, options);
    this.seed = at.seed;
    this.step = at.step;
  }
}
