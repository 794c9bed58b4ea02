/** A keeper as its parent sees it: started, asked, ended. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { sweepAbandoned } from './abandoned.ts';

/** What there is instead of a server, where the machine can have none. */
export interface Unavailable {
  readonly unavailable: string;
}

/** A server that runs under its keeper. */
export interface StartedServer<Started> {
  readonly started: Started;
  /** From the call to a server that serves. */
  readonly startedInMs: number;
  readonly keeper: KeeperProcess;
}

export interface KeeperFacts<Wish> {
  /** How failures speak of the server: `test cluster`. */
  readonly name: string;
  /** The keeper's program, a file called `keeper.ts`; it calls `keep`. */
  readonly script: string;
  /** How the folders of these servers begin; nothing else in the folder for temporary files begins so. */
  readonly prefix: string;
  /** What to start. */
  readonly wish: Wish;
}

/** Starts a server in a new folder, under a keeper of its own. Throws, and leaves nothing, when it does not start. */
export async function startKept<Wish extends object, Started>(
  facts: KeeperFacts<Wish>,
): Promise<StartedServer<Started>> {
  sweepAbandoned(facts.prefix);
  const begunAt = performance.now();
  const keeper = new KeeperProcess(facts.name, facts.script, mkdtempSync(join(tmpdir(), facts.prefix)));
  try {
    const started = await keeper.ask<Started>(facts.wish);
    return { started, startedInMs: performance.now() - begunAt, keeper };
  } catch (error) {
    await keeper.end();
    throw error;
  }
}

/** The keeper's process, and its answers in the order of the questions. */
export class KeeperProcess {
  private readonly name: string;
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly lines: AsyncIterator<string>;
  private readonly gone: Promise<void>;
  private last: Promise<unknown> = Promise.resolve();

  constructor(name: string, script: string, folder: string) {
    this.name = name;
    this.child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, folder], {
      stdio: ['pipe', 'pipe', 'inherit'],
      // A group of its own: a Ctrl-C must not reach the server before the parent has said it is over.
      detached: true,
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    this.child.stdin.on('error', () => {});
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    this.gone = new Promise((resolve) => this.child.once('exit', () => resolve()));
  }

  ask<T>(wish: object): Promise<T> {
    const asked = this.last.then(async () => {
      this.keepsParentAlive(true);
      this.child.stdin.write(`${JSON.stringify(wish)}\n`);
      const { value, done } = await this.lines.next();
      // Between questions it must not keep alive whoever forgot to stop it.
      this.keepsParentAlive(false);
      if (done === true) throw new Error(`the keeper of the ${this.name} ended`);
      const answer = JSON.parse(value) as T & { failure?: string };
      if (answer.failure !== undefined) throw new Error(`the ${this.name}: ${answer.failure}`);
      return answer;
    });
    this.last = asked.catch(() => {});
    return asked;
  }

  /** Resolves when the server has ended and its folder is gone. */
  async end(): Promise<void> {
    this.keepsParentAlive(true);
    this.child.stdin.end();
    await this.gone;
  }

  private keepsParentAlive(does: boolean): void {
    // Pipes to a child are sockets, which their types do not say.
    const [stdin, stdout] = [this.child.stdin as Socket, this.child.stdout as Socket];
    for (const part of [this.child, stdin, stdout]) {
      if (does) part.ref();
      else part.unref();
    }
  }
}
