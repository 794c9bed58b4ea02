/** The command line as people start it: real processes, in a directory of their own. What still runs is ended after the test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { commandForTests } from '../command/desk.ts';
import { eventually } from './eventually.ts';
import { aTemporaryDirectory } from './temporary-directory.ts';

const BUNDLED_COMMAND = await commandForTests();

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export class FlinkjobProcess {
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;

  constructor(args: readonly string[], cwd: string, command = BUNDLED_COMMAND) {
    this.#child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', command, ...args], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.ended = new Promise((done) => {
      this.#child.on('close', (code) => done({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits until stderr says this; fails, with what it said instead, when the command ends before. */
  async says(text: string): Promise<void> {
    let end: Ended | undefined;
    this.ended.then((ended) => {
      end = ended;
    }, undefined);
    await eventually(() => this.stderr.includes(text) || end !== undefined, 60_000);
    if (!this.stderr.includes(text)) throw new Error(`never said "${text}", but:\n${this.stderr}`);
  }
}

/** A working directory for commands. */
export interface Workplace {
  readonly directory: string;
  write(path: string, text: string): string;
  /** Writes `<name>.yaml` for a job, by default one that keeps its state beside it and never restarts. */
  manifest(name: string, spec: Record<string, unknown>): string;
  start(...args: string[]): FlinkjobProcess;
  flinkjob(...args: string[]): Promise<Ended>;
}

/** A workplace in a directory that is gone after the test. */
export function aWorkplace(directory: string = aTemporaryDirectory(), command = BUNDLED_COMMAND): Workplace {
  const start = (...args: string[]): FlinkjobProcess => {
    const started = new FlinkjobProcess(args, directory, command);
    onTestFinished(async () => {
      started.kill('SIGKILL');
      await started.ended;
    });
    return started;
  };
  const write = (path: string, text: string): string => {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
    return path;
  };
  return {
    directory,
    write,
    manifest: (name, spec) =>
      write(
        `${name}.yaml`,
        stringify({
          apiVersion: 'flinkjob.dev/v1alpha1',
          kind: 'FlinkJob',
          metadata: { name },
          spec: { storage: { uri: 's3://flinkjob/jobs' }, restart: { none: {} }, ...spec },
        }),
      ),
    start,
    flinkjob: (...args) => start(...args).ended,
  };
}
