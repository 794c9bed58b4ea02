/** What a command and the process that runs a program for it say to each other. Plain data. */
import type { JobModule, StateOutline } from '../../stream/index.ts';

/** A program, and the state that it would take up. */
export interface ProgramOrder {
  readonly module: JobModule;
  /** Where the module's path begins. */
  readonly workingDirectory: string;
  readonly args: readonly string[];
  readonly parallelism: number;
  /** Absent: the resource sets none. */
  readonly maxParallelism?: number;
  readonly jobId: string;
  readonly jobName: string;
  readonly state: StateOutline;
  /** Where the state lies, for messages. */
  readonly from: string;
  readonly allowNonRestoredState: boolean;
}

/** What became of it. */
export type ProgramAnswer =
  | {
      readonly is: 'checked';
      /** Why the program would refuse the state; empty: as far as it was looked at, it would take it up. */
      readonly problems: readonly string[];
      /** What was not looked at, and why. */
      readonly unchecked: readonly string[];
      /** uids of operators that would start empty. */
      readonly added: readonly string[];
      /** uids of operators whose state nobody takes up. */
      readonly dropped: readonly string[];
    }
  /** It is no program that could run anywhere. */
  | { readonly is: 'invalid'; readonly why: string }
  /** It could not be run here, which says nothing of elsewhere. */
  | { readonly is: 'notRun'; readonly why: string };
