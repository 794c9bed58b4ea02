/** Starts a cluster that lives as long as this process, for tests (through the desk), benchmarks and soak runs. */
import { join } from 'node:path';
import { startKept, type Unavailable } from '../servers/keeper-process.ts';
import type { ClusterAccess } from './access.ts';
import type { Disaster, Wish } from './keeper.ts';
import { findPrograms, type ProgramFacts } from './programs.ts';

/** A cluster that runs. */
export interface RunningCluster {
  readonly access: ClusterAccess;
  /** From the call to a server that says it is ready; what had to be built is not in it. */
  readonly startedInMs: number;
  /** Adds kube-controller-manager; a second call waits for the first. */
  startControllerManager(): Promise<void>;
  /** Ends the API server as a crash does, and starts it again under its address. */
  restartServer(): Promise<void>;
  /** Keeps all that is stored as it is now. */
  backUp(): Promise<void>;
  /** Everything is as it was at the backup, versions of objects included: a server that went back in time. */
  restore(): Promise<void>;
  /** Ends it and removes what it wrote. It also ends with this process, however that ends. */
  stop(): Promise<void>;
}

/** Starts etcd and kube-apiserver; `unavailable` says why this machine cannot have them. Throws when they do not start. */
export async function startCluster(facts: ProgramFacts = {}): Promise<RunningCluster | Unavailable> {
  const programs = await findPrograms({ ...facts, wanted: ['etcd', 'kube-apiserver'] });
  if (!programs.found) return { unavailable: programs.reason };
  const { started, startedInMs, keeper } = await startKept<Wish, { access: ClusterAccess }>({
    name: 'test cluster',
    script: join(import.meta.dirname, 'keeper.ts'),
    prefix: 'flinkjob-cluster-',
    wish: { programs: programs.paths },
  });
  let controllerManager: Promise<void> | undefined;
  const startControllerManager = async () => {
    const found = await findPrograms({ ...facts, wanted: ['kube-controller-manager'] });
    if (!found.found) throw new Error(found.reason);
    const wish: Wish = { controllerManager: found.paths['kube-controller-manager'] };
    await keeper.ask(wish);
  };
  const meet = async (disaster: Disaster): Promise<void> => {
    const wish: Wish = { disaster };
    await keeper.ask(wish);
  };
  return {
    access: started.access,
    startedInMs,
    restartServer: () => meet('restartServer'),
    backUp: () => meet('backUp'),
    restore: () => meet('restore'),
    startControllerManager: () => (controllerManager ??= startControllerManager()),
    stop: () => keeper.end(),
  };
}
