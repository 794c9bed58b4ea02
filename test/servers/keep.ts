/** What a keeper does: the process that owns a test server, and ends with its parent. */
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** The server of a keeper. */
export interface KeptServer<Wish> {
  /** Does what the parent wishes; the first wish starts the server. What it throws becomes the parent's failure. */
  answer(wish: Wish): Promise<object>;
  /** Kills what runs, also in the middle of a start. */
  stop(): Promise<void>;
}

/** Answers the parent's wishes, a line each, until its end of the pipe closes. Then stops the server and removes the folder. */
export async function keep<Wish>(folder: string, server: KeptServer<Wish>): Promise<void> {
  const lines = createInterface({ input: process.stdin });
  // A Ctrl-C at a terminal may reach this process too; it means the same as the parent's end.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => lines.close());
  // So does a parent that listens no more.
  process.stdout.on('error', () => lines.close());
  // Also in the middle of a start.
  lines.once('close', () => void server.stop());
  process.on('exit', () => void server.stop());
  try {
    for await (const line of lines) {
      const answer = await server
        .answer(JSON.parse(line) as Wish)
        .catch((error: Error) => ({ failure: error.message }));
      process.stdout.write(`${JSON.stringify(answer)}\n`);
    }
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
