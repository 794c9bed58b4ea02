/**
 * The process that owns a test cluster. Its parent writes a first line (what to start), and may ask for more; when the
 * parent's end of the pipe closes, for whatever reason, everything is stopped and removed. So no test run leaves a server
 * behind, not even one that was killed.
 *
 *     parent ── {"programs"} ────────────────────► keeper ──► etcd, kube-apiserver
 *            ◄─ {"access"} or {"failure"} ────────
 *            ── {"controllerManager": path} ─────► keeper ──► kube-controller-manager
 *            ◄─ {"done"} or {"failure"} ──────────
 *            ── end of input ────────────────────► keeper ──► all killed, folder removed
 */
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { ControlPlane } from './control-plane.ts';
import type { ProgramName } from './programs.ts';

/** One line of the parent. */
export interface Wish {
  readonly programs?: Readonly<Partial<Record<ProgramName, string>>>;
  readonly controllerManager?: string | undefined;
}

const [, , folder] = process.argv;
if (import.meta.main && folder !== undefined) await keep(folder);

async function keep(folder: string): Promise<void> {
  const lines = createInterface({ input: process.stdin });
  // A Ctrl-C at a terminal may reach this process too; it means the same as the parent's end.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => lines.close());
  let plane: ControlPlane | undefined;
  // Also in the middle of a start.
  lines.once('close', () => void plane?.stop());
  try {
    for await (const line of lines) {
      const wish = JSON.parse(line) as Wish;
      plane ??= new ControlPlane({ folder, programs: wish.programs ?? {} });
      await answer(plane, wish);
    }
  } finally {
    await plane?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function answer(plane: ControlPlane, wish: Wish): Promise<void> {
  let line: object;
  try {
    if (wish.controllerManager === undefined) line = { access: await plane.start() };
    else line = await plane.startControllerManager(wish.controllerManager).then(() => ({ done: true }));
  } catch (error) {
    line = { failure: (error as Error).message };
  }
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
