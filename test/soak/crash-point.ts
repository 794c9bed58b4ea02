/**
 * Where a process of the soak test kills itself, told by the environment: `<point>:<occurrence>`, counted in each thread.
 * The kill is SIGKILL from within, at that very instruction: nothing after the point happens.
 */
import { writeFileSync } from 'node:fs';
import type { FaultPoint } from '../../src/lib/fault-point.ts';
import { nodeSinkFileSystem, type SinkFileSystem } from '../../src/stream/connectors/sink-file-system.ts';

/** `<point>:<occurrence>`; absent: nothing happens. */
export const CRASH_AT_VARIABLE = 'FLINKJOB_TEST_CRASH_AT';
/** A file that is written just before the kill, so that the driver knows that the point was reached. */
export const CRASH_NOTE_VARIABLE = 'FLINKJOB_TEST_CRASH_NOTE';
/** How many worker threads the process has; absent: by the cores. */
export const WORKERS_VARIABLE = 'FLINKJOB_TEST_WORKERS';

/** Before and after each operation of the file sink on its files. */
export const SINK_FAULT_POINTS = [
  'sink-before-create',
  'sink-after-create',
  'sink-before-sync',
  'sink-after-sync',
  'sink-before-link',
  'sink-after-link',
  'sink-before-unlink',
  'sink-after-unlink',
  'sink-before-sync-directory',
  'sink-after-sync-directory',
] as const;

/** The fault point that the environment of this process asks for. */
export function faultsFromEnvironment(): FaultPoint {
  const [point, occurrence] = (process.env[CRASH_AT_VARIABLE] ?? '').split(':');
  let left = Number(occurrence ?? 1);
  return (reached) => {
    if (reached !== point) return;
    left--;
    if (left === 0) dieNow(point);
  };
}

/** The file system of the sink with fault points around its operations. */
export function crashingSinkFileSystem(faults: FaultPoint): SinkFileSystem {
  const around = async <R>(name: string, operation: () => Promise<R>): Promise<R> => {
    await faults(`sink-before-${name}`);
    const result = await operation();
    await faults(`sink-after-${name}`);
    return result;
  };
  const files = nodeSinkFileSystem;
  return {
    ...files,
    createExclusive(path) {
      void faults('sink-before-create');
      const file = files.createExclusive(path);
      void faults('sink-after-create');
      return file;
    },
    sync: (path) => around('sync', () => files.sync(path)),
    syncDirectory: (path) => around('sync-directory', () => files.syncDirectory(path)),
    link: (from, to) => around('link', () => files.link(from, to)),
    unlink: (path) => around('unlink', () => files.unlink(path)),
  };
}

function dieNow(point: string): never {
  const note = process.env[CRASH_NOTE_VARIABLE];
  if (note !== undefined) writeFileSync(note, point);
  process.kill(process.pid, 'SIGKILL');
  // The signal takes the process down from another thread: this one must not go on meanwhile.
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (;;) Atomics.wait(never, 0, 0);
}
