/**
 * The desk that hands out the command as a package has it: bundled from the sources when the first test file of a run asks,
 * and gone with the run. A process of it takes half the time to start that one from the sources takes.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from '../../scripts/bundle.ts';
import { deskOf } from '../servers/desk.ts';

const ROOT = join(import.meta.dirname, '../..');

interface BundledCommand {
  readonly main: string;
  readonly startedInMs: number;
  stop(): Promise<void>;
}

const desk = deskOf<BundledCommand, 'command', { readonly main: string }>({
  name: 'test command',
  start: bundledCommand,
  hand: ({ main }) => ({ main }),
});

export const { setup } = desk;

/** What Node.js runs as `flinkjob`. To be awaited at the top of a file. */
export async function commandForTests(): Promise<string> {
  const answer = await desk.ask('command');
  if ('unavailable' in answer) throw new Error(answer.unavailable);
  return answer.main;
}

async function bundledCommand(): Promise<BundledCommand> {
  const begunAt = performance.now();
  // Below the project, where packages that are not bundled can be found.
  mkdirSync(join(ROOT, '.soak'), { recursive: true });
  const scratch = mkdtempSync(join(ROOT, '.soak', 'command-'));
  const remove = (): void => rmSync(scratch, { recursive: true, force: true });
  process.once('exit', remove);
  // The command reads its version there, as it does in an installed package.
  copyFileSync(join(ROOT, 'package.json'), join(scratch, 'package.json'));
  await bundle(join(scratch, 'dist'));
  return {
    main: join(scratch, 'dist', 'main.js'),
    startedInMs: performance.now() - begunAt,
    stop: async () => remove(),
  };
}
