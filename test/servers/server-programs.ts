/** The programs that make one test server: children of its keeper, all that they write below one folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePorts } from './ports.ts';

/** A server that does not answer within this time will not. */
const START_DEADLINE_MS = 90_000;
/** A server in Go collects its garbage a quarter as often as it would: a fifth less work, for 250 MB more. */
const LESS_COLLECTION = { GOGC: '400' };

export class ServerPrograms {
  readonly folder: string;
  private readonly children: ChildProcess[] = [];
  private readonly logs = new Set<string>();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Starts what needs ports. A port that somebody else took first is chosen again; what was started is stopped before. */
  async onFreePorts<R>(count: number, start: (ports: readonly number[]) => Promise<R>): Promise<R> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await start(await freePorts(count));
      } catch (error) {
        await this.stop();
        if (attempt === 3 || !/address already in use/i.test(String(error))) throw error;
      }
    }
  }

  /** Starts a program; it logs into a file that bears its name. */
  run(program: string, args: readonly string[]): ChildProcess {
    const path = join(this.folder, `${basename(program)}.log`);
    this.logs.add(path);
    const log = openSync(path, 'a');
    const env = { ...LESS_COLLECTION, ...process.env };
    const child = spawn(program, args, { cwd: this.folder, stdio: ['ignore', log, log], env });
    closeSync(log);
    // That it could not be started is found by whoever waits for its answer.
    child.on('error', () => {});
    this.children.push(child);
    return child;
  }

  /** Waits until a server answers, and says why when one of its programs ends instead. */
  async until(children: readonly ChildProcess[], what: string, isUp: () => Promise<boolean>): Promise<void> {
    const stop = performance.now() + START_DEADLINE_MS;
    while (!(await isUp())) {
      const hasEnded = children.some((child) => child.pid === undefined || isOver(child));
      if (hasEnded) throw new Error(`${what} could not be started:\n${this.lastLines()}`);
      if (performance.now() > stop)
        throw new Error(`${what} did not answer within ${START_DEADLINE_MS / 1000} s:\n${this.lastLines()}`);
      await pause(20);
    }
  }

  /** Ends one program at once, as a loss of power does. */
  async end(child: ChildProcess): Promise<void> {
    const at = this.children.indexOf(child);
    if (at >= 0) this.children.splice(at, 1);
    await killed(child);
  }

  /** Ends every program at once; what they wrote is not needed any more. */
  async stop(): Promise<void> {
    await Promise.all(this.children.splice(0).map(killed));
  }

  private lastLines(): string {
    return [...this.logs]
      .map((path) => readFileSync(path, 'utf8').slice(-1_500))
      .join('\n')
      .trim();
  }
}

function isOver(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function killed(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.pid === undefined || isOver(child)) {
      resolve();
      return;
    }
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
