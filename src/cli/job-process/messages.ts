import type { JobEvent } from '../../stream/index.ts';

/** What a job process tells its parent while it runs, over the IPC channel where there is one. */
export type FromJobProcess =
  | { readonly type: 'leading'; readonly epoch: number }
  | { readonly type: 'serving'; readonly url: string; readonly jobId: string }
  | { readonly type: 'event'; readonly event: JobEvent }
  | {
      readonly type: 'log';
      readonly level: 'info' | 'warn';
      readonly message: string;
      readonly facts?: Readonly<Record<string, unknown>>;
    };
