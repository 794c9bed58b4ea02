/** Serves one attempt of a job over HTTP: facts, commands and queryable state. Made before the JobMaster runs. */
import { readFileSync } from 'node:fs';
import { openDoor, type RestDoor, restService, type Serving } from '../rest/index.ts';
import { jobControlOf } from './job-control.ts';
import type { JobMaster } from './job-master.ts';
import { jobViewOf } from './job-view-of.ts';
import { newestRestorePoint } from './newest-restore-point.ts';
import { QueryableStates } from './queryable-states.ts';

/** A job that can be watched and asked. */
export interface ServedJob {
  /** `http://host:port`, without a slash at the end. */
  readonly url: string;
  /** Resolves true once the result of every savepoint, stop and checkpoint was read, false after `timeoutMs`. */
  resultsRead(timeoutMs: number): Promise<boolean>;
  /** Stops listening; requests under way get a second to end. */
  close(): Promise<void>;
}

/**
 * Starts to serve, at an address of its own or at a door that is open already. Call it before `master.run()`: states are
 * entered as they are announced.
 * @param leads asked at each request, by the clock: who may have been followed by another leader answers for nothing
 * @throws the system's error when host and port cannot be had
 */
export async function serveJob(
  master: JobMaster,
  rest: { readonly host: string; readonly port: number } | RestDoor,
  leads: () => boolean = () => true,
): Promise<ServedJob> {
  const { clock, log } = master.options;
  const own = 'attach' in rest ? undefined : await openDoor({ ...rest, clock });
  const door = own ?? (rest as RestDoor);
  const states = new QueryableStates(master);
  const service = restService({
    host: door.host,
    clock,
    view: () => serving(master, leads),
    control: jobControlOf(master, states, () => newestRestorePoint(master.options)),
    product: { version: productVersion(), revision: 'unknown' },
    onError: (error, request) => log.warn(`${request} was answered 500`, { error: String(error) }),
  });
  const detach = door.attach(service.handle);
  return {
    url: door.url,
    resultsRead: (timeoutMs) => service.resultsRead(timeoutMs),
    async close() {
      states.close();
      service.close();
      detach();
      await own?.close();
    },
  };
}

/** Ours, shown where tools look for Flink's. */
function productVersion(): string {
  const isSource = import.meta.url.endsWith('.ts');
  const manifest = new URL(isSource ? '../../../package.json' : '../package.json', import.meta.url);
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string }).version;
}

function serving(master: JobMaster, leads: () => boolean): Serving {
  const { options, state, since, startedAt, outcome, execution } = master;
  // Before the graph is there, there is nothing to show, unless it never came to be.
  if (execution === undefined && outcome === undefined) return { status: 'unavailable', reason: 'starting' };
  // What has ended stays as it ended, whoever leads by now.
  if (outcome === undefined && !leads()) return { status: 'unavailable', reason: 'notLeader' };
  const checkpoints = master.checkpoints?.statistics();
  return {
    status: 'serving',
    job: jobViewOf({ options, state, since, startedAt, outcome, execution, checkpoints }),
  };
}
